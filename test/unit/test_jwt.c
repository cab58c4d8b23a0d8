/* gce/jwt: the assertion that OpenSSL makes of the same key and claims, byte for byte. */
#include "unit.h"

#include "base/arena.h"
#include "gce/jwt.h"
#include "golden.h"

#define SCOPE "https://www.googleapis.com/auth/compute"

static char key[8192];

static struct gce_credentials account(void)
{
	return (struct gce_credentials){
		.type = GCE_SERVICE_ACCOUNT,
		.token_uri = "https://oauth2.googleapis.com/token",
		.client_email = "routes@demo-project.iam.gserviceaccount.com",
		.private_key_id = "key-1",
		.private_key = key,
	};
}

static int read_key(void **state)
{
	FILE *f = fopen("test/fuzz/corpus/pem/pkcs8-rsa", "re");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(key, 1, sizeof(key) - 1, f);
	fclose(f);
	key[n] = '\0';
	return n == 0;
}

static void test_same_as_openssl(void **state)
{
	static unsigned char golden[GCE_JWT_MAX];
	static char jwt[GCE_JWT_MAX];
	struct gce_credentials c = account();
	struct err e = {0};
	size_t n = golden_read("jwt", golden, sizeof(golden));

	(void)state;
	assert_int_equal(gce_jwt_make(jwt, &c, SCOPE, 1700000000, &e), 0);
	assert_int_equal(strlen(jwt), n);
	assert_memory_equal(jwt, golden, n);
}

static void test_names_that_are_too_long(void **state)
{
	static char jwt[GCE_JWT_MAX], longer[GCE_JWT_MAX];

	(void)state;
	for (size_t n = 1; n < sizeof(longer); n += 97) {
		struct gce_credentials c = account();
		struct err e = {0};

		memset(longer, 'x', n);
		longer[n] = '\0';
		c.client_email = longer;
		if (gce_jwt_make(jwt, &c, SCOPE, 1700000000, &e) == 0)
			assert_true(strlen(jwt) < sizeof(jwt));
		else
			assert_true(n > 1000 && e.code != 0);
	}
}

static void test_key_that_is_none(void **state)
{
	static char jwt[GCE_JWT_MAX];
	struct gce_credentials c = account();
	struct err e = {0};

	(void)state;
	c.private_key = "very secret";
	assert_int_equal(gce_jwt_make(jwt, &c, SCOPE, 1700000000, &e), -1);
	assert_null(strstr(e.msg, "secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_openssl),
		cmocka_unit_test(test_names_that_are_too_long),
		cmocka_unit_test(test_key_that_is_none),
	};

	return cmocka_run_group_tests(tests, read_key, NULL);
}
