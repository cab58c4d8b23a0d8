/*
 * --filter: which resources of a list are shown.
 *
 * Terms FIELD=VALUE, FIELD!=VALUE, FIELD:VALUE (a word of it, VALUE* for the beginning of one),
 * FIELD~REGEX with AND or blanks between; a VALUE may stand in quotes. A resource's URL equals its
 * last part, too. There is no regular expression in here: one term with ~ may be given, and the
 * service looks after it.
 */
#ifndef COMMANDS_GCE_FILTER_H
#define COMMANDS_GCE_FILTER_H

#include <stdbool.h>

#include "base/err.h"
#include "json/reader.h"

#define GCE_TERMS_MAX 16

struct gce_term {
	const char *field, *value;
	char op; /* '=', '!', ':' */
};

struct gce_filter {
	struct gce_term term[GCE_TERMS_MAX];
	unsigned terms;
	const char *server; /* in the API's syntax, for the request; NULL: none */
};

/* Parse text, which may be NULL. Texts are in the arena. Gives 0, or -1 with e set (ERR_USAGE). */
int gce_filter_parse(struct gce_filter *f, const char *text, struct err *e) must_check;

/* Does the resource pass? */
bool gce_filter_match(const struct gce_filter *f, struct json item, struct err *e);

#endif
