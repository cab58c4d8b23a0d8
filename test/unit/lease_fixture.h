/*
 * Pools to take leases from, in the store of store_fixture.h, and words for taking and releasing.
 */
#ifndef LEASE_FIXTURE_H
#define LEASE_FIXTURE_H

#include "store_fixture.h"

static struct ip_range range24, range30;
static struct range_set net24, net30; /* 10.1.2.0/24; 10.1.3.0/30, which holds one address */

static const struct lease_owner owner = {"c1", "eth0"};

static int setup(void **state)
{
	net24 = pool(&range24, "10.1.2.0/24", NULL, NULL);
	net30 = pool(&range30, "10.1.3.0/30", NULL, NULL);
	return store_setup(state);
}

/* Take from set 0 for a container, in a store of its own; gives 0 or -1. */
static inline int take(const char *id, enum lease_order order, const char *requested,
		       struct ip *out, struct err *e)
{
	cleanup_store struct lease_store s = opened();
	struct lease_owner who = {id, "eth0"};
	struct ip want;

	if (requested)
		want = ip_of(requested);
	return lease_take(&s, &who, &net24, 0, order, requested ? &want : NULL, out, e);
}

static inline void assert_takes(const char *id, enum lease_order order, const char *requested,
				const char *want)
{
	struct err e = {0};
	struct ip ip;

	if (take(id, order, requested, &ip, &e))
		fail_msg("%s: %s", id, e.msg);
	assert_ip(ip, want);
}

static inline void releases(const char *id, const char *hint)
{
	cleanup_store struct lease_store s = opened();
	struct lease_owner who = {id, "eth0"};
	struct err e = {0};
	struct ip ip;

	if (hint)
		ip = ip_of(hint);
	if (lease_release(&s, &who, &ip, hint != NULL, &e))
		fail_msg("release: %s", e.msg);
}

#define LEASE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, store_teardown)

#endif
