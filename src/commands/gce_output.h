/*
 * Resources of Compute on standard output, as gcloud prints them: --format=table, table(FIELD,...),
 * json, yaml, value(FIELD,...).
 */
#ifndef COMMANDS_GCE_OUTPUT_H
#define COMMANDS_GCE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "json/reader.h"

#define GCE_COLUMNS_MAX 16

enum gce_format {
	GCE_TABLE,
	GCE_JSON,
	GCE_YAML,
	GCE_VALUE,
};

struct gce_output {
	enum gce_format format;
	bool one;    /* a resource that was asked for by name, in place of a list */
	size_t said; /* items so far */
	/* Of a table and of values. */
	char fields[512]; /* NUL-terminated names, one behind the other */
	const char *field[GCE_COLUMNS_MAX];
	size_t width[GCE_COLUMNS_MAX];
	unsigned fields_count;
};

/*
 * Begin.
 *
 * format  the word of --format; NULL: what is used without it, usual
 *
 * Gives 0, or -1 with e set (ERR_USAGE).
 */
int gce_output_begin(struct gce_output *o, const char *format, const char *usual, bool one,
		     struct err *e) must_check;

/* A resource. v is read at once. Gives 0, or -1 with e set. */
int gce_output_item(struct gce_output *o, struct json v, struct err *e) must_check;

void gce_output_end(struct gce_output *o);

/* The member of v that a field names ("name", "warnings.code"), or an absent value. */
struct json gce_field(struct json v, const char *field, struct err *e);

#endif
