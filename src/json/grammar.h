/*
 * RFC 8259 by the letter, a byte at a time: jsmn, which cuts the text into tokens, does not check
 * the grammar, and a long text does not lie in memory whole.
 */
#ifndef JSON_GRAMMAR_H
#define JSON_GRAMMAR_H

#include <stddef.h>
#include <stdint.h>

/*
 * Deepest nesting of arrays and objects that is accepted. The deepest document of the field, a
 * plugin list with prevResult inside a cached result, needs 7.
 */
#define JSON_DEPTH_MAX 64

/* What a byte is in its text, beside being allowed there. */
enum json_mark {
	JSON_VALUE_BEGINS = 1,
	JSON_VALUE_ENDS = 2,   /* its last byte */
	JSON_NUMBER_ENDED = 4, /* a number has ended with the byte before this one */
	JSON_KEY_BEGINS = 8,   /* its opening quote */
	JSON_KEY_ENDS = 16,    /* its closing quote */
};

/* Where in a text we are. Begin zeroed. */
struct json_grammar {
	uint64_t objects;   /* bit d: the container at depth d is an object */
	uint8_t depth;	    /* containers that are open */
	uint8_t state;	    /* enum state of grammar.c */
	uint8_t left;	    /* bytes of an escape or a UTF-8 sequence still to come */
	uint8_t low, high;  /* bounds of the next of them */
	uint8_t key;	    /* the string is a key */
	const char *letter; /* of true, false, null: the next */
	const char *why;    /* after a fault: what is wrong, in words for a person */
};

/* The next byte. Gives enum json_mark's bits, or -1 if it cannot be (and again whatever follows). */
int json_grammar_next(struct json_grammar *g, unsigned char b);

/* The text has ended. Gives 0, or -1 if it must not end here. */
int json_grammar_end(struct json_grammar *g);

/*
 * Check that text[0..len) is exactly one JSON value with white space around it, in valid UTF-8.
 *
 * why  on failure, what is wrong there, in words for a person
 *
 * Gives -1 if it is, else the offset of the first byte that cannot be.
 */
long json_grammar_fault(const char *text, size_t len, const char **why);

/*
 * Length of the UTF-8 sequence (RFC 3629: no overlong form, no surrogate) that text[0..len) begins
 * with, 1 to 4; 0 if it begins with none. len is at least 1.
 */
size_t json_utf8(const char *text, size_t len);

#endif
