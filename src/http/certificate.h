/*
 * What of an X.509 certificate (RFC 5280) is read here: who it is, who issued it, until when, for
 * which names, which key. Signatures and constraints are BearSSL's to check.
 */
#ifndef HTTP_CERTIFICATE_H
#define HTTP_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#include <bearssl.h>

#include "base/ip.h"

/* RSA keys from 2048 bits on are accepted, in certificates and as private ones. */
#define RSA_BYTES_MIN 256

/* Bytes that belong to somebody else: a piece of a certificate. */
struct span {
	const unsigned char *at;
	size_t n;
};

#define DATE_TEXT 15 /* "YYYYMMDDhhmmss", in UTC: compares as text */

struct certificate {
	struct span issuer, subject; /* DER, with its header */
	char not_before[DATE_TEXT], not_after[DATE_TEXT];
	br_x509_pkey
		key; /* points into the certificate; key_type 0 for one that is not supported */
	struct span names; /* GeneralNames of subjectAltName, without the header; may be empty */
	bool ca;
	bool for_servers; /* extendedKeyUsage says so, or there is none */
};

/* Take n bytes of DER apart. Gives false if they are no certificate. c points into der. */
bool certificate_parse(struct certificate *c, const unsigned char *der, size_t n)
	__attribute__((warn_unused_result));

/*
 * Whether one of its subjectAltNames is the DNS name (RFC 6125, 6.4: any case; "*" may stand for
 * the first label, alone), or the address, if ip is one. The subject's common name does not count.
 */
bool certificate_names(const struct certificate *c, const char *name, const struct ip *ip);

/* For people: its subjectAltNames between commas, as far as they fit. Gives buf. */
const char *certificate_list_names(char *buf, size_t size, const struct certificate *c);

/* For people: the last common name in a DN, "(no name)" without one. Gives buf. */
#define COMMON_NAME_TEXT 65 /* RFC 5280, appendix A: 64 and a NUL */
const char *certificate_common_name(char buf[static COMMON_NAME_TEXT], struct span dn);

#endif
