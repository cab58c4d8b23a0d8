/*
 * The assertion by which a service account proves to be itself: a JSON Web Token (RFC 7519, 7523)
 * signed with its key, RS256 (RFC 7518).
 */
#ifndef GCE_JWT_H
#define GCE_JWT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gce/credentials.h"

#define GCE_JWT_MAX 4096

/*
 * Make one for the account c, good for an hour.
 *
 * now  seconds since 1970; the assertion says to be 10 seconds older, for clocks that are behind
 *
 * Gives 0 with its text in out, or -1 with e set: the key cannot be read or used, or it is too long.
 */
int gce_jwt_make(char out[static GCE_JWT_MAX], const struct gce_credentials *c, const char *scope,
		 uint64_t now, struct err *e) must_check;

#endif
