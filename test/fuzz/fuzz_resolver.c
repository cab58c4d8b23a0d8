/* http/resolver_conf: lines of resolv.conf and of hosts. */
#include "fuzz.h"

#include "http/lines.h"
#include "http/resolver_conf.h"

static void check(const struct dns_conf *c)
{
	CHECK(c->server_count >= 1 && c->server_count <= DNS_SERVERS);
	CHECK(c->search_count <= DNS_SEARCH);
	for (unsigned i = 0; i < c->server_count; i++)
		CHECK(c->servers[i].ip.family == 4 || c->servers[i].ip.family == 6);
	for (unsigned i = 0; i < c->search_count; i++) {
		size_t n = strlen(c->search[i]);

		CHECK(n && c->search[i][0] != '.' && c->search[i][n - 1] != '.');
	}
	CHECK(c->ndots <= DNS_NDOTS_MAX && c->timeout >= 1 && c->timeout <= DNS_TIMEOUT_MAX);
	CHECK(c->attempts >= 1 && c->attempts <= DNS_ATTEMPTS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dns_conf conf;
	char line[LINE_TEXT];

	dns_conf_begin(&conf);
	while (n) {
		const uint8_t *end = memchr(data, '\n', n);
		size_t taken = end ? (size_t)(end - data) + 1 : n;
		size_t len = taken < sizeof(line) ? taken : sizeof(line) - 1;
		struct ip ip = {0};

		memcpy(line, data, len);
		line[len] = '\0';
		if (hosts_line(&ip, line, "localhost"))
			CHECK(ip.family == 4 || ip.family == 6);
		memcpy(line, data, len);
		dns_conf_line(&conf, line);
		data += taken;
		n -= taken;
	}
	dns_conf_end(&conf);
	check(&conf);
	return 0;
}
