#include "http/certificate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/url.h"

/* Tags (X.690). */
enum {
	BOOLEAN = 0x01,
	INTEGER = 0x02,
	BIT_STRING = 0x03,
	OCTET_STRING = 0x04,
	OID = 0x06,
	UTC_TIME = 0x17,
	GENERALIZED_TIME = 0x18,
	SEQUENCE = 0x30,
	VERSION = 0xa0,	   /* [0] of a certificate */
	EXTENSIONS = 0xa3, /* [3] of it */
	DNS_NAME = 0x82,   /* [2] and [7] of a GeneralName */
	IP_ADDRESS = 0x87,
};

/*
 * Take one element off the front of s, into its content and, if asked for, the whole of it. Gives
 * its tag, or 0 if there is no whole one.
 */
static unsigned take_any(struct span *s, struct span *content, struct span *whole)
{
	const unsigned char *start = s->at;
	size_t len, head = 2;
	unsigned tag;

	if (s->n < head)
		return 0;
	tag = start[0];
	len = start[1];
	if (len >= 0x80) {
		size_t bytes = len - 0x80;

		if (bytes == 0 || bytes > 3 || s->n < head + bytes)
			return 0;
		for (len = 0; head < 2 + bytes; head++)
			len = len << 8 | start[head];
	}
	if (len > s->n - head)
		return 0;
	*content = (struct span){start + head, len};
	if (whole)
		*whole = (struct span){start, head + len};
	s->at += head + len;
	s->n -= head + len;
	return tag;
}

static bool take(struct span *s, unsigned tag, struct span *content)
{
	struct span rest = *s;

	if (take_any(&rest, content, NULL) != tag)
		return false;
	*s = rest;
	return true;
}

static bool span_is(struct span s, const void *bytes, size_t n)
{
	return s.n == n && memcmp(s.at, bytes, n) == 0;
}
#define SPAN_IS(s, text) span_is(s, text, sizeof(text) - 1)

/* "YYMMDDhhmmssZ", or with four digits of the year (RFC 5280, 4.1.2.5: no fractions, no zones). */
static bool take_time(char out[static DATE_TEXT], struct span *s)
{
	struct span t;
	unsigned tag = take_any(s, &t, NULL);
	size_t digits = DATE_TEXT - 1;

	if (tag == UTC_TIME) {
		if (t.n != 13)
			return false;
		memcpy(out, t.at[0] >= '5' ? "19" : "20", 2);
		memcpy(out + 2, t.at, 12);
	} else {
		if (tag != GENERALIZED_TIME || t.n != 15)
			return false;
		memcpy(out, t.at, digits);
	}
	out[digits] = '\0';
	return strspn(out, "0123456789") == digits && t.at[t.n - 1] == 'Z';
}

/* A positive number, without the zero before a first bit that is set. */
static bool take_number(struct span *s, unsigned char **at, size_t *n)
{
	struct span number;

	if (!take(s, INTEGER, &number))
		return false;
	for (; number.n && number.at[0] == 0; number.n--)
		number.at++;
	/* BearSSL's keys lack const; nothing writes to them. */
	*at = (unsigned char *)(uintptr_t)number.at;
	*n = number.n;
	return number.n > 0;
}

static void parse_rsa(br_x509_pkey *key, struct span bits)
{
	struct span numbers;

	if (take(&bits, SEQUENCE, &numbers) &&
	    take_number(&numbers, &key->key.rsa.n, &key->key.rsa.nlen) &&
	    take_number(&numbers, &key->key.rsa.e, &key->key.rsa.elen))
		key->key_type = BR_KEYTYPE_RSA;
}

static void parse_ec(br_x509_pkey *key, struct span curve, struct span point)
{
	key->key.ec.curve = SPAN_IS(curve, "\x2a\x86\x48\xce\x3d\x03\x01\x07") ? BR_EC_secp256r1
			    : SPAN_IS(curve, "\x2b\x81\x04\x00\x22")	       ? BR_EC_secp384r1
			    : SPAN_IS(curve, "\x2b\x81\x04\x00\x23")	       ? BR_EC_secp521r1
									       : 0;
	key->key.ec.q = (unsigned char *)(uintptr_t)point.at;
	key->key.ec.qlen = point.n;
	if (key->key.ec.curve)
		key->key_type = BR_KEYTYPE_EC;
}

