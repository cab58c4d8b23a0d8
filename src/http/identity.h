/*
 * A client's certificate, with the chain behind it, and its key.
 */
#ifndef HTTP_IDENTITY_H
#define HTTP_IDENTITY_H

#include <bearssl.h>

#include "base/err.h"
#include "http/key.h"

#define IDENTITY_CHAIN 4    /* certificates that are sent */
#define IDENTITY_BYTES 8192 /* of all of them */

struct identity {
	struct key key;
	br_x509_certificate chain[IDENTITY_CHAIN];
	size_t chain_len;
	unsigned issuer_key_type; /* BR_KEYTYPE_*: what has signed the first */
	unsigned char der[IDENTITY_BYTES];
};

/*
 * Read both, afresh: they are renewed while programs run. key_file NULL: the key is in cert_file,
 * too. Gives 0, or -1 with e set (ERR_IO, ERR_FIELD).
 */
int identity_read(struct identity *id, const char *cert_file, const char *key_file,
		  struct err *e) must_check;

#endif
