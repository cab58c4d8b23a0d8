/* Text that /proc and /etc have: counters, resolv.conf as IPAM plugins read it, patterns of names. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/pattern.h"
#include "ipam/resolv_conf.h"
#include "net/netstat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct pattern pattern;
	static char text[20001];
	struct cni_dns dns = {0};
	struct err e = {0};
	char *line;

	arena_reset();
	if (n < 1 || n >= sizeof(text))
		return 0;
	memcpy(text, data + 1, n - 1);
	text[n - 1] = '\0';
	switch (data[0] % 3) {
	case 0:
		netstat_find(text, "TcpExt", "IPReversePathFilter");
		return 0;
	case 1:
		if (resolv_conf_parse(&dns, text, &e) == 0)
			CHECK(dns.nameservers.count <= CNI_DNS_MAX &&
			      dns.search.count <= CNI_DNS_MAX && dns.options.count <= CNI_DNS_MAX);
		return 0;
	default:
		line = strchr(text, '\n');
		if (!line)
			return 0;
		*line++ = '\0';
		if (!pattern_compile(&pattern, text)) {
			CHECK(pattern.steps <= PATTERN_STEPS);
			pattern_found(&pattern, line);
		}
		return 0;
	}
}
