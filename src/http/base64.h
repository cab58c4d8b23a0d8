/*
 * Base64 (RFC 4648).
 */
#ifndef HTTP_BASE64_H
#define HTTP_BASE64_H

#include <stddef.h>

#define BASE64URL_SIZE(n) (((n)*4 + 2) / 3 + 1) /* characters of n bytes and a NUL */

/* n bytes in the alphabet for URLs and file names, without padding (JWT). Gives the length. */
size_t base64url_encode(char *out, const void *bytes, size_t n);

/* The six bits that a character of the usual alphabet (PEM) stands for; -1: it is none of it. */
int base64_value(char c);

#endif
