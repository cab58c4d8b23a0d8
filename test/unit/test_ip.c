/* base/ip: text forms as in Go's net.ParseIP and RFC 5952, arithmetic at the edges. */
#include "unit.h"

#include "base/ip.h"

static struct ip ip_of(const char *text)
{
	struct ip ip = {0};

	if (!ip_parse(&ip, text))
		fail_msg("'%s' must be an address", text);
	return ip;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p = {0};

	if (!prefix_parse(&p, text))
		fail_msg("'%s' must be a prefix", text);
	return p;
}

static void assert_ip(struct ip ip, const char *want)
{
	char text[IP_TEXT];

	assert_string_equal(ip_format(text, &ip), want);
}

static void test_parse_and_format(void **state)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"10.244.0.2", "10.244.0.2"},
		{"::", "::"},
		{"::1", "::1"},
		{"FD00:0:0::00A0", "fd00::a0"},
		{"fd00:0:0:0:0:0:0:2", "fd00::2"},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
		{"1::", "1::"},
		/* RFC 5952 section 4.2: a single group stays, of equal runs the first shrinks. */
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"0:0:1:0:0:1:1:1", "::1:0:0:1:1:1"},
		{"0:0:0:1:0:0:0:1", "::1:0:0:0:1"},
		{"1:0:0:1:1:1:0:0", "1::1:1:1:0:0"},
		{"1:1:0:1:1:1:0:0", "1:1:0:1:1:1::"},
		/* Only an IPv4-mapped address is IPv4 (RFC 4291 section 2.5.5.2). */
		{"::ffff:10.0.0.1", "10.0.0.1"},
		{"::ffff:a00:1", "10.0.0.1"},
		{"::102:304", "::102:304"},
		{"::1.2.3.4", "::102:304"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
		{"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ip ip = ip_of(cases[i].text);

		assert_ip(ip, cases[i].canonical);
		assert_int_equal(ip.family, strchr(cases[i].canonical, ':') ? 6 : 4);
	}
}

static void test_refused_addresses(void **state)
{
	static const char *const texts[] = {"",
					    " ",
					    "10.244.0",
					    "10.244.0.",
					    "10.244.0.256",
					    "10.244.0.2.1",
					    "010.244.0.2",
					    "10.244.0.02",
					    "10.244.0.2 ",
					    " 10.244.0.2",
					    "10.244.0.2/24",
					    "10.244..2",
					    "1e1.0.0.1",
					    "0x0a.0.0.1",
					    "10.0.0.-1",
					    "+1.0.0.1",
					    "167772161",
					    "10.1",
					    ":",
					    ":::",
					    "1:",
					    ":1",
					    "1:::2",
					    "1::2::3",
					    "12345::",
					    "g::",
					    "1:2:3:4:5:6:7",
					    "1:2:3:4:5:6:7:8:9",
					    "1:2:3:4:5:6:7:8::",
					    "::1:2:3:4:5:6:7:8",
					    "fe80::1%eth0",
					    "[::1]",
					    "::1.2.3",
					    "::1.2.3.256",
					    "1.2.3.4::",
					    "::01.2.3.4",
					    "1:2:3:4:5:6:7:1.2.3.4",
					    "::00001"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct ip ip = {.family = 9, .b = {1}};

		if (ip_parse(&ip, texts[i]))
			fail_msg("'%s' was taken for an address", texts[i]);
		assert_int_equal(ip.family, 9);
		assert_int_equal(ip.b[0], 1);
	}
}

/* RFC 5952 for every pattern of zero groups, against the rule written out the long way. */
static void test_format_of_all_zero_patterns(void **state)
{
	(void)state;
	for (unsigned zeros = 0; zeros < 256; zeros++) {
		struct ip ip = {.family = 6};
		unsigned best = 8, longest = 1;
		char want[IP_TEXT + 8] = "";

		for (unsigned g = 0; g < 8; g++)
			ip.b[2 * g + 1] = zeros >> g & 1 ? 0 : 0xa;
		for (unsigned g = 0; g < 8; g++) {
			unsigned run = 0;

			while (g + run < 8 && (zeros >> (g + run) & 1))
				run++;
			if (run > longest) {
				best = g;
				longest = run;
			}
		}
		for (unsigned g = 0; g < 8; g++) {
			if (g == best) {
				strcat(want, "::");
				g += longest - 1;
				continue;
			}
			if (*want && want[strlen(want) - 1] != ':')
				strcat(want, ":");
			strcat(want, zeros >> g & 1 ? "0" : "a");
		}
		assert_ip(ip, want);
		ip = ip_of(want);
		assert_ip(ip, want);
	}
}

