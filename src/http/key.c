#include "http/key.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "http/certificate.h"
#include "http/pem.h"

#define DOING	     "read private key"
#define RSA_BITS_MIN (8 * RSA_BYTES_MIN)
#define RSA_BITS_MAX 4096

void key_wipe(struct key *k)
{
	explicit_bzero(k, sizeof(*k));
}

/* A number's copy behind those before it. */
static unsigned char *keep(struct key *k, size_t *used, const unsigned char *number, size_t n)
{
	unsigned char *to = k->bytes + *used;

	if (n > sizeof(k->bytes) - *used)
		return NULL;
	memcpy(to, number, n);
	*used += n;
	return to;
}

static bool keep_rsa(struct key *k, const br_rsa_private_key *rsa)
{
	size_t used = 0;

	k->rsa = *rsa;
	k->rsa.p = keep(k, &used, rsa->p, rsa->plen);
	k->rsa.q = keep(k, &used, rsa->q, rsa->qlen);
	k->rsa.dp = keep(k, &used, rsa->dp, rsa->dplen);
	k->rsa.dq = keep(k, &used, rsa->dq, rsa->dqlen);
	k->rsa.iq = keep(k, &used, rsa->iq, rsa->iqlen);
	return k->rsa.p && k->rsa.q && k->rsa.dp && k->rsa.dq && k->rsa.iq;
}

static bool keep_ec(struct key *k, const br_ec_private_key *ec)
{
	size_t used = 0;

	k->ec = *ec;
	k->ec.x = keep(k, &used, ec->x, ec->xlen);
	return k->ec.x != NULL;
}

/* What speaks against a key that was decoded, or NULL. */
static const char *fault_of(const br_skey_decoder_context *dc, char why[static 64])
{
	unsigned bits = (unsigned)dc->key.rsa.n_bitlen;

	if (br_skey_decoder_key_type(dc) == BR_KEYTYPE_EC ||
	    (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX))
		return NULL;
	snprintf(why, 64, "an RSA key of %u bits: %d to %d are supported", bits, RSA_BITS_MIN,
		 RSA_BITS_MAX);
	return why;
}

/* An object that is labelled as a key into k. */
static int decode(struct key *k, const struct pem *pem, const char *what, struct err *e)
{
	br_skey_decoder_context dc;
	const char *fault = NULL;
	char why[64];

	br_skey_decoder_init(&dc);
	br_skey_decoder_push(&dc, pem->der, pem->len);
	k->type = br_skey_decoder_key_type(&dc);
	if (pem->bad)
		fault = "the key in it is encrypted or damaged";
	else if (!k->type)
		fault = "the key in it is neither of RSA nor of EC on P-256, P-384 or P-521, or damaged";
	else
		fault = fault_of(&dc, why);
	if (!fault &&
	    !(k->type == BR_KEYTYPE_RSA ? keep_rsa(k, &dc.key.rsa) : keep_ec(k, &dc.key.ec)))
		fault = "its numbers are too long";
	explicit_bzero(&dc, sizeof(dc));
	return fault ? err_set(e, ERR_FIELD, DOING, "%s: %s", what, fault) : 0;
}

/* Ends in "PRIVATE KEY": then 1, or -1 with e set for one that cannot be read here. */
static int is_key(const struct pem *pem, const char *what, struct err *e)
{
	size_t n = strlen(pem->label), tail = strlen("PRIVATE KEY");

	if (n < tail || strcmp(pem->label + n - tail, "PRIVATE KEY") != 0)
		return 0;
	if (strcmp(pem->label, "PRIVATE KEY") == 0 || strcmp(pem->label, "RSA PRIVATE KEY") == 0 ||
	    strcmp(pem->label, "EC PRIVATE KEY") == 0)
		return 1;
	err_set(e, ERR_FIELD, DOING, "%s: a \"%s\" is not supported", what, pem->label);
	err_hint(e, "convert it: openssl pkey -in KEY -out NEW");
	return -1;
}

int key_parse(struct key *k, const char *text, size_t n, const char *what, struct err *e)
{
	struct pem pem;
	size_t at = 0;
	bool whole = true;
	int found = 0;

	memset(k, 0, sizeof(*k));
	pem_begin(&pem);
	while (!found && whole) {
		at += pem_feed(&pem, text + at, n - at, &whole);
		if (!whole)
			pem_feed(&pem, "\n", 1, &whole);
		if (whole)
			found = is_key(&pem, what, e);
	}
	if (found > 0)
		found = decode(k, &pem, what, e);
	else if (found == 0)
		found = err_set(e, ERR_FIELD, DOING, "%s: there is no private key in PEM in it",
				what);
	pem_begin(&pem);
	if (found < 0)
		key_wipe(k);
	return found;
}

size_t key_sign_rs256(unsigned char out[static RS256_SIZE], const struct key *k, const void *bytes,
		      size_t n, struct err *e)
{
	unsigned char hash[br_sha256_SIZE];
	br_sha256_context sha;

	if (k->type != BR_KEYTYPE_RSA) {
		err_set(e, ERR_FIELD, "sign", "the key is not one of RSA");
		return 0;
	}
	br_sha256_init(&sha);
	br_sha256_update(&sha, bytes, n);
	br_sha256_out(&sha, hash);
	if (!br_rsa_i31_pkcs1_sign(BR_HASH_OID_SHA256, hash, sizeof(hash), &k->rsa, out)) {
		err_set(e, ERR_FIELD, "sign", "the RSA key's numbers do not belong together");
		return 0;
	}
	return (k->rsa.n_bitlen + 7) / 8;
}
