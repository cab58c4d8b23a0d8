/*
 * Write JSON into a buffer of fixed size, indented by four spaces as the Go plugins print it.
 *
 * Nothing fails midway: what does not fit is dropped and json_end reports it once. Members are
 * named, elements of an array are not (key NULL). Objects and arrays are blocks:
 *
 *	out_object(w, NULL) {
 *		out_str(w, "cniVersion", "1.1.0");
 *		out_array(w, "ips")
 *			out_str(w, NULL, "10.244.0.2/24");
 *	}
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/err.h"

struct out {
	char *buf;
	size_t size, len;
	unsigned depth;
	bool first;   /* nothing written yet in the innermost container */
	bool full;    /* something did not fit */
	bool compact; /* no indentation, one line */
};

/* Begin in buf of size bytes; borrowed until out_end. */
void out_begin(struct out *w, char *buf, size_t size);

/* Finish: a newline and a NUL. Gives 0, or -1 with e set (ERR_INTERNAL) if it did not fit. */
int out_end(struct out *w, struct err *e) must_check;

void out_str(struct out *w, const char *key, const char *value);
void out_u64(struct out *w, const char *key, uint64_t value);
void out_bool(struct out *w, const char *key, bool value);
/* JSON text as it is: the caller answers for its being a value. */
void out_raw(struct out *w, const char *key, const char *json, size_t len);

/* One half of a block each; out_open and out_close always give true and false. */
bool out_open(struct out *w, const char *key, char bracket);
bool out_close(struct out *w, char bracket);
#define out_object(w, key)                                                                         \
	for (bool UNIQUE(o) = out_open(w, key, '{'); UNIQUE(o); UNIQUE(o) = out_close(w, '}'))
#define out_array(w, key)                                                                          \
	for (bool UNIQUE(o) = out_open(w, key, '['); UNIQUE(o); UNIQUE(o) = out_close(w, ']'))

#endif
