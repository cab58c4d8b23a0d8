/*
 * What talking to Google takes: a client whose connections are kept, the project, and who we are.
 */
#ifndef GCE_SESSION_H
#define GCE_SESSION_H

#include <stdint.h>

#include "base/err.h"
#include "gce/credentials.h"
#include "http/deadline.h"
#include "http/http.h"

#define GCE_ENDPOINT	"https://compute.googleapis.com"
#define GCE_TOKEN_MAX	4096 /* bytes of an access token; they are documented to be below 2048 */
#define GCE_PROJECT_MAX 128  /* "example.com:project" is longer than the usual 30 */

struct gce_options {
	const char *project;	/* NULL: by the environment, the credentials, the metadata server */
	const char *endpoint;	/* where Compute v1 is; NULL: GCE_ENDPOINT */
	const char *ca_file;	/* roots to trust; NULL: as http.h says */
	const char *token_file; /* an access token; NULL: by the environment */
	unsigned timeout_ms;	/* for all that is asked for together */
	/* An operation is waited for: "create the route k8s-master". For progress; may be NULL. */
	void (*waiting)(const char *doing);
};

struct gce {
	struct http *http;
	const struct gce_options *options;
	struct deadline until;
	char project[GCE_PROJECT_MAX];

	struct gce_credentials credentials;
	const char *token_file; /* NULL: none */
	char token[GCE_TOKEN_MAX];
	int64_t token_until; /* CLOCK_MONOTONIC, milliseconds: a new one is wanted then; 0: at once */
};

#define cleanup_gce on_scope_exit(gce_close)

/*
 * Begin: find credentials and the project's name. g is zeroed at first; options are borrowed. The
 * process gives up its rights before it asks anybody (net/confine.h).
 *
 * Gives 0, or -1 with e set. Either way gce_close ends it.
 */
int gce_open(struct gce *g, const struct gce_options *options, struct err *e) must_check;

/*
 * Close the connections, give all memory back, wiped as keys were in it, and keep the token for the
 * next gce_open of the same g.
 */
void gce_rest(struct gce *g);

/* Close the connections, wipe the token. */
void gce_close(struct gce *g);

#endif