static void test_prefixes(void **state)
{
	static const char *const good[] = {"0.0.0.0/0", "10.244.0.2/24", "10.244.0.0/32",
					   "::/0",	"fd00::2/128",	 "fd00::/9"};
	static const char *const bad[] = {
		"",
		"/",
		"/24",
		"10.244.0.0",
		"10.244.0.0/",
		"10.244.0.0/33",
		"10.244.0.0/024",
		"10.244.0.0/-1",
		"10.244.0.0/+8",
		"10.244.0.0/ 8",
		"10.244.0.0/8 ",
		"10.244.0.0/8/8",
		"10.244.0.0/256",
		"10.244.0.0/1000000000000",
		"10.244.0.0/x",
		"10.244/16",
		"fd00::/129",
		"::ffff:10.0.0.0/104",
		"fe80::%1/64",
		"10.0.0.0/0x8",
		"0000000000000000000000000000000000000000000000000000000000001::/8"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct prefix p = prefix_of(good[i]);
		char text[PREFIX_TEXT];

		assert_string_equal(prefix_format(text, &p), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct prefix p = {.len = 77};

		if (prefix_parse(&p, bad[i]))
			fail_msg("'%s' was taken for a prefix", bad[i]);
		assert_int_equal(p.len, 77);
	}
}

static void test_longest_text_fits(void **state)
{
	const char *longest = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
	struct prefix p = prefix_of("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128");
	char text[PREFIX_TEXT];

	(void)state;
	assert_int_equal(strlen(longest), IP_TEXT - 1);
	assert_string_equal(prefix_format(text, &p), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static void test_order(void **state)
{
	static const char *const rising[] = {"0.0.0.0", "10.0.0.255", "10.0.1.0", "255.255.255.255",
					     "::",	"::1",	      "1::",	  "ffff::"};
	const int n = sizeof(rising) / sizeof(*rising);

	(void)state;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++) {
			struct ip a = ip_of(rising[i]), b = ip_of(rising[j]);
			int order = ip_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(ip_equal(&a, &b), i == j);
		}
	}
}

static void test_add_and_previous(void **state)
{
	static const struct {
		const char *from;
		uint32_t n;
		const char *to; /* NULL: wraps */
	} cases[] = {{"10.244.0.255", 1, "10.244.1.0"},
		     {"10.255.255.255", 1, "11.0.0.0"},
		     {"255.255.255.255", 0, "255.255.255.255"},
		     {"0.0.0.0", UINT32_MAX, "255.255.255.255"},
		     {"255.255.255.255", 1, NULL},
		     {"0.0.0.1", UINT32_MAX, NULL},
		     {"fd00::ffff:ffff:ffff", 1, "fd00:0:0:0:1::"},
		     {"::", UINT32_MAX, "::ffff:ffff"},
		     {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ip ip = ip_of(cases[i].from);

		assert_int_equal(ip_add(&ip, cases[i].n), cases[i].to != NULL);
		if (!cases[i].to)
			continue;
		struct ip to = ip_of(cases[i].to);

		assert_true(ip_equal(&ip, &to));
		if (cases[i].n != 1)
			continue;
		assert_true(ip_previous(&ip));
		assert_ip(ip, cases[i].from);
	}
	struct ip zero4 = ip_of("0.0.0.0"), zero6 = ip_of("::");

	assert_false(ip_previous(&zero4));
	assert_false(ip_previous(&zero6));
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		uint64_t want;
	} cases[] = {{"10.0.0.1", "10.0.0.1", 0},
		     {"10.0.0.255", "10.0.1.0", 1},
		     {"0.0.0.0", "255.255.255.255", UINT32_MAX},
		     {"fd00::", "fd00::1:0:0:0", (uint64_t)1 << 48},
		     {"fd00::1", "fd00:0:0:1::", UINT64_MAX},
		     {"fd00::2", "fd00:0:0:1::1", UINT64_MAX}, /* exactly 2^64 - 1 */
		     {"fd00::3", "fd00:0:0:1::1", UINT64_MAX - 1},
		     {"::", "1::", UINT64_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ip a = ip_of(cases[i].a), b = ip_of(cases[i].b);

		assert_true(ip_distance(&a, &b) == cases[i].want);
	}
}

static void test_prefix_bounds(void **state)
{
	static const struct {
		const char *prefix, *first, *last;
	} cases[] = {{"10.244.1.77/24", "10.244.1.0", "10.244.1.255"},
		     {"10.244.1.77/0", "0.0.0.0", "255.255.255.255"},
		     {"10.244.1.77/32", "10.244.1.77", "10.244.1.77"},
		     {"10.244.1.77/31", "10.244.1.76", "10.244.1.77"},
		     {"10.244.77.1/19", "10.244.64.0", "10.244.95.255"},
		     {"fd00::1234/120", "fd00::1200", "fd00::12ff"},
		     {"fd00::/63", "fd00::", "fd00::1:ffff:ffff:ffff:ffff"},
		     {"fd00::1/128", "fd00::1", "fd00::1"},
		     {"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix p = prefix_of(cases[i].prefix);
		struct ip first = prefix_first(&p), last = prefix_last(&p), below = first,
			  above = last;
		struct prefix network = prefix_network(&p);

		assert_ip(first, cases[i].first);
		assert_ip(last, cases[i].last);
		assert_ip(network.ip, cases[i].first);
		assert_int_equal(network.len, p.len);
		assert_true(prefix_contains(&p, &first));
		assert_true(prefix_contains(&p, &last));
		if (ip_previous(&below))
			assert_false(prefix_contains(&p, &below));
		if (ip_add(&above, 1))
			assert_false(prefix_contains(&p, &above));
	}
}

static void test_families_do_not_mix(void **state)
{
	struct prefix all4 = prefix_of("0.0.0.0/0"), all6 = prefix_of("::/0");
	struct ip ip4 = ip_of("10.0.0.1"), ip6 = ip_of("fd00::1");

	(void)state;
	assert_false(prefix_contains(&all4, &ip6));
	assert_false(prefix_contains(&all6, &ip4));
	assert_false(prefix_equal(&all4, &all6));
	assert_true(prefix_equal(&all4, &all4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse_and_format),
					   cmocka_unit_test(test_refused_addresses),
					   cmocka_unit_test(test_format_of_all_zero_patterns),
					   cmocka_unit_test(test_prefixes),
					   cmocka_unit_test(test_longest_text_fits),
					   cmocka_unit_test(test_order),
					   cmocka_unit_test(test_add_and_previous),
					   cmocka_unit_test(test_distance),
					   cmocka_unit_test(test_prefix_bounds),
					   cmocka_unit_test(test_families_do_not_mix)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
