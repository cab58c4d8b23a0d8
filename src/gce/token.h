/*
 * The access token that requests carry (RFC 6750), by whatever credentials there are.
 */
#ifndef GCE_TOKEN_H
#define GCE_TOKEN_H

#include "base/err.h"
#include "gce/session.h"

/*
 * Make g->token one that is good for some minutes: the one that is there, or a new one from the
 * service account's key, the user's refresh token, the token file, or the metadata server.
 *
 * Gives 0, or -1 with e set. No message shows a secret.
 */
int gce_token(struct gce *g, struct err *e) must_check;

/* It was refused: have the next call of gce_token fetch another. */
void gce_token_drop(struct gce *g);

#endif
