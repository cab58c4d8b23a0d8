/*
 * A request to Compute v1 and its answer: with a token, tried again as the answer asks for, read as
 * a stream.
 *
 * https://cloud.google.com/compute/docs/reference/rest/v1
 */
#ifndef GCE_CALL_H
#define GCE_CALL_H

#include <stddef.h>

#include "base/err.h"
#include "gce/refusal.h"
#include "gce/session.h"
#include "json/stream.h"

/* Bytes of a document, or of one item of a list. A route with a long description takes 4 KiB. */
#define GCE_DOCUMENT_MAX 65536

struct gce_request {
	const char *doing; /* "insert the route k8s-master", for messages */
	const char *method;
	const char *project; /* NULL: the session's */
	const char *path;    /* behind /compute/v1/projects/PROJECT */
	const char *query;   /* escaped, behind '?'; NULL: none */
	const char *body;    /* JSON; NULL: none */
	unsigned wait_ms;    /* how long the answer may take; 0: 30 s */

	/* What of the answer is handed on, as json/stream.h has it; NULL: the document, in gce_answer. */
	const struct json_want *wants;
	unsigned want_count;
	int (*take)(void *context, unsigned want, const char *text, size_t len, struct err *e);
	/* The answer broke off and is read anew, from its start. NULL: that does no harm. */
	void (*again)(void *context);
	void *context;
};

struct gce_answer {
	const char *text; /* the document; good until the next call. For json_open */
	size_t len;
	struct gce_refusal refusal; /* status 0: it was not refused */
};

/*
 * Call. Gives 0 for a status below 300. Else -1 with e set, which says what was being done, the
 * API's own words and what to do about it; a caller that has another way looks at
 * a->refusal.status (404, 409) and clears the error.
 */
int gce_call(struct gce *g, const struct gce_request *rq, struct gce_answer *a,
	     struct err *e) must_check;

/*
 * The part of a resource's URL from "projects/" on, by which resources are compared: hosts and
 * versions in URLs differ. In the arena for "global/..." and "zones/...", where project is put
 * before it. NULL with e set when the arena is full.
 */
const char *gce_path(const char *url, const char *project, struct err *e);

/* The last part of a URL or path: the resource's own name. */
const char *gce_basename(const char *url);

#endif
