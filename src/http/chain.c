#include "http/chain.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define DAY_SECONDS  86400
#define DAYS_TO_1970 719528 /* from 1 January of the year 0, as BearSSL counts */

static struct chain *chain_of(const br_x509_class **ctx)
{
	return (struct chain *)(void *)((char *)ctx - offsetof(struct chain, vtable));
}

/* The first one counts. */
static void set_fault(struct chain *c, unsigned reason)
{
	if (c->fault)
		return;
	c->fault = reason;
	c->fault_at = c->count;
}

static void start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct chain *c = chain_of(ctx);

	/* server_name is what SNI says, which is nothing for an address; ours is never empty. */
	(void)server_name;
	c->count = 0;
	c->fault = 0;
	c->named = false;
	c->minimal.vtable->start_chain(&c->minimal.vtable, c->ip.family ? NULL : c->name);
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct chain *c = chain_of(ctx);

	c->len = 0;
	if (c->minimal.err != BR_ERR_X509_OK && (length > CHAIN_CERT_MAX || c->count >= CHAIN_MAX))
		set_fault(c, CHAIN_TOO_LARGE);
}

static void append(const br_x509_class **ctx, const unsigned char *buf, size_t n)
{
	struct chain *c = chain_of(ctx);

	if (c->fault == CHAIN_TOO_LARGE || n > CHAIN_CERT_MAX - c->len)
		return;
	memcpy(c->cert + c->len, buf, n);
	c->len += n;
}

/* What an error will say about it, should it be the one at fault. */
static void describe(struct chain *c, const struct certificate *cert)
{
	certificate_common_name(c->subject, cert->subject);
	certificate_common_name(c->issuer, cert->issuer);
	memcpy(c->not_before, cert->not_before, DATE_TEXT);
	memcpy(c->not_after, cert->not_after, DATE_TEXT);
	c->self_signed = cert->subject.n == cert->issuer.n &&
			 memcmp(cert->subject.at, cert->issuer.at, cert->issuer.n) == 0;
	c->key_bits =
		cert->key.key_type == BR_KEYTYPE_RSA ? (unsigned)cert->key.key.rsa.nlen * 8 : 0;
}

/* A whole certificate: find roots for it, then hand it to BearSSL's engine. */
static void check(struct chain *c)
{
	struct certificate cert;

	if (!certificate_parse(&cert, c->cert, c->len)) {
		set_fault(c, CHAIN_ODD);
		return;
	}
	describe(c, &cert);
	if (trust_find(&c->trust, cert.issuer, &c->e)) {
		set_fault(c, CHAIN_ROOTS);
		return;
	}
	if (c->count == 0) {
		c->named = certificate_names(&cert, c->name, &c->ip);
		certificate_list_names(c->names, sizeof(c->names), &cert);
		if (!cert.for_servers)
			set_fault(c, CHAIN_PURPOSE);
	}
	c->minimal.vtable->start_cert(&c->minimal.vtable, (uint32_t)c->len);
	c->minimal.vtable->append(&c->minimal.vtable, c->cert, c->len);
	c->minimal.vtable->end_cert(&c->minimal.vtable);
	if (c->minimal.err && c->minimal.err != BR_ERR_X509_OK)
		set_fault(c, (unsigned)c->minimal.err);
}

static void end_cert(const br_x509_class **ctx)
{
	struct chain *c = chain_of(ctx);

	/* Behind a root, or a fault, further ones are of no interest. */
	if (!c->fault && c->minimal.err != BR_ERR_X509_OK)
		check(c);
	c->count++;
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct chain *c = chain_of(ctx);
	unsigned reason = c->minimal.vtable->end_chain(&c->minimal.vtable);

	if (!c->fault && reason) { /* about the last one */
		c->fault = reason == BR_ERR_X509_NOT_TRUSTED && c->trust.weak ? CHAIN_WEAK_ROOT
									      : reason;
		c->fault_at = c->count ? c->count - 1 : 0;
	}
	if (!c->fault && !c->named) {
		c->fault = BR_ERR_X509_BAD_SERVER_NAME;
		c->fault_at = 0;
	}
	return c->fault;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct chain *c = (const void *)((const char *)ctx - offsetof(struct chain, vtable));

	return c->minimal.vtable->get_pkey(&c->minimal.vtable, usages);
}

static const br_x509_class chain_class = {
	.context_size = sizeof(struct chain),
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

void chain_begin(struct chain *c, const char *name)
{
	unsigned long now = (unsigned long)clock_now(CLOCK_REALTIME).tv_sec;
	unsigned second = (unsigned)(now % DAY_SECONDS);
	struct date date = clock_date(now / DAY_SECONDS);
	br_x509_minimal_context *m = &c->minimal;

	c->vtable = &chain_class;
	c->name = name;
	if (!ip_parse(&c->ip, name))
		c->ip.family = 0;
	snprintf(c->now, sizeof(c->now), "%04u%02u%02u%02u%02u%02u", date.year, date.month,
		 date.day, second / 3600, second / 60 % 60, second % 60);
	br_x509_minimal_init(m, &br_sha256_vtable, c->trust.found, TRUST_SAME);
	/* No SHA-1, no MD5: what they have signed is not trusted. */
	br_x509_minimal_set_hash(m, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(m, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(m, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(m, br_rsa_i31_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(m, &br_ec_prime_i31, br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_minrsa(m, RSA_BYTES_MIN);
	br_x509_minimal_set_time(m, (uint32_t)(now / DAY_SECONDS + DAYS_TO_1970), second);
}
