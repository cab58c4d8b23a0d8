/*
 * Pools of addresses: what a range may be, which addresses it holds, in what order they come.
 */
#include "unit.h"

#include "base/compiler.h"
#include "ipam/range.h"

static struct ip ip(const char *text)
{
	struct ip out = {0};

	if (*text)
		assert_true(ip_parse(&out, text));
	return out;
}

/* A range from texts, "" for what is not given; not complete yet. */
static struct ip_range raw(const char *subnet, const char *start, const char *end,
			   const char *gateway)
{
	struct ip_range r = {.start = ip(start), .end = ip(end), .gateway = ip(gateway)};

	if (*subnet)
		assert_true(prefix_parse(&r.subnet, subnet));
	return r;
}

static struct ip_range range(const char *subnet, const char *start, const char *end,
			     const char *gateway)
{
	struct ip_range r = raw(subnet, start, end, gateway);
	struct err e = {0};

	assert_int_equal(ip_range_complete(&r, &e), 0);
	assert_int_equal(e.code, 0);
	return r;
}

static void assert_range(struct ip_range r, const char *start, const char *end, const char *gateway)
{
	char text[IP_TEXT];

	assert_string_equal(ip_format(text, &r.start), start);
	assert_string_equal(ip_format(text, &r.end), end);
	assert_string_equal(ip_format(text, &r.gateway), gateway);
}

