/* gce/credentials, gce/jwt: files of credentials, and the assertion that is made of one. */
#include "fuzz.h"

#include "base/arena.h"
#include "gce/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char jwt[GCE_JWT_MAX];
	struct gce_credentials c;
	struct err e = {0};

	arena_reset();
	if (gce_credentials_parse(&c, (const char *)data, n, "input", &e)) {
		CHECK(e.code != 0);
		return 0;
	}
	CHECK(e.code == 0 && strncmp(c.token_uri, "https://", 8) == 0);
	if (c.type == GCE_AUTHORIZED_USER) {
		CHECK(c.client_id && c.client_secret && c.refresh_token);
		return 0;
	}
	CHECK(c.type == GCE_SERVICE_ACCOUNT);
	if (gce_jwt_make(jwt, &c, "scope", 1700000000, &e)) {
		CHECK(e.code != 0);
		return 0;
	}
	CHECK(strlen(jwt) < sizeof(jwt));
	CHECK(jwt[strspn(jwt,
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")] ==
	      '\0');
	return 0;
}
