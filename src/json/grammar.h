/*
 * RFC 8259 by the letter: jsmn, which cuts the text into tokens, does not check the grammar.
 */
#ifndef JSON_GRAMMAR_H
#define JSON_GRAMMAR_H

#include <stddef.h>

/*
 * Deepest nesting of arrays and objects that is accepted. The deepest document of the field, a
 * plugin list with prevResult inside a cached result, needs 7.
 */
#define JSON_DEPTH_MAX 64

/*
 * Check that text[0..len) is exactly one JSON value with white space around it, in valid UTF-8.
 *
 * why  on failure, what is wrong there, in words for a person
 *
 * Gives -1 if it is, else the offset of the first byte that cannot be.
 */
long json_grammar_fault(const char *text, size_t len, const char **why);

#endif