static void assert_refused(struct ip_range r, const char *msg)
{
	struct err e = {0};

	assert_int_equal(ip_range_complete(&r, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg, msg);
}

static void assert_next(const struct range_set *s, const char *from, const char *to)
{
	struct ip at = ip(from);
	char text[IP_TEXT];

	assert_true(range_set_next(s, &at));
	assert_string_equal(ip_format(text, &at), to);
}

static void defaults(void **state)
{
	(void)state;
	assert_range(range("10.1.2.0/24", "", "", ""), "10.1.2.1", "10.1.2.254", "10.1.2.1");
	assert_range(range("10.1.2.4/30", "", "", ""), "10.1.2.5", "10.1.2.6", "10.1.2.5");
	assert_range(range("10.0.0.0/8", "", "", ""), "10.0.0.1", "10.255.255.254", "10.0.0.1");
	/* IPv6 has no broadcast address: the last one is an ordinary one. */
	assert_range(range("fd00::/64", "", "", ""), "fd00::1", "fd00::ffff:ffff:ffff:ffff",
		     "fd00::1");
	assert_range(range("fd00::8/126", "", "", ""), "fd00::9", "fd00::b", "fd00::9");
}

static void given_bounds_are_kept(void **state)
{
	(void)state;
	assert_range(range("10.1.2.0/24", "10.1.2.50", "10.1.2.60", "10.1.2.254"), "10.1.2.50",
		     "10.1.2.60", "10.1.2.254");
	assert_range(range("10.1.2.0/24", "10.1.2.9", "10.1.2.9", ""), "10.1.2.9", "10.1.2.9",
		     "10.1.2.1");
	/* A gateway may be anywhere, and of the other family. */
	assert_range(range("10.1.2.0/24", "", "", "fe80::1"), "10.1.2.1", "10.1.2.254", "fe80::1");
}

/* The reference plugin hands these out, to pods that nobody can reach. */
static void unusable_addresses_are_cut_off(void **state)
{
	(void)state;
	assert_range(range("10.1.2.0/24", "10.1.2.0", "10.1.2.255", ""), "10.1.2.1", "10.1.2.254",
		     "10.1.2.1");
	assert_range(range("fd00::/64", "fd00::", "fd00::ff", ""), "fd00::1", "fd00::ff",
		     "fd00::1");
	assert_refused(raw("10.1.2.0/24", "10.1.2.0", "10.1.2.0", ""),
		       "no usable address from RangeStart 10.1.2.0 to RangeEnd 10.1.2.0");
	assert_refused(raw("10.1.2.0/24", "10.1.2.255", "", ""),
		       "no usable address from RangeStart 10.1.2.255 to RangeEnd 10.1.2.255");
}

static void subnets_that_cannot_be(void **state)
{
	(void)state;
	assert_refused(raw("", "", "", ""), "IP <nil> not v4 nor v6");
	assert_refused(raw("10.1.2.0/31", "", "", ""),
		       "Network 10.1.2.0/31 too small to allocate from");
	assert_refused(raw("10.1.2.7/32", "", "", ""),
		       "Network 10.1.2.7/32 too small to allocate from");
	assert_refused(raw("fd00::/127", "", "", ""),
		       "Network fd00::/127 too small to allocate from");
	assert_refused(raw("10.1.2.3/24", "", "", ""),
		       "Network has host bits set. For a subnet mask of length 24 the network "
		       "address is 10.1.2.0");
}

static void bounds_that_cannot_be(void **state)
{
	(void)state;
	assert_refused(raw("10.1.2.0/24", "10.1.3.1", "", ""),
		       "RangeStart 10.1.3.1 not in network 10.1.2.0/24");
	assert_refused(raw("10.1.2.0/24", "fd00::1", "", ""),
		       "RangeStart fd00::1 not in network 10.1.2.0/24");
	assert_refused(raw("10.1.2.0/24", "10.1.2.50", "10.1.2.49", ""),
		       "RangeStart 10.1.2.50 not in network 10.1.2.0/24");
	assert_refused(raw("10.1.2.0/24", "", "10.1.3.0", ""),
		       "RangeEnd 10.1.3.0 not in network 10.1.2.0/24");
	assert_refused(raw("10.1.2.0/24", "", "10.1.2.0", ""),
		       "RangeEnd 10.1.2.0 not in network 10.1.2.0/24");
}

static void sets_are_checked(void **state)
{
	struct ip_range a[] = {
		range("10.1.2.0/24", "10.1.2.10", "10.1.2.20", ""),
		range("10.1.2.0/24", "10.1.2.21", "10.1.2.30", ""),
	};
	struct ip_range mixed[] = {a[0], range("fd00::/64", "", "", "")};
	struct ip_range twice[] = {a[0], range("10.1.2.0/24", "10.1.2.20", "", "")};
	struct ip_range inside[] = {range("10.0.0.0/8", "", "", ""), a[0]};
	struct err e = {0};

	(void)state;
	assert_int_equal(range_set_check(&(struct range_set){a, 2}, &e), 0);
	assert_int_equal(range_set_check(&(struct range_set){a, 0}, &e), -1);
	assert_string_equal(e.msg, "empty range set");
	err_clear(&e);
	assert_int_equal(range_set_check(&(struct range_set){mixed, 2}, &e), -1);
	assert_string_equal(e.msg, "mixed address families");
	err_clear(&e);
	assert_int_equal(range_set_check(&(struct range_set){twice, 2}, &e), -1);
	assert_string_equal(e.msg, "subnets 10.1.2.10-10.1.2.20 and 10.1.2.20-10.1.2.254 overlap");
	err_clear(&e);
	assert_int_equal(range_set_check(&(struct range_set){inside, 2}, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);

	assert_false(range_sets_overlap(&(struct range_set){a, 1}, &(struct range_set){&a[1], 1}));
	assert_true(
		range_sets_overlap(&(struct range_set){a, 2}, &(struct range_set){&twice[1], 1}));
	assert_false(
		range_sets_overlap(&(struct range_set){a, 2}, &(struct range_set){&mixed[1], 1}));
}

static void contains(void **state)
{
	struct ip_range r = range("10.1.2.0/24", "10.1.2.10", "10.1.2.20", "10.1.2.15");
	struct range_set s = {&r, 1};
	static const struct {
		const char *ip;
		bool found, contained;
	} cases[] = {
		{"10.1.2.9", false, false},  {"10.1.2.10", true, true},	 {"10.1.2.20", true, true},
		{"10.1.2.21", false, false}, {"10.1.2.15", true, false}, {"fd00::1", false, false},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip at = ip(cases[i].ip);

		assert_int_equal(range_set_find(&s, &at) != NULL, cases[i].found);
		assert_int_equal(range_set_contains(&s, &at), cases[i].contained);
	}
}

/* The walk-through of the reference: 10.0.0.2, 10.0.1.2, 10.0.0.2. */
static void walk(void **state)
{
	struct ip_range r[] = {range("10.0.0.0/30", "", "", ""), range("10.0.1.0/30", "", "", "")};
	struct range_set s = {r, 2};

	(void)state;
	assert_next(&s, "", "10.0.0.2");
	assert_next(&s, "10.0.0.2", "10.0.1.2");
	assert_next(&s, "10.0.1.2", "10.0.0.2");
	assert_next(&s, "10.0.0.1", "10.0.0.2"); /* from a gateway: the one behind it */
	assert_next(&s, "192.0.2.1", "10.0.0.2");
	assert_next(&s, "fd00::1", "10.0.0.2");
}

static void walk_carries_and_stops_at_the_end(void **state)
{
	struct ip_range r4 = range("10.0.0.0/16", "", "", "");
	struct ip_range r6 = range("ffff:ffff:ffff:ffff:ffff:ffff:ffff:0/112", "", "", "");
	struct range_set s4 = {&r4, 1}, s6 = {&r6, 1};

	(void)state;
	assert_next(&s4, "10.0.0.255", "10.0.1.0"); /* both are ordinary in a /16 */
	assert_next(&s4, "10.0.255.254", "10.0.0.2");
	assert_next(&s6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_next(&s6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:2");
}

static void a_foreign_gateway_leaves_the_first_address(void **state)
{
	struct ip_range r = range("10.1.2.0/24", "", "", "10.1.2.254");
	struct range_set s = {&r, 1};

	(void)state;
	assert_next(&s, "", "10.1.2.1");
	assert_next(&s, "10.1.2.253", "10.1.2.1");
}

static void nothing_but_gateways(void **state)
{
	struct ip_range r[] = {
		range("10.0.0.0/24", "10.0.0.5", "10.0.0.5", "10.0.0.5"),
		range("10.0.0.0/24", "10.0.0.6", "10.0.0.6", "10.0.0.6"),
	};
	struct ip at = {0};

	(void)state;
	assert_false(range_set_next(&(struct range_set){r, 1}, &at));
	assert_false(range_set_next(&(struct range_set){r, 2}, &at));
}

static void format(void **state)
{
	struct ip_range r[] = {range("10.1.2.0/24", "", "", ""), range("fd00::/64", "", "", "")};
	struct range_set s = {r, 2};
	char text[128], small[8];

	(void)state;
	assert_string_equal(range_set_format(&s, text, sizeof(text)),
			    "10.1.2.1-10.1.2.254,fd00::1-fd00::ffff:ffff:ffff:ffff");
	assert_string_equal(range_set_format(&s, small, sizeof(small)), "10.1.2.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(given_bounds_are_kept),
		cmocka_unit_test(unusable_addresses_are_cut_off),
		cmocka_unit_test(subnets_that_cannot_be),
		cmocka_unit_test(bounds_that_cannot_be),
		cmocka_unit_test(sets_are_checked),
		cmocka_unit_test(contains),
		cmocka_unit_test(walk),
		cmocka_unit_test(walk_carries_and_stops_at_the_end),
		cmocka_unit_test(a_foreign_gateway_leaves_the_first_address),
		cmocka_unit_test(nothing_but_gateways),
		cmocka_unit_test(format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
