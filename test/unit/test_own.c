/* gce/own, gce/route: names, ownership, and what makes two routes the same. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "gce/own.h"
#include "json/reader.h"

static void test_valid_names(void **state)
{
	static const char *const good[] = {
		"a",  "a-b",  "k8s-master",
		"a1", "a--b", "a23456789012345678901234567890123456789012345678901234567890123"};
	static const char *const bad[] = {
		"",
		"A",
		"1a",
		"-a",
		"a-",
		"a_b",
		"a.b",
		"a b",
		"\xc3\xa4",
		"a/b",
		"a234567890123456789012345678901234567890123456789012345678901234"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(gce_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(gce_name_valid(bad[i]));
}

static void test_own_names(void **state)
{
	/* printf 'c\0z\0n\0r\0' | sha256sum */
	static const char long_name[] =
		"n23456789012345678901234567890123456789012345678901234567890123";
	char one[GCE_NAME_MAX + 1], other[GCE_NAME_MAX + 1];

	(void)state;
	gce_own_name(one, "c", "z", "n", "r");
	assert_string_equal(one, "cnibox-n-828f7d905570");
	gce_own_name(one, "ab", "c", "n", "r");
	gce_own_name(other, "a", "bc", "n", "r");
	assert_string_not_equal(one, other);
	gce_own_name(one, "c", "z", long_name, "10.244.0.0/24");
	gce_own_name(other, "c", "z", long_name, "fd00::/64");
	assert_string_not_equal(one, other);
	assert_int_equal(strlen(one), 62);
	assert_true(gce_name_valid(one) && gce_name_valid(other));
}

static void test_whose(void **state)
{
	char text[GCE_DESCRIPTION_MAX];

	(void)state;
	gce_own_description(text, "prod", "k8s-master");
	assert_true(gce_own(text, "prod"));
	assert_false(gce_own(text, "pro"));
	assert_false(gce_own(text, "prod2"));
	assert_false(gce_own("", "prod"));
	assert_false(gce_own("k8s-node-route", "prod"));
	assert_false(gce_own("by cnibox cluster=prod node=x", "prod"));
	assert_true(gce_cluster_valid("a234567890123456789012345678901234567890"));
	assert_false(gce_cluster_valid("a2345678901234567890123456789012345678901"));
}

static struct gce_route route(void)
{
	return (struct gce_route){.name = "r",
				  .network = "projects/p/global/networks/default",
				  .dest_range = "10.244.0.0/24",
				  .hop_kind = "nextHopInstance",
				  .hop = "projects/p/zones/z/instances/i",
				  .description = "",
				  .priority = 1000};
}

/* Hosts and versions in URLs differ, and count for nothing; so does the order of tags. */
static void test_the_same_route(void **state)
{
	struct gce_route want = route(), found = route();

	(void)state;
	assert_null(gce_route_difference(&want, &found, "p"));
	found.network = "https://www.googleapis.com/compute/v1/projects/p/global/networks/default";
	found.hop = "https://compute.googleapis.com/compute/beta/projects/p/zones/z/instances/i";
	found.description = "another";
	assert_null(gce_route_difference(&want, &found, "p"));
	want.hop = "zones/z/instances/i";
	want.network = "global/networks/default";
	assert_null(gce_route_difference(&want, &found, "p"));
	want.tags[want.tag_count++] = "a";
	want.tags[want.tag_count++] = "b";
	found.tags[found.tag_count++] = "b";
	found.tags[found.tag_count++] = "a";
	assert_null(gce_route_difference(&want, &found, "p"));
	want.hop_kind = found.hop_kind = "nextHopIp";
	want.hop = "fd00:0::1";
	found.hop = "fd00::1";
	assert_null(gce_route_difference(&want, &found, "p"));
	want.dest_range = "fd00:0::/64";
	found.dest_range = "fd00::/64";
	assert_null(gce_route_difference(&want, &found, "p"));
}

static void test_other_routes(void **state)
{
	struct gce_route want = route(), found;

	(void)state;
#define DIFFERS(member, value, said)                                                               \
	do {                                                                                       \
		found = route();                                                                   \
		found.member = value;                                                              \
		assert_string_equal(gce_route_difference(&want, &found, "p"), said);               \
	} while (0)
	DIFFERS(dest_range, "10.244.0.0/25", "its range is 10.244.0.0/25, not 10.244.0.0/24");
	DIFFERS(network, "projects/p/global/networks/other", "its network is other, not default");
	DIFFERS(network, "projects/q/global/networks/default",
		"its network is default, not default");
	DIFFERS(hop, "projects/p/zones/z2/instances/i",
		"its next hop is projects/p/zones/z2/instances/i, not projects/p/zones/z/instances/i");
	DIFFERS(hop_kind, "nextHopIp",
		"its next hop is projects/p/zones/z/instances/i, not projects/p/zones/z/instances/i");
	DIFFERS(priority, 999, "its priority is 999, not 1000");
	DIFFERS(tag_count, 1, "its tags are others");
#undef DIFFERS
}

static void test_read(void **state)
{
	static const char text[] =
		"{\"name\":\"r\",\"network\":\"n\",\"destRange\":\"10.0.0.0/8\",\"priority\":7,"
		"\"nextHopIp\":\"10.0.0.1\",\"tags\":[\"a\",\"b\"],\"selfLink\":\"s\"}";
	struct gce_route r;
	struct err e = {0};

	(void)state;
	assert_int_equal(gce_route_read(&r, json_open(text, strlen(text), "text", &e), &e), 0);
	assert_string_equal(r.name, "r");
	assert_string_equal(r.hop_kind, "nextHopIp");
	assert_string_equal(r.hop, "10.0.0.1");
	assert_int_equal(r.priority, 7);
	assert_int_equal(r.tag_count, 2);
	assert_string_equal(r.tags[1], "b");
	assert_string_equal(r.description, "");
	assert_int_equal(gce_route_read(&r, json_open("{\"name\":7}", 10, "text", &e), &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_names),  cmocka_unit_test(test_own_names),
		cmocka_unit_test(test_whose),	     cmocka_unit_test(test_the_same_route),
		cmocka_unit_test(test_other_routes), cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
