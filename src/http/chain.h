/*
 * The server's certificates as they arrive: an X.509 engine for BearSSL that looks roots up, compares
 * names and addresses, and remembers what was wrong for a sentence about it. Signatures, dates and
 * constraints are checked by BearSSL's own engine, br_x509_minimal, to which it hands each one.
 */
#ifndef HTTP_CHAIN_H
#define HTTP_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <bearssl.h>

#include "base/err.h"
#include "base/ip.h"
#include "http/trust.h"

#define CHAIN_CERT_MAX 8192 /* bytes of a certificate: those of servers have 1 to 3 KiB */
#define CHAIN_MAX      10   /* certificates: the usual chain has 2 or 3 */

/* Reasons of our own, beside BearSSL's BR_ERR_X509_*. */
enum {
	CHAIN_TOO_LARGE = 200, /* a certificate, or too many of them */
	CHAIN_ODD,	       /* one that cannot be taken apart */
	CHAIN_ROOTS,	       /* the roots could not be read: e says why */
	CHAIN_WEAK_ROOT,
	CHAIN_PURPOSE, /* not a server's certificate */
};

struct chain {
	const br_x509_class *vtable; /* first: this is what BearSSL sees */
	br_x509_minimal_context minimal;
	struct trust trust;

	const char *name; /* what the certificate must name; borrowed */
	struct ip ip;	  /* the same, where it is an address */
	bool named;	  /* it does */

	unsigned char cert[CHAIN_CERT_MAX]; /* the one that is arriving */
	size_t len;
	unsigned count; /* of those before it */

	/* The first fault: BR_ERR_X509_* or ours; 0: none yet. Then about the certificate: */
	unsigned fault;
	unsigned fault_at; /* which one it was; 0: the server's own */
	char names[200];   /* of the server's own, for people */
	char subject[COMMON_NAME_TEXT], issuer[COMMON_NAME_TEXT];
	char not_before[DATE_TEXT], not_after[DATE_TEXT], now[DATE_TEXT];
	unsigned key_bits; /* of RSA, or 0 */
	bool self_signed;
	struct err e; /* CHAIN_ROOTS */
};

/* Begin; t must have been opened. name is borrowed. */
void chain_begin(struct chain *c, const char *name);

/* Why the chain was refused for reason (what BearSSL's engine reports), into e. Gives -1. */
int chain_explain(const struct chain *c, unsigned reason, struct err *e);

#endif