/* SubjectPublicKeyInfo. A kind of key that is not known is no fault of the certificate. */
static bool take_key(struct span *s, br_x509_pkey *key)
{
	struct span info, algorithm, oid, bits, curve;

	if (!take(s, SEQUENCE, &info) || !take(&info, SEQUENCE, &algorithm) ||
	    !take(&algorithm, OID, &oid) || !take(&info, BIT_STRING, &bits) || bits.n < 2 ||
	    bits.at[0] != 0)
		return false;
	bits.at++;
	bits.n--;
	if (SPAN_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"))
		parse_rsa(key, bits);
	else if (SPAN_IS(oid, "\x2a\x86\x48\xce\x3d\x02\x01") && take(&algorithm, OID, &curve))
		parse_ec(key, curve, bits);
	return true;
}

/* RFC 5280, 4.2.1.12: whether one of the purposes is a server's, or any. */
static bool has_server_purpose(struct span purposes)
{
	struct span one;

	while (take(&purposes, OID, &one))
		if (SPAN_IS(one, "\x2b\x06\x01\x05\x05\x07\x03\x01") ||
		    SPAN_IS(one, "\x55\x1d\x25\x00"))
			return true;
	return false;
}

static bool parse_extension(struct certificate *c, struct span extension)
{
	struct span oid, ignored, value, sequence, flag;

	if (!take(&extension, OID, &oid))
		return false;
	take(&extension, BOOLEAN, &ignored); /* critical */
	if (!take(&extension, OCTET_STRING, &value))
		return false;
	if (SPAN_IS(oid, "\x55\x1d\x13")) /* basicConstraints */
		c->ca = take(&value, SEQUENCE, &sequence) && take(&sequence, BOOLEAN, &flag) &&
			flag.n == 1 && flag.at[0];
	else if (SPAN_IS(oid, "\x55\x1d\x25")) /* extendedKeyUsage */
		c->for_servers = take(&value, SEQUENCE, &sequence) && has_server_purpose(sequence);
	else if (SPAN_IS(oid, "\x55\x1d\x11")) /* subjectAltName */
		return take(&value, SEQUENCE, &c->names);
	return true;
}

static bool parse_extensions(struct certificate *c, struct span tbs)
{
	struct span outer, list, extension;

	while (tbs.n) {
		unsigned tag = take_any(&tbs, &outer, NULL);

		if (tag == 0)
			return false;
		if (tag != EXTENSIONS)
			continue;
		if (!take(&outer, SEQUENCE, &list))
			return false;
		while (list.n)
			if (!take(&list, SEQUENCE, &extension) || !parse_extension(c, extension))
				return false;
	}
	return true;
}

bool certificate_parse(struct certificate *c, const unsigned char *der, size_t n)
{
	struct span all = {der, n}, outer, tbs, ignored, validity;

	memset(c, 0, sizeof(*c));
	c->for_servers = true;
	if (!take(&all, SEQUENCE, &outer) || !take(&outer, SEQUENCE, &tbs))
		return false;
	take(&tbs, VERSION, &ignored);
	return take(&tbs, INTEGER, &ignored) && take(&tbs, SEQUENCE, &ignored) &&
	       take_any(&tbs, &ignored, &c->issuer) == SEQUENCE &&
	       take(&tbs, SEQUENCE, &validity) && take_time(c->not_before, &validity) &&
	       take_time(c->not_after, &validity) &&
	       take_any(&tbs, &ignored, &c->subject) == SEQUENCE && take_key(&tbs, &c->key) &&
	       parse_extensions(c, tbs);
}

/* s as text; buf has room for it. */
static void printable(char *buf, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		buf[i] = (char)(s.at[i] < ' ' || s.at[i] == 0x7f ? '?' : s.at[i]);
	buf[i] = '\0';
}

static bool dns_name_matches(struct span pattern, const char *name)
{
	const char *text = (const char *)pattern.at;
	const char *dot = strchr(name, '.');

	if (pattern.n > 2 && memcmp(text, "*.", 2) == 0) {
		if (!dot || dot == name)
			return false;
		name = dot;
		text++;
		pattern.n--;
	}
	return pattern.n == strlen(name) && strncasecmp(text, name, pattern.n) == 0;
}

bool certificate_names(const struct certificate *c, const char *name, const struct ip *ip)
{
	struct span names = c->names, one;
	unsigned tag;

	while ((tag = take_any(&names, &one, NULL)) != 0) {
		if (ip->family ? tag == IP_ADDRESS && span_is(one, ip->b, ip_size(ip))
			       : tag == DNS_NAME && dns_name_matches(one, name))
			return true;
	}
	return false;
}

const char *certificate_list_names(char *buf, size_t size, const struct certificate *c)
{
	struct span names = c->names, one;
	size_t used = 0;
	unsigned tag;

	buf[0] = '\0';
	while ((tag = take_any(&names, &one, NULL)) != 0) {
		char text[URL_HOST_MAX + 1];
		struct ip ip = {.family = one.n == 16 ? 6 : 4};

		if (tag == IP_ADDRESS && one.n == ip_size(&ip)) {
			memcpy(ip.b, one.at, one.n);
			ip_format(text, &ip);
		} else if (tag == DNS_NAME && one.n < sizeof(text)) {
			printable(text, one);
		} else {
			continue;
		}
		if (used + strlen(text) + 3 > size)
			break;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", text);
	}
	return buf;
}

const char *certificate_common_name(char buf[static COMMON_NAME_TEXT], struct span dn)
{
	struct span rdns, set, pair, oid, value;

	buf[0] = '\0';
	if (!take(&dn, SEQUENCE, &rdns))
		rdns.n = 0;
	while (rdns.n && take_any(&rdns, &set, NULL)) {
		if (!take(&set, SEQUENCE, &pair) || !take(&pair, OID, &oid) ||
		    !take_any(&pair, &value, NULL) || !SPAN_IS(oid, "\x55\x04\x03"))
			continue;
		if (value.n >= COMMON_NAME_TEXT)
			value.n = COMMON_NAME_TEXT - 1;
		printable(buf, value);
	}
	if (!buf[0])
		memcpy(buf, "(no name)", sizeof("(no name)"));
	return buf;
}
