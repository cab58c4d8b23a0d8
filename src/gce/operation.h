/*
 * An operation: what Compute makes of a request that changes something, and that goes on when the
 * request has been answered.
 *
 * https://cloud.google.com/compute/docs/reference/rest/v1/globalOperations
 */
#ifndef GCE_OPERATION_H
#define GCE_OPERATION_H

#include <stdbool.h>

#include "base/err.h"
#include "gce/call.h"
#include "gce/session.h"
#include "json/reader.h"

#define GCE_LINK_MAX	 512 /* bytes of a URL of a resource */
#define GCE_WARNINGS_MAX 2048

struct gce_operation {
	char name[128];
	char target[GCE_LINK_MAX]; /* the URL of what it changes */
	bool done;
	bool lost;	     /* it is not known any more: look at the target itself */
	char error_code[64]; /* "" where there is none: RESOURCE_ALREADY_EXISTS, ... */
	char error[512];
	char warnings[GCE_WARNINGS_MAX]; /* sentences, each with a newline behind it */
};

/* Take an operation from an answer. Gives 0, or -1 with e set: it is none. */
int gce_operation_read(struct gce_operation *o, const struct gce_answer *a,
		       struct err *e) must_check;

/*
 * Wait until it is done.
 *
 * doing  as in gce_request
 *
 * Gives 0 when it has ended well, also when it is lost; else -1 with e set: it ended with an error
 * (then done is true), or goes on beyond the session's time (ERR_TRY_AGAIN).
 */
int gce_operation_wait(struct gce *g, struct gce_operation *o, const char *doing,
		       struct err *e) must_check;

/* The sentences of an array of warnings into out, as in gce_operation.warnings. */
void gce_warnings_read(char out[static GCE_WARNINGS_MAX], struct json warnings);

#endif
