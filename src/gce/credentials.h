/*
 * Files of credentials as Google's tools write them: a service account's key, a user's refresh
 * token. What is in them goes to the token endpoint and nowhere else.
 *
 * https://google.aip.dev/auth/4110, https://google.aip.dev/auth/4111, https://google.aip.dev/auth/4113
 */
#ifndef GCE_CREDENTIALS_H
#define GCE_CREDENTIALS_H

#include <stddef.h>

#include "base/err.h"

#define GCE_CREDENTIALS_MAX                                                                        \
	32768 /* bytes of a file; a key of 4096 bits with all else takes 4 KiB */

enum gce_credentials_type {
	GCE_NO_FILE,
	GCE_SERVICE_ACCOUNT,
	GCE_AUTHORIZED_USER,
};

/* Texts are in the arena. */
struct gce_credentials {
	enum gce_credentials_type type;
	const char *project; /* NULL: it does not say */
	const char *token_uri;
	const char *client_email, *private_key_id, *private_key; /* of a service account */
	const char *client_id, *client_secret, *refresh_token;	 /* of a user */
};

/*
 * Read n bytes of a file's text.
 *
 * what  the file's name, for messages; no message shows what is in it
 *
 * Gives 0, or -1 with e set (ERR_CONFIG): a kind that is not supported, or something is missing.
 */
int gce_credentials_parse(struct gce_credentials *c, const char *text, size_t n, const char *what,
			  struct err *e) must_check;

/*
 * Find and read the file: the one that GOOGLE_APPLICATION_CREDENTIALS names, which must be
 * readable; else, if it is there, application_default_credentials.json as gcloud leaves it.
 *
 * Gives 0, with type GCE_NO_FILE if there is none, or -1 with e set.
 */
int gce_credentials_find(struct gce_credentials *c, struct err *e) must_check;

#endif
