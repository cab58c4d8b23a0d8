/* What was wrong with a server's certificates, in sentences. */
#include <stdio.h>
#include <string.h>

#include "http/chain.h"

#define DOING "trust the server"

/* "2026-11-26 01:02:03 UTC" of "20261126010203" */
static const char *date(char buf[static 24], const char *t)
{
	snprintf(buf, 24, "%.4s-%.2s-%.2s %.2s:%.2s:%.2s UTC", t, t + 4, t + 6, t + 8, t + 10,
		 t + 12);
	return buf;
}

static int explain_date(const struct chain *c, const char *whose, struct err *e)
{
	char limit[24], now[24];

	if (strcmp(c->now, c->not_before) < 0)
		err_set(e, ERR_STATE, DOING,
			"%s certificate, \"%s\", is not valid before %s, and by the clock of "
			"this machine it is %s",
			whose, c->subject, date(limit, c->not_before), date(now, c->now));
	else
		err_set(e, ERR_STATE, DOING,
			"%s certificate, \"%s\", has expired on %s, and by the clock of this "
			"machine it is %s",
			whose, c->subject, date(limit, c->not_after), date(now, c->now));
	err_hint(e, "if the clock is wrong, set it; else the server needs a new certificate");
	return -1;
}

static int explain_name(const struct chain *c, struct err *e)
{
	err_set(e, ERR_STATE, DOING, "its certificate is for %s, not for %s",
		c->names[0] ? c->names : "no DNS name and no address", c->name);
	err_hint(e,
		 "use a name that is in the certificate, or have %s put into it as a "
		 "subjectAltName",
		 c->name);
	return -1;
}

static int explain_root(const struct chain *c, struct err *e)
{
	if (c->self_signed)
		err_set(e, ERR_STATE, DOING,
			"its certificate, \"%s\", is signed by itself and is not among the "
			"trusted ones (%s)",
			c->subject, trust_source(&c->trust));
	else
		err_set(e, ERR_STATE, DOING,
			"the issuer of its certificate, \"%s\", is not among the trusted ones "
			"(%s)",
			c->issuer, trust_source(&c->trust));
	err_hint(e, "if the issuer is to be trusted, name a PEM file with its certificate (of a "
		    "CA) as the CA file");
	return -1;
}

/* The rest, of which the reason alone says enough. */
static const char *reason_text(unsigned reason)
{
	switch (reason) {
	case CHAIN_TOO_LARGE:
		return "is too large, or one too many";
	case CHAIN_PURPOSE:
		return "is not meant for servers (extendedKeyUsage)";
	case CHAIN_WEAK_ROOT:
		return "is signed by a trusted root whose RSA key has less than 2048 bits";
	case BR_ERR_X509_BAD_SIGNATURE:
		return "has a signature that is not its issuer's";
	case BR_ERR_X509_UNSUPPORTED:
		return "is signed by an algorithm that is not accepted (MD5, SHA-1 and the like)";
	case BR_ERR_X509_WRONG_KEY_TYPE:
		return "is signed by a kind of key that its issuer does not have";
	case BR_ERR_X509_DN_MISMATCH:
		return "did not issue the one before it: the server sends its chain in wrong order "
		       "or with a certificate missing";
	case BR_ERR_X509_CRITICAL_EXTENSION:
		return "has a critical extension that is not known here";
	case BR_ERR_X509_NOT_CA:
		return "has issued another one, but is not that of a CA";
	case BR_ERR_X509_FORBIDDEN_KEY_USAGE:
		return "must not be used for this (keyUsage)";
	case BR_ERR_X509_LIMIT_EXCEEDED:
		return "has a key or signature beyond 4096 bits of RSA or the curve P-521";
	default:
		return "is damaged";
	}
}

int chain_explain(const struct chain *c, unsigned reason, struct err *e)
{
	const char *whose = c->fault_at ? "its issuer's" : "its";

	switch (reason) {
	case BR_ERR_X509_EXPIRED:
		return explain_date(c, whose, e);
	case BR_ERR_X509_BAD_SERVER_NAME:
		return explain_name(c, e);
	case BR_ERR_X509_NOT_TRUSTED:
		return explain_root(c, e);
	case BR_ERR_X509_EMPTY_CHAIN:
		return err_set(e, ERR_STATE, DOING, "it has sent no certificate");
	case BR_ERR_X509_WEAK_PUBLIC_KEY:
		return err_set(e, ERR_STATE, DOING,
			       "%s certificate, \"%s\", has an RSA key of %u bits: less than 2048 "
			       "are not accepted",
			       whose, c->subject, c->key_bits);
	case CHAIN_ROOTS:
		*e = c->e;
		return -1;
	default:
		return err_set(e, ERR_STATE, DOING, "%s certificate%s%s%s %s (reason %u)", whose,
			       c->subject[0] ? ", \"" : "", c->subject, c->subject[0] ? "\"," : "",
			       reason_text(reason), reason);
	}
}
