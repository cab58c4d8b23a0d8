/* http/url, http/proxy: what is taken must mean the same when it is written down and read again. */
#include <stdio.h>

#include "fuzz.h"

#include "http/proxy.h"
#include "http/url.h"

static void check_again(const struct url *u)
{
	char text[2 * URL_MAX], authority[URL_AUTHORITY_MAX];
	struct url again;
	struct err e = {0};
	int n = snprintf(text, sizeof(text), "%s://%s%s", u->https ? "https" : "http",
			 url_authority(authority, u, false), u->target);

	CHECK(u->host[0] && u->port && u->target[0] == '/');
	for (const char *c = u->target; *c; c++)
		CHECK(*c > ' ' && *c < 0x7f && *c != '#');
	if (n > URL_MAX)
		return; /* a '/' was added to what was as long as it may be */
	CHECK(url_parse(&again, text, (size_t)n, &e) == 0);
	CHECK(url_same_origin(u, &again));
	CHECK(strcmp(u->target, again.target) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct url u;
	struct err e = {0};
	const uint8_t *list = memchr(data, '\n', n);
	size_t len = list ? (size_t)(list - data) : n;
	char no_proxy[512];

	if (url_parse(&u, (const char *)data, len, &e)) {
		CHECK(e.code == ERR_FIELD && e.msg[0]);
		return 0;
	}
	CHECK(!e.code);
	check_again(&u);
	if (list && n - len - 1 < sizeof(no_proxy)) {
		memcpy(no_proxy, list + 1, n - len - 1);
		no_proxy[n - len - 1] = '\0';
		proxy_exempt(no_proxy, &u);
	}
	return 0;
}
