/* http/certificate, http/trust: what is read of certificates as OpenSSL makes them; the roots built in. */
#include "tls_golden.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "http/certificate.h"
#include "http/pem.h"
#include "http/trust.h"

static struct pem_file file;

static const struct pem *read_pem(const char *path)
{
	assert_int_equal(pem_open(&file, path), 0);
	assert_int_equal(pem_next(&file), 1);
	assert_false(file.pem.bad);
	file_close(&file.fd);
	return &file.pem;
}

static void test_leaf(void **state)
{
	const struct pem *pem = read_pem("test/unit/golden/tls/leaf.pem");
	char text[200], name[COMMON_NAME_TEXT];
	struct certificate c;

	(void)state;
	assert_true(certificate_parse(&c, pem->der, pem->len));
	assert_false(c.ca);
	assert_true(c.for_servers);
	assert_int_equal(c.key.key_type, BR_KEYTYPE_EC);
	assert_int_equal(c.key.key.ec.curve, BR_EC_secp256r1);
	assert_int_equal(c.key.key.ec.qlen, 65);
	assert_int_equal(c.issuer.n, c.subject.n);
	assert_string_equal(certificate_common_name(name, c.subject), "Leaf");
	assert_string_equal(certificate_list_names(text, sizeof(text), &c),
			    "a.example, *.b.example, 192.0.2.1, 2001:db8::1");
	assert_string_equal(certificate_list_names(text, 30, &c), "a.example, *.b.example");
	/* 100 years are beyond what a UTCTime can say. */
	assert_memory_equal(c.not_before, "20", 2);
	assert_memory_equal(c.not_after, "21", 2);
	assert_int_equal(strlen(c.not_after), DATE_TEXT - 1);
}

static void test_root(void **state)
{
	const struct pem *pem = read_pem("test/unit/golden/tls/root.pem");
	char name[COMMON_NAME_TEXT];
	struct certificate c;

	(void)state;
	assert_true(certificate_parse(&c, pem->der, pem->len));
	assert_true(c.ca);
	assert_false(c.for_servers);
	assert_int_equal(c.key.key_type, BR_KEYTYPE_RSA);
	assert_int_equal(c.key.key.rsa.nlen, 256);
	assert_int_equal(c.key.key.rsa.elen, 3);
	assert_memory_equal(c.key.key.rsa.e, "\1\0\1", 3);
	assert_int_equal(c.names.n, 0);
	assert_string_equal(certificate_common_name(name, c.subject), "Root");
}

/* Cut anywhere, it is no certificate; changed anywhere, it may be, but is read within its bounds. */
static void test_damaged(void **state)
{
	const struct pem *pem = read_pem("test/unit/golden/tls/leaf.pem");
	struct certificate c;

	(void)state;
	for (size_t n = 0; n < pem->len; n++) {
		unsigned char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, pem->der, n);
		assert_false(certificate_parse(&c, copy, n));
		free(copy);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool want;
	} cases[] = {
		{"a.example", true},   {"A.Example", true},	 {"b.example", false},
		{"x.b.example", true}, {"x.y.b.example", false}, {".b.example", false},
		{"a.example.", false}, {"aa.example", false},	 {"Leaf", false},
		{"d.example", false},  {"e.example", false},	 {"192.0.2.1", true},
		{"192.0.2.2", false},  {"2001:db8::1", true},	 {"2001:db8::", false},
		{"*.b.example", true},
	};
	const struct pem *pem = read_pem("test/unit/golden/tls/leaf.pem");
	struct certificate c;

	(void)state;
	assert_true(certificate_parse(&c, pem->der, pem->len));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip ip = {0};

		if (!ip_parse(&ip, cases[i].name))
			ip.family = 0;
		if (certificate_names(&c, cases[i].name, &ip) != cases[i].want)
			fail_msg("%s", cases[i].name);
	}
}

/* Each root that is built in is the one of the file, by what this program's own reader sees there. */
static void test_builtin(void **state)
{
	static const char *const names[] = {
		"GTS_Root_R1",
		"GTS_Root_R2",
		"GTS_Root_R3",
		"GTS_Root_R4",
		"GlobalSign_Root_CA",
		"GlobalSign_Root_CA_-_R3",
		"GlobalSign_Root_CA_-_R6",
		"GlobalSign_ECC_Root_CA_-_R4",
		"GlobalSign_ECC_Root_CA_-_R5",
	};
	static struct trust t;

	(void)state;
	assert_int_equal(trust_builtin_count, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct pem *pem;
		const br_x509_pkey *got = &t.found[0].pkey;
		struct certificate c;
		struct err e = {0};
		char path[128];

		snprintf(path, sizeof(path), "/usr/share/ca-certificates/mozilla/%s.crt", names[i]);
		pem = read_pem(path);
		assert_true(certificate_parse(&c, pem->der, pem->len));
		assert_true(c.ca);
		t.path = NULL;
		assert_int_equal(trust_find(&t, c.subject, &e), 0);
		assert_int_equal(t.count, 1);
		assert_int_equal(got->key_type, c.key.key_type);
		if (got->key_type == BR_KEYTYPE_RSA) {
			assert_int_equal(got->key.rsa.nlen, c.key.key.rsa.nlen);
			assert_memory_equal(got->key.rsa.n, c.key.key.rsa.n, got->key.rsa.nlen);
			assert_int_equal(got->key.rsa.elen, c.key.key.rsa.elen);
			assert_memory_equal(got->key.rsa.e, c.key.key.rsa.e, got->key.rsa.elen);
		} else {
			assert_int_equal(got->key.ec.curve, c.key.key.ec.curve);
			assert_int_equal(got->key.ec.qlen, c.key.key.ec.qlen);
			assert_memory_equal(got->key.ec.q, c.key.key.ec.q, got->key.ec.qlen);
		}
	}
}

/* Of a name that no root has, none; every entry that is not in use matches nothing. */
static void test_nobody(void **state)
{
	static unsigned char dn[] = {0x30, 0};
	static struct trust t;
	struct err e = {0};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		t.path = i ? "/etc/ssl/certs/ca-certificates.crt" : NULL;
		assert_int_equal(trust_find(&t, (struct span){dn, sizeof(dn)}, &e), 0);
		assert_int_equal(t.count, 0);
		for (unsigned j = 0; j < TRUST_SAME; j++)
			assert_true(t.found[j].dn.len == 1 && t.found[j].pkey.key_type == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),	cmocka_unit_test(test_root),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_names),
		cmocka_unit_test(test_builtin), cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
