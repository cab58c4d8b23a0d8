/*
 * Trusted roots, looked up one issuer at a time: a bundle has 140 and more, of which a chain needs
 * one. It is read through for each certificate whose issuer is asked for.
 */
#ifndef HTTP_TRUST_H
#define HTTP_TRUST_H

#include <bearssl.h>

#include "base/err.h"
#include "http/certificate.h"

#define TRUST_SAME 4   /* roots of one name: those of a CA that renews its key under it */
#define TRUST_KEY  520 /* bytes of a root's key: RSA of 4096 bits and its exponent */

struct trust {
	const char *path; /* NULL: the roots built in */
	br_x509_trust_anchor found[TRUST_SAME];
	unsigned char keys[TRUST_SAME][TRUST_KEY];
	size_t count;
	size_t weak; /* how many of that name had a key that is too short to count */
};

/* Built in (made from Debian's ca-certificates): Google's roots and those that cross-signed them. */
extern const br_x509_trust_anchor trust_builtin[];
extern const size_t trust_builtin_count;

/*
 * Where roots come from: ca_file, else $SSL_CERT_FILE, else the system's bundle, else those built
 * in. Gives 0, or -1 with e set (ERR_IO, ERR_FIELD) where one of the first two cannot be read or
 * has no certificate. Borrows ca_file.
 */
int trust_open(struct trust *t, const char *ca_file, struct err *e) must_check;

/*
 * The roots whose subject is exactly dn, into found; entries behind count match no name. They borrow
 * dn. Gives 0, also for none, or -1 with e set (ERR_IO).
 */
int trust_find(struct trust *t, struct span dn, struct err *e) must_check;

/* "the 9 roots built in", or the bundle's path. */
const char *trust_source(const struct trust *t);

#endif
