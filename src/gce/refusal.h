/*
 * What Compute says when it refuses a request: {"error": {"code", "message", "errors": [...]}}, or
 * a page of HTML from something before it.
 */
#ifndef GCE_REFUSAL_H
#define GCE_REFUSAL_H

#include <stddef.h>

struct gce_refusal {
	unsigned status;
	char reason[48]; /* "alreadyExists"; "" if there is none */
	char message[512];
};

/* Read the answer's body, n bytes of whatever it is. */
void gce_refusal_read(struct gce_refusal *r, unsigned status, const char *text, size_t n);

/* What to do about it, for a person; "" if the message says it all. */
const char *gce_refusal_hint(const struct gce_refusal *r);

#endif
