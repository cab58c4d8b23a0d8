/* ipam/lease: releasing, finding and counting leases. */
#include "lease_fixture.h"

static void release_is_exact(void **state)
{
	(void)state;
	put("10.1.2.2", "c1\r\neth0");
	put("10.1.2.3", "c11\r\neth0");
	put("10.1.2.4", "c1\r\neth1");
	put("10.1.2.5", "c1");
	put("10.1.2.20", "c2\r\neth0");
	put("lock", "c1\r\neth0");
	put("last_reserved_ip.0", "c1\r\neth0");
	releases("c1", NULL);
	assert_false(exists("10.1.2.2"));
	assert_true(exists("10.1.2.3"));
	assert_true(exists("10.1.2.4"));
	assert_true(exists("10.1.2.5")); /* counts only where there is no other */
	assert_true(exists("10.1.2.20"));
	assert_true(exists("lock"));
	assert_true(exists("last_reserved_ip.0"));
	releases("c1", NULL);
	assert_false(exists("10.1.2.5"));
	releases("c1", NULL); /* nothing left: fine */
	releases("nobody", "10.1.2.4");
	assert_true(exists("10.1.2.4"));
}

/* The reference plugin deletes the mark of a container whose ID is an address. */
static void a_container_named_like_an_address(void **state)
{
	(void)state;
	assert_takes("c1", LEASE_ROUND_ROBIN, NULL, "10.1.2.2");
	releases("10.1.2.2", NULL);
	assert_content("last_reserved_ip.0", "10.1.2.2");
	assert_true(exists("10.1.2.2"));
}

static void hints(void **state)
{
	(void)state;
	put("10.1.2.2", "c1\r\neth0");
	put("10.1.2.3", "c1\r\neth0");
	releases("c1", "10.1.2.2");
	assert_false(exists("10.1.2.2"));
	assert_true(exists("10.1.2.3")); /* straight to the hint */
	releases("c1", "10.1.2.50");	 /* a wrong one: all are looked for */
	assert_false(exists("10.1.2.3"));
	put("10.1.2.4", "other\r\neth0");
	releases("c1", "10.1.2.4");
	assert_true(exists("10.1.2.4"));
}

static void take_after_release_in_one_store(void **state)
{
	cleanup_store struct lease_store s = opened();
	struct err e = {0};
	struct ip ip;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(lease_take(&s, &owner, &net30, 0, LEASE_LOWEST, NULL, &ip, &e), 0);
		assert_ip(ip, "10.1.3.2");
		assert_int_equal(lease_release(&s, &owner, &ip, i & 1, &e), 0);
		assert_false(exists("10.1.3.2"));
	}
}

static void litter_is_left_until_somebody_looks(void **state)
{
	(void)state;
	put("10.1.2.3", "");
	assert_takes("c1", LEASE_LOWEST, NULL, "10.1.2.2");
	assert_true(exists("10.1.2.3"));
	releases("c1", "10.1.2.2");
	assert_true(exists("10.1.2.3"));
	/* For one of which nobody knows what it has, as it was killed. */
	releases("c1", NULL);
	assert_false(exists("10.1.2.3"));
}

static void find(void **state)
{
	cleanup_store struct lease_store s = opened();
	struct lease_owner nobody = {"c9", "eth0"};
	struct err e = {0};
	struct ip found[2];
	unsigned count;

	(void)state;
	put("10.1.2.30", "c1\r\neth0");
	put("10.1.2.4", "  c1\r\neth0\n");
	put("fd00::4", "c1\r\neth0");
	put("10.1.2.5", "c1");
	assert_int_equal(lease_find(&s, &owner, found, 2, &count, &e), 0);
	assert_int_equal(count, 3);
	assert_ip(found[0], "10.1.2.4");
	assert_ip(found[1], "10.1.2.30");
	assert_int_equal(lease_find(&s, &nobody, found, 2, &count, &e), 0);
	assert_int_equal(count, 0);
}

static unsigned visits;

static bool keep_c1(const struct lease_owner *who, const struct ip *ip, void *arg)
{
	(void)ip;
	visits++;
	assert_string_equal(arg, "argument");
	return strcmp(who->container_id, "c1") == 0 && strcmp(who->ifname, "eth0") == 0;
}

static void each(void **state)
{
	cleanup_store struct lease_store s = opened();
	struct err e = {0};
	char arg[] = "argument";

	(void)state;
	put("10.1.2.2", "c1\r\neth0");
	put("10.1.2.3", "c2\r\neth0");
	put("10.1.2.4", "c1");
	put("10.1.2.5", "");
	put("last_reserved_ip.0", "10.1.2.4");
	visits = 0;
	assert_int_equal(lease_each(&s, keep_c1, arg, &e), 0);
	assert_int_equal(visits, 3);
	assert_true(exists("10.1.2.2"));
	assert_false(exists("10.1.2.3"));
	assert_false(exists("10.1.2.4"));
	assert_true(exists("last_reserved_ip.0"));
}

static void count_free(void **state)
{
	cleanup_store struct lease_store s = opened();
	struct err e = {0};
	unsigned count;

	(void)state;
	put("10.1.2.2", "c1\r\neth0");
	put("10.1.2.3", "");
	assert_int_equal(lease_free(&s, &net24, 1000, &count, &e), 0);
	assert_int_equal(count, 252);
	assert_int_equal(lease_free(&s, &net24, 10, &count, &e), 0);
	assert_int_equal(count, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEASE_TEST(release_is_exact),
		LEASE_TEST(a_container_named_like_an_address),
		LEASE_TEST(hints),
		LEASE_TEST(take_after_release_in_one_store),
		LEASE_TEST(litter_is_left_until_somebody_looks),
		LEASE_TEST(find),
		LEASE_TEST(each),
		LEASE_TEST(count_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
