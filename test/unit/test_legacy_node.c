/*
 * Nodes with legacy iptables: all that node.h makes, where there is no nf_tables; others who change
 * the same tables; their lock.
 */
#include "netns.h"

#include <fcntl.h>
#include <sys/file.h>

#include "netfilter/legacy.h"
#include "node/node.h"

static struct err e;
static struct prefix pods;

static int setup(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	return enter_netns() || !prefix_parse(&pods, "10.244.0.0/16");
}

static void ok(int result)
{
	if (result)
		fail_msg("%s", e.msg);
}

/* Without counters: a link that comes up sends a few packets. */
static const char *saved_rules(void)
{
	return output(
		"for t in ip ip6; do ${t}tables-legacy-save | sed '/^#/d; s/ .[0-9]*:[0-9]*.$//';"
		"done");
}

/* --- a kernel without nf_tables --------------------------------------------------------------- */

static struct pod_network network_of(enum masquerade masquerade)
{
	struct pod_network net = {.name = "mynet", .bridge = "cni0", .masquerade = masquerade};
	static const char *const text[][3] = {{"10.244.0.0/24", "10.244.0.0/16", "10.244.0.1/24"},
					      {"fd00:1::/64", "fd00::/16", "fd00:1::1/64"}};

	for (unsigned i = 0; i < POD_FAMILIES; i++) {
		struct prefix gateway;

		assert_true(prefix_parse(&net.range[i].subnet, text[i][0]));
		assert_true(prefix_parse(&net.range[i].network, text[i][1]));
		assert_true(prefix_parse(&gateway, text[i][2]));
		net.range[i].gateway = gateway.ip;
	}
	return net;
}

static void node_goes_up_and_down(int netfilter)
{
	struct node_sockets s = {.netfilter.fd = netfilter};
	struct pod_network net = network_of(MASQUERADE_ALL);
	struct node_state found;
	const char *before;
	unsigned made, removed;

	run("iptables-legacy -P FORWARD DROP; ip6tables-legacy -P FORWARD DROP;"
	    "iptables-legacy -t nat -N X; ip6tables-legacy -t nat -N X");
	before = saved_rules();
	ok(nl_open(&s.route, NL_ROUTE, &e));
	ok(node_look(&s, &net, &found, &e));
	ok(node_up(&s, &net, &found, &made, &e));
	assert_int_equal(made, found.wanted);
	assert_string_equal(
		output("for t in iptables ip6tables; do $t-legacy -S FORWARD;"
		       "$t-legacy -t nat -S POSTROUTING; done; nft list ruleset 2>/dev/null"),
		"-P FORWARD DROP\n"
		"-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
		"-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"
		"-P POSTROUTING ACCEPT\n"
		"-A POSTROUTING -s 10.244.0.0/24 ! -o cni0 -j MASQUERADE\n"
		"-P FORWARD DROP\n"
		"-A FORWARD -s fd00::/16 -j ACCEPT\n"
		"-A FORWARD -d fd00::/16 -j ACCEPT\n"
		"-P POSTROUTING ACCEPT\n"
		"-A POSTROUTING -s fd00:1::/64 ! -o cni0 -j MASQUERADE\n");
	ok(node_look(&s, &net, &found, &e));
	assert_int_equal(found.missing, 0);
	net.masquerade = MASQUERADE_NONE;
	ok(node_look(&s, &net, &found, &e));
	assert_int_equal(found.missing,
			 NODE_BIT(NODE_MASQUERADE, 0) | NODE_BIT(NODE_MASQUERADE, 1));
	ok(node_up(&s, &net, &found, &made, &e));
	ok(node_look(&s, &net, &found, &e));
	assert_int_equal(found.missing, 0);
	run("ip link del cni0"); /* and with it the alias */
	ok(node_down(&s, &net, &removed, &e));
	assert_int_equal(removed, NODE_BIT(NODE_LEGACY, 0) | NODE_BIT(NODE_LEGACY, 1));
	assert_string_equal(saved_rules(), before);
	nl_close(&s.route);
}

/* A kernel without netfilter's netlink opens no such socket. */
static void test_node_without_netfilter_netlink(void **state)
{
	(void)state;
	node_goes_up_and_down(-1);
}

/* rtnetlink answers these questions with EOPNOTSUPP, as a kernel without nf_tables would. */
static void test_node_without_nf_tables(void **state)
{
	struct nl_sock other;

	(void)state;
	ok(nl_open(&other, NL_ROUTE, &e));
	node_goes_up_and_down(other.fd);
	nl_close(&other);
}

/* --- side by side ----------------------------------------------------------------------------- */

#define ROUNDS 30

static int accept_and_retract(int i)
{
	struct err failure = {0};
	unsigned count;
	char command[256];

	if (i % 2) { /* iptables itself */
		snprintf(
			command, sizeof(command),
			"for n in $(seq %d); do iptables-legacy -w -I FORWARD -s 192.0.2.%d -j LOG &&"
			"iptables-legacy -w -D FORWARD -s 192.0.2.%d -j LOG || exit; done",
			ROUNDS, i, i);
		return system(command);
	}
	for (int n = 0; n < ROUNDS; n++)
		if (legacy_forward_accept(&pods, &count, &failure) || count > 2 ||
		    legacy_forward_retract(&pods, &count, &failure) || count > 2)
			return dprintf(2, "%u: %s\n", count, failure.msg);
	return legacy_forward_accept(&pods, &count, &failure);
}

static void test_many_at_once(void **state)
{
	(void)state;
	run("iptables-legacy -P FORWARD DROP");
	side_by_side(6, accept_and_retract);
	assert_string_equal(output("iptables-legacy -S FORWARD"),
			    "-P FORWARD DROP\n"
			    "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n");
}

/* No directory for the lock: iptables could not work there either, but we can. */
static void test_no_place_for_the_lock(void **state)
{
	unsigned count;

	(void)state;
	run("iptables-legacy -P FORWARD DROP");
	setenv("XTABLES_LOCKFILE", "/run/no/such/lock", 1);
	ok(legacy_forward_accept(&pods, &count, &e));
	assert_int_equal(count, 2);
	setenv("XTABLES_LOCKFILE", "/proc/sys/kernel/ostype", 1); /* where else it is looked for */
	ok(legacy_forward_retract(&pods, &count, &e));
	assert_int_equal(count, 2);
	unsetenv("XTABLES_LOCKFILE");
	run("test -e /run/xtables.lock");
}

static void test_lock_held_for_ever(void **state)
{
	int fd = open("/run/held.lock", O_RDWR | O_CREAT, 0600);
	unsigned count;

	(void)state;
	assert_true(fd >= 0);
	run("iptables-legacy -P FORWARD DROP");
	assert_int_equal(flock(fd, LOCK_EX), 0);
	setenv("XTABLES_LOCKFILE", "/run/held.lock", 1);
	assert_int_equal(legacy_forward_accept(&pods, &count, &e), -1);
	unsetenv("XTABLES_LOCKFILE");
	assert_int_equal(e.code, ERR_TRY_AGAIN);
	assert_string_equal(e.msg, "lock the tables of iptables: others have held /run/held.lock "
				   "for 10 seconds");
	close(fd);
}

#define TEST(f) NETNS_TEST(f, setup, NULL)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_node_without_netfilter_netlink),
		TEST(test_node_without_nf_tables),
		TEST(test_many_at_once),
		TEST(test_no_place_for_the_lock),
		TEST(test_lock_held_for_ever),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
