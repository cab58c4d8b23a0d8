/* http/certificate: DER as a server may send it. */
#include "fuzz.h"

#include "http/certificate.h"

static void within(struct span s, const uint8_t *data, size_t n)
{
	CHECK(s.n == 0 || (s.at >= data && s.at + s.n <= data + n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct ip v4 = {.family = 4, .b = {127, 0, 0, 1}}, none;
	char text[COMMON_NAME_TEXT], names[200];
	struct certificate c;

	if (!certificate_parse(&c, data, n))
		return 0;
	within(c.issuer, data, n);
	within(c.subject, data, n);
	within(c.names, data, n);
	CHECK(strlen(c.not_before) == DATE_TEXT - 1 && strlen(c.not_after) == DATE_TEXT - 1);
	if (c.key.key_type == BR_KEYTYPE_RSA)
		within((struct span){c.key.key.rsa.n, c.key.key.rsa.nlen}, data, n);
	certificate_names(&c, "localhost", &none);
	certificate_names(&c, "a.example.com", &none);
	certificate_names(&c, "127.0.0.1", &v4);
	CHECK(strlen(certificate_common_name(text, c.subject)) < sizeof(text));
	CHECK(strlen(certificate_common_name(text, c.issuer)) < sizeof(text));
	CHECK(strlen(certificate_list_names(names, sizeof(names), &c)) < sizeof(names));
	return 0;
}
