#include "http/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/pem.h"

#define DOING "read trusted certificates"

/* Where distributions have them: Debian and most, Fedora, SUSE, Alpine. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

/* One at a time is read, whoever asks. */
static struct pem_file bundle;

/* Whether the object read last is a certificate, taken apart. Others have no business here. */
static bool is_certificate(const struct pem *pem, struct certificate *c)
{
	return (strcmp(pem->label, "CERTIFICATE") == 0 ||
		strcmp(pem->label, "TRUSTED CERTIFICATE") == 0 ||
		strcmp(pem->label, "X509 CERTIFICATE") == 0) &&
	       !pem->bad && certificate_parse(c, pem->der, pem->len);
}

static int failed(struct trust *t, struct err *e)
{
	err_sys(e, ERR_IO, DOING, errno, "%s", t->path);
	pem_close(&bundle);
	return -1;
}

/* A file that somebody has named must have at least one. */
static int check_named(struct trust *t, struct err *e)
{
	struct certificate c;
	int got;

	if (pem_open(&bundle, t->path))
		return failed(t, e);
	while ((got = pem_next(&bundle)) > 0)
		if (is_certificate(&bundle.pem, &c))
			break;
	if (got < 0)
		return failed(t, e);
	pem_close(&bundle);
	return got > 0 ? 0
		       : err_set(e, ERR_FIELD, DOING, "%s: there is no certificate in PEM in it",
				 t->path);
}

int trust_open(struct trust *t, const char *ca_file, struct err *e)
{
	const char *named = ca_file ? ca_file : getenv("SSL_CERT_FILE");

	t->path = NULL;
	if (named && *named) {
		t->path = named;
		return check_named(t, e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bundles) && !t->path; i++) {
		if (access(bundles[i], R_OK) == 0)
			t->path = bundles[i];
		else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return err_sys(e, ERR_IO, DOING, errno, "%s", bundles[i]);
	}
	return 0;
}

const char *trust_source(const struct trust *t)
{
	return t->path ? t->path : "the roots built into cnibox";
}

/* Add a root, with a copy of its key. */
static void add(struct trust *t, struct span dn, const br_x509_pkey *key)
{
	br_x509_trust_anchor *a = &t->found[t->count];
	unsigned char *to = t->keys[t->count];

	if (key->key_type == BR_KEYTYPE_RSA && key->key.rsa.nlen < RSA_BYTES_MIN) {
		t->weak++;
		return;
	}
	a->dn.data = (unsigned char *)(uintptr_t)dn.at;
	a->dn.len = dn.n;
	a->flags = BR_X509_TA_CA;
	a->pkey = *key;
	if (key->key_type == BR_KEYTYPE_RSA) {
		if (key->key.rsa.nlen + key->key.rsa.elen > TRUST_KEY)
			return;
		a->pkey.key.rsa.n = memcpy(to, key->key.rsa.n, key->key.rsa.nlen);
		a->pkey.key.rsa.e =
			memcpy(to + key->key.rsa.nlen, key->key.rsa.e, key->key.rsa.elen);
	} else {
		if (key->key_type != BR_KEYTYPE_EC || key->key.ec.qlen > TRUST_KEY)
			return;
		a->pkey.key.ec.q = memcpy(to, key->key.ec.q, key->key.ec.qlen);
	}
	t->count++;
}

static void add_builtin(struct trust *t, struct span dn)
{
	for (size_t i = 0; i < trust_builtin_count && t->count < TRUST_SAME; i++) {
		const br_x509_trust_anchor *a = &trust_builtin[i];

		if (a->dn.len == dn.n && memcmp(a->dn.data, dn.at, dn.n) == 0)
			add(t, dn, &a->pkey);
	}
}

int trust_find(struct trust *t, struct span dn, struct err *e)
{
	/* A DN that no certificate has, as it is not even DER: for entries that are not in use. */
	static unsigned char nobody[] = {0};
	struct certificate c;
	int got = 0;

	t->count = t->weak = 0;
	for (size_t i = 0; i < TRUST_SAME; i++)
		t->found[i] = (br_x509_trust_anchor){.dn = {nobody, sizeof(nobody)},
						     .flags = BR_X509_TA_CA};
	if (!t->path) {
		add_builtin(t, dn);
		return 0;
	}
	if (pem_open(&bundle, t->path))
		return failed(t, e);
	while (t->count < TRUST_SAME && (got = pem_next(&bundle)) > 0)
		if (is_certificate(&bundle.pem, &c) && c.ca && c.subject.n == dn.n &&
		    memcmp(c.subject.at, dn.at, dn.n) == 0)
			add(t, dn, &c.key);
	if (got < 0)
		return failed(t, e);
	pem_close(&bundle);
	return 0;
}
