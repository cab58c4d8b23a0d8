/* http/key: private keys as OpenSSL writes them, and a signature that it makes, too. */
#include "golden.h"
#include "tls_golden.h"

#include "base/compiler.h"
#include "http/base64.h"
#include "http/key.h"

static char text[KEY_PEM_MAX];

static int parse(struct key *k, const char *name, struct err *e)
{
	size_t n = tls_golden(name, text, sizeof(text));

	return key_parse(k, text, n, name, e);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *name;
		int type;
		unsigned size; /* bits of RSA, or the curve */
	} cases[] = {{"rsa.pem", BR_KEYTYPE_RSA, 2048},
		     {"rsa-pkcs1.pem", BR_KEYTYPE_RSA, 2048},
		     {"rsa-4096.pem", BR_KEYTYPE_RSA, 4096},
		     {"ec.pem", BR_KEYTYPE_EC, BR_EC_secp256r1},
		     {"ec-sec1.pem", BR_KEYTYPE_EC, BR_EC_secp256r1},
		     {"ec-384.pem", BR_KEYTYPE_EC, BR_EC_secp384r1}};
	static struct key k;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};

		if (parse(&k, cases[i].name, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(k.type, cases[i].type);
		assert_int_equal(k.type == BR_KEYTYPE_RSA ? k.rsa.n_bitlen : (unsigned)k.ec.curve,
				 cases[i].size);
	}
	key_wipe(&k);
	for (size_t i = 0; i < sizeof(k); i++)
		assert_int_equal(((unsigned char *)&k)[i], 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *words;
	} cases[] = {
		{"rsa-1024.pem", "an RSA key of 1024 bits"},
		{"ec-secp256k1.pem", "neither of RSA nor of EC on P-256"},
		{"ec-encrypted.pem", "\"ENCRYPTED PRIVATE KEY\" is not supported"},
		{"rsa-encrypted-pkcs1.pem", "encrypted or damaged"},
		{"ed25519.pem", "neither of RSA nor of EC on P-256"},
		{"leaf.pem", "there is no private key"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct key k;
		struct err e = {0};

		assert_int_equal(parse(&k, cases[i].name, &e), -1);
		assert_int_equal(e.code, ERR_FIELD);
		assert_int_equal(k.type, 0);
		if (!strstr(e.msg, cases[i].words) || !strstr(e.msg, cases[i].name))
			fail_msg("%s: %s", cases[i].name, e.msg);
	}
}

/* A key that was cut anywhere is no key. */
static void test_cut(void **state)
{
	size_t n = tls_golden("ec.pem", text, sizeof(text));
	static struct key k;

	(void)state;
	for (size_t cut = 0; cut < n - 1; cut++) { /* the last newline may lack */
		struct err e = {0};

		assert_int_equal(key_parse(&k, text, cut, "cut", &e), -1);
	}
	for (size_t cut = n - 1; cut <= n; cut++) {
		struct err e = {0};

		assert_int_equal(key_parse(&k, text, cut, "whole", &e), 0);
	}
}

static void test_signature(void **state)
{
	unsigned char want[RS256_SIZE], got[RS256_SIZE];
	size_t n = golden_read("tls-rs256", want, sizeof(want));
	static struct key k;
	struct err e = {0};

	(void)state;
	assert_int_equal(parse(&k, "rsa.pem", &e), 0);
	assert_int_equal(key_sign_rs256(got, &k, "text to sign", 12, &e), n);
	assert_memory_equal(got, want, n);
	assert_int_equal(parse(&k, "ec.pem", &e), 0);
	assert_int_equal(key_sign_rs256(got, &k, "text to sign", 12, &e), 0);
	assert_int_equal(e.code, ERR_FIELD);
}

static void test_base64url(void **state)
{
	/* RFC 4648, 10, without padding; and its last two characters. */
	static const struct {
		const char *in, *out;
	} cases[] = {{"", ""},
		     {"f", "Zg"},
		     {"fo", "Zm8"},
		     {"foo", "Zm9v"},
		     {"foob", "Zm9vYg"},
		     {"fooba", "Zm9vYmE"},
		     {"foobar", "Zm9vYmFy"},
		     {"\xff\xef", "_-8"},
		     {"\xfb\xff", "-_8"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[BASE64URL_SIZE(6)];
		size_t n = strlen(cases[i].in);

		assert_int_equal(base64url_encode(out, cases[i].in, n), strlen(cases[i].out));
		assert_string_equal(out, cases[i].out);
		assert_int_equal(BASE64URL_SIZE(n), strlen(cases[i].out) + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_signature),
		cmocka_unit_test(test_base64url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
