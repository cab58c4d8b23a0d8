/* base/ip and base/number, against the C library's inet_pton and inet_ntop. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/ip.h"
#include "base/number.h"
#include "net/names.h"

static void check_address(const char *text)
{
	char ours[IP_TEXT], theirs[INET6_ADDRSTRLEN];
	struct ip ip, again;
	uint8_t v4[4], v6[16];
	bool is_v4 = inet_pton(AF_INET, text, v4) == 1, is_v6 = inet_pton(AF_INET6, text, v6) == 1;

	if (!ip_parse(&ip, text)) {
		CHECK(!is_v4 && !is_v6);
		return;
	}
	CHECK(is_v4 || is_v6);
	/* An IPv4 address in IPv6's clothes is one of IPv4, as Go has it. */
	if (is_v4)
		CHECK(ip.family == 4 && memcmp(ip.b, v4, 4) == 0);
	else if (ip.family == 4)
		CHECK(memcmp(v6, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0 &&
		      memcmp(v6 + 12, ip.b, 4) == 0);
	else
		CHECK(memcmp(v6, ip.b, 16) == 0);
	ip_format(ours, &ip);
	CHECK(ip_parse(&again, ours) && ip_equal(&ip, &again));
	CHECK(inet_ntop(ip.family == 4 ? AF_INET : AF_INET6, ip.b, theirs, sizeof(theirs)));
	/* glibc writes the last 32 bits of ::1.2.3.4 with dots, RFC 5952 only those of ::ffff:0:0/96. */
	if (ip.family == 4 || !strchr(theirs, '.'))
		CHECK(strcmp(ours, theirs) == 0);
}

static void check_prefix(const char *text)
{
	char formatted[PREFIX_TEXT];
	struct prefix p, again, network;
	struct ip first, last, next;

	if (!prefix_parse(&p, text))
		return;
	prefix_format(formatted, &p);
	CHECK(prefix_parse(&again, formatted) && prefix_equal(&p, &again));
	network = prefix_network(&p);
	first = prefix_first(&p);
	last = prefix_last(&p);
	CHECK(ip_equal(&network.ip, &first) && ip_compare(&first, &last) <= 0);
	CHECK(prefix_contains(&p, &p.ip) && prefix_contains(&p, &first) &&
	      prefix_contains(&p, &last));
	next = last;
	if (ip_add(&next, 1))
		CHECK((p.len == 0) == prefix_contains(&p, &next) && ip_distance(&last, &next) == 1);
	next = first;
	if (ip_previous(&next))
		CHECK(!prefix_contains(&p, &next));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[128];
	uint8_t mac[MAC_BYTES];
	uint32_t number;

	if (n >= sizeof(text))
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	check_address(text);
	check_prefix(text);
	if (number_parse(&number, text, 100000)) {
		char again[16];

		CHECK(number <= 100000);
		snprintf(again, sizeof(again), "%u", number);
		CHECK(strtoul(text, NULL, 10) == number);
	}
	if (names_parse_mac(mac, text)) {
		char again[MAC_TEXT];
		uint8_t same[MAC_BYTES];

		CHECK(names_parse_mac(same, names_format_mac(again, mac)) &&
		      memcmp(mac, same, MAC_BYTES) == 0);
	}
	return 0;
}
