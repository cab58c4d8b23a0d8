/*
 * The characters that a JSON string stands for.
 */
#ifndef JSON_UNESCAPE_H
#define JSON_UNESCAPE_H

#include <stddef.h>

/*
 * Unescape the string between its quotes, s to end, whose grammar has been checked (RFC 8259
 * section 7). Half of a surrogate pair becomes U+FFFD.
 *
 * out  end - s + 1 bytes: no escape is shorter than what it stands for; NUL-terminated
 *
 * Gives the length of the result, which may hold NULs.
 */
size_t json_unescape(char *out, const char *s, const char *end);

#endif
