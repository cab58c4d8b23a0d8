/*
 * Read JSON: jsmn cuts it into tokens, the grammar is checked here, values are asked for by name.
 *
 * A struct json is a value or the place where one could be; zeroed, it is absent. Asking an absent
 * value gives the default, so readers are straight lines; the first value of a wrong type or range
 * sets the error that the document was opened with, naming its path
 * ("ipam.ranges[0][1].subnet: want ..."). A caller asks for all it needs and looks at e->code once.
 *
 * Keys match as Go's encoding/json matches them: case-insensitively, the last of several wins,
 * null is as good as absent. Strings are unescaped copies in the arena and contain no NUL.
 */
#ifndef JSON_READER_H
#define JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

#define JSON_TEXT_MAX (1u << 20) /* bytes of the largest document; libcni sends a few KiB */

struct json_doc;

struct json {			    /* 16 bytes: travels in two registers */
	const struct json_doc *doc; /* NULL, as in a zeroed struct json: absent */
	int tok;		    /* index of the value's token; -1: absent */
	uint32_t sought; /* of an absent value: where and under which name, for messages */
};

enum json_type {
	JSON_ABSENT, /* or null */
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/*
 * Open text[0..len), which must stay as it is while the document is used.
 *
 * what  its name in messages ("network configuration"); borrowed
 * e     set on failure, and later by the accessors; borrowed as long as the document
 *
 * Gives the root value; on failure an absent one, with e set (ERR_DECODE).
 */
struct json json_open(const char *text, size_t len, const char *what, struct err *e);

enum json_type json_type(struct json v);
bool json_present(struct json v); /* there, and not null */

/* The member of obj under key. An absent obj has none; one that is no object is an error. */
struct json json_get(struct json obj, const char *key);

/* Elements of an array: for (...) over them with json_each. An array that is none is an error. */
struct json json_first(struct json array);
struct json json_next(struct json element);
#define json_each(v, array) for (struct json v = json_first(array); (v).tok >= 0; v = json_next(v))

/* Members of an object, in the order of the text. json_name gives the key of one. */
struct json json_first_member(struct json obj);
struct json json_next_member(struct json member);
const char *json_name(struct json member);

/* Values. dflt is for an absent one; a wrong type sets the error and gives dflt. */
const char *json_str(struct json v, const char *dflt);
bool json_bool(struct json v, bool dflt);
uint32_t json_u32(struct json v, uint32_t dflt, uint32_t max);
uint64_t json_u64(struct json v, uint64_t dflt, uint64_t max);

/*
 * Addresses and prefixes. Give true and fill *out if one is there; an invalid one is an error.
 * json_ip takes "" for absent, as Go's net.IP does.
 */
bool json_ip(struct json v, struct ip *out);
bool json_prefix(struct json v, struct prefix *out);

/* The value's own text, quotes and all: for what is passed on as it is. Not NUL-terminated. */
const char *json_raw(struct json v, size_t *len);

/* Its path ("ipam.subnet") in the arena; "" for the root. */
const char *json_path(struct json v);

/* Set the document's error: "PATH: want WANT, got VALUE". For checks the accessors do not know. */
int json_fault(struct json v, enum err_code code, const char *fmt, ...) print_format(3, 4);

#endif
