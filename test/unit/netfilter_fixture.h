/*
 * For unit tests of rules, in the kernel: an nf_tables socket in a network namespace of the test's
 * own, and the error of its calls.
 */
#ifndef UNIT_NETFILTER_FIXTURE_H
#define UNIT_NETFILTER_FIXTURE_H

#include "netns.h"

#include "base/ip.h"
#include "netlink/socket.h"

static struct nl_sock nf;
static struct err e;

static int setup(void **state)
{
	(void)state;
	if (enter_netns())
		return -1;
	memset(&e, 0, sizeof(e));
	return nl_open(&nf, NL_NETFILTER, &e);
}

static int teardown(void **state)
{
	(void)state;
	nl_close(&nf);
	return 0;
}

/* A call that must succeed. */
static inline void ok(int result)
{
	if (result)
		fail_msg("%s", e.msg);
}

/* "10.244.0.0/16" */
static inline struct prefix prefix_of(const char *text)
{
	struct prefix p = {.len = 0};

	assert_true(prefix_parse(&p, text));
	return p;
}

#endif
