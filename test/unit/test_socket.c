/* netlink/socket: conversations with the kernel, in a network namespace that nothing else is in. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/attr.h"
#include "netlink/socket.h"

static struct nl_batch b;
static struct nl_sock s;
static struct err e;

static int enter_namespace(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET) ? -1 : 0;
}

static int open_socket(void **state)
{
	(void)state;
	err_clear(&e);
	nl_batch_init(&b);
	return nl_open(&s, NETLINK_ROUTE, &e);
}

static int close_socket(void **state)
{
	(void)state;
	nl_close(&s);
	return s.fd == -1 ? 0 : -1;
}

/* One line per link, in the order of the answers. */
struct seen {
	unsigned count;
	unsigned op[64];
	char name[64][IFNAMSIZ];
	unsigned stop_at; /* 0: never */
};

static int see(const struct nlmsghdr *h, unsigned op, void *arg, struct err *err)
{
	const struct nlattr *tb[IFLA_MAX + 1];
	struct seen *seen = arg;

	assert_int_equal(h->nlmsg_type, RTM_NEWLINK);
	assert_true(seen->count < 64);
	nl_attrs_of(tb, IFLA_MAX, h, sizeof(struct ifinfomsg));
	seen->op[seen->count] = op;
	snprintf(seen->name[seen->count++], IFNAMSIZ, "%s", nl_get_str(tb[IFLA_IFNAME]));
	if (seen->count == seen->stop_at)
		return err_set(err, ERR_STATE, NULL, "seen enough");
	return 0;
}

static void put_link(const char *label, uint16_t type, uint16_t flags, const char *name)
{
	const struct ifinfomsg head = {0};

	nl_op(&b, label, type, flags);
	nl_head(&b, &head, sizeof(head));
	if (name)
		nl_str(&b, IFLA_IFNAME, name);
}

static void create_bridge(const char *name)
{
	put_link("create bridge", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name);
	nl_nest(&b, IFLA_LINKINFO)
		nl_str(&b, IFLA_INFO_KIND, "bridge");
}

static void delete_link(const char *name)
{
	nl_batch_init(&b);
	put_link("delete link", RTM_DELLINK, 0, name);
	if (nl_apply(&s, &b, &e))
		fail_msg("%s", e.msg);
}

static void test_apply_and_dump(void **state)
{
	struct seen seen = {0};

	(void)state;
	create_bridge("br1");
	create_bridge("br2");
	assert_int_equal(nl_apply(&s, &b, &e), 0);
	nl_batch_init(&b);
	put_link("list links", RTM_GETLINK, NLM_F_DUMP, NULL);
	assert_int_equal(nl_dump(&s, &b, see, &seen, &e), 0);
	assert_true(seen.count >= 3);
	assert_string_equal(seen.name[0], "lo");
	assert_string_equal(seen.name[seen.count - 2], "br1");
	assert_string_equal(seen.name[seen.count - 1], "br2");
	delete_link("br1");
	delete_link("br2");
}

/* The first refusal is reported with its label, the kernel's words and errno. */
static void test_refusal(void **state)
{
	(void)state;
	create_bridge("br1");
	put_link("set nothing", RTM_NEWLINK, 0, "missing");
	create_bridge("br2");
	assert_int_equal(nl_apply(&s, &b, &e), -1);
	assert_int_equal(e.code, ERR_KERNEL);
	assert_int_equal(e.sys, ENODEV);
	assert_true(strncmp(e.msg, "set nothing: ", 13) == 0);
	assert_non_null(strstr(e.msg, strerror(ENODEV)));
	/* The answer to br2 is still in the socket; it is not taken for that to the next batch. */
	err_clear(&e);
	delete_link("br1");
	delete_link("br2");

	nl_batch_init(&b);
	put_link("create link", RTM_NEWLINK, NLM_F_CREATE, "x1");
	nl_nest(&b, IFLA_LINKINFO)
		nl_str(&b, IFLA_INFO_KIND, "no such kind");
	assert_int_equal(nl_apply(&s, &b, &e), -1);
	assert_int_equal(e.sys, EOPNOTSUPP);
	assert_true(strncmp(e.msg, "create link: Unknown device type: ", 34) == 0);
	assert_string_equal(e.msg + 34, strerror(EOPNOTSUPP));
}

/* With words of the kernel's own in the answer, behind the request's copy and without it. */
static void test_kernel_words_with_a_copy_of_the_request(void **state)
{
	const int zero = 0;

	(void)state;
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_CAP_ACK, &zero, sizeof(zero)), 0);
	put_link("create link", RTM_NEWLINK, NLM_F_CREATE, "x1");
	nl_nest(&b, IFLA_LINKINFO)
		nl_str(&b, IFLA_INFO_KIND, "no such kind");
	assert_int_equal(nl_apply(&s, &b, &e), -1);
	assert_non_null(strstr(e.msg, "Unknown device type"));
}

static void test_ask(void **state)
{
	struct seen seen = {0};

	(void)state;
	put_link("look at missing", RTM_GETLINK, 0, "missing");
	put_link("look at lo", RTM_GETLINK, 0, "lo");
	put_link("look at missing", RTM_GETLINK, 0, "missing2");
	put_link("look at lo", RTM_GETLINK, 0, "lo");
	put_link("look at missing", RTM_GETLINK, 0, "missing3");
	assert_int_equal(nl_ask(&s, &b, see, &seen, &e), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.op[0], 1);
	assert_int_equal(seen.op[1], 3);
	assert_string_equal(seen.name[0], "lo");
}

static void test_ask_malformed_question(void **state)
{
	struct seen seen = {0};

	(void)state;
	nl_op(&b, "look at nothing", RTM_GETLINK, 0);
	nl_head(&b, &(struct rtgenmsg){0}, sizeof(struct rtgenmsg)); /* half of what it takes */
	assert_int_equal(nl_ask(&s, &b, see, &seen, &e), -1);
	assert_int_equal(e.code, ERR_KERNEL);
	assert_int_equal(e.sys, EINVAL);
	assert_int_equal(seen.count, 0);
}

/* each() stops a dump; the rest of it is not taken for the answer to what comes next. */
static void test_stop_midway(void **state)
{
	struct seen seen = {.stop_at = 1}, later = {0};

	(void)state;
	create_bridge("br1");
	assert_int_equal(nl_apply(&s, &b, &e), 0);
	nl_batch_init(&b);
	put_link("list links", RTM_GETLINK, NLM_F_DUMP, NULL);
	assert_int_equal(nl_dump(&s, &b, see, &seen, &e), -1);
	assert_string_equal(e.msg, "seen enough");
	assert_int_equal(seen.count, 1);
	err_clear(&e);
	nl_batch_init(&b);
	put_link("look at br1", RTM_GETLINK, 0, "br1");
	assert_int_equal(nl_ask(&s, &b, see, &later, &e), 0);
	assert_int_equal(later.count, 1);
	assert_string_equal(later.name[0], "br1");
	delete_link("br1");
}

/* A dump of several datagrams, stopped in the first: the kernel allows no other before its end. */
static void test_stop_midway_of_a_long_dump(void **state)
{
	struct seen seen = {.stop_at = 1}, later = {0};

	(void)state;
	for (int i = 0; i < 50; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "br%d", i);
		create_bridge(name);
	}
	assert_int_equal(nl_apply(&s, &b, &e), 0);
	nl_batch_init(&b);
	put_link("list links", RTM_GETLINK, NLM_F_DUMP, NULL);
	assert_int_equal(nl_dump(&s, &b, see, &seen, &e), -1);
	assert_string_equal(e.msg, "seen enough");
	err_clear(&e);
	nl_batch_init(&b);
	put_link("list links", RTM_GETLINK, NLM_F_DUMP, NULL);
	if (nl_dump(&s, &b, see, &later, &e))
		fail_msg("%s", e.msg);
	assert_true(later.count > 50);
	for (int i = 0; i < 50; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "br%d", i);
		delete_link(name);
	}
}

/* Receiving has failed, and the dump stands still: the kernel would answer the next one EBUSY. */
static void test_a_dump_that_was_given_up(void **state)
{
	const struct {
		struct nlmsghdr h;
		struct ifinfomsg head;
	} question = {.h = {sizeof(question), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 0, 0}};
	struct seen seen = {0};

	(void)state;
	assert_int_equal(send(s.fd, &question, sizeof(question), 0), sizeof(question));
	s.unread = true;
	put_link("list links", RTM_GETLINK, NLM_F_DUMP, NULL);
	if (nl_dump(&s, &b, see, &seen, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(seen.name[0], "lo");
	assert_false(s.unread);
}

static void test_faulty_batches_are_not_sent(void **state)
{
	static const char text[NL_BATCH_BYTES];

	(void)state;
	assert_int_equal(nl_apply(&s, &b, &e), -1);
	assert_int_equal(e.code, ERR_INTERNAL);
	err_clear(&e);
	create_bridge("br1");
	put_link("too long", RTM_NEWLINK, 0, "x");
	nl_put(&b, 1, text, sizeof(text));
	assert_int_equal(nl_apply(&s, &b, &e), -1);
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_string_equal(e.msg, "too long: the message is too long");
	assert_int_equal(if_nametoindex("br1"), 0);
}

static void test_announcements(void **state)
{
	static _Alignas(8) unsigned char answer[NL_ANSWER_BYTES];
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)answer;
	struct nl_sock watch;

	(void)state;
	assert_int_equal(nl_open_groups(&watch, NETLINK_ROUTE, RTMGRP_LINK, &e), 0);
	assert_int_equal(nl_receive(&watch, answer, 0, &e), 0);
	create_bridge("br1");
	assert_int_equal(nl_apply(&s, &b, &e), 0);
	assert_true(nl_receive(&watch, answer, 5000, &e) >= (long)sizeof(*h));
	assert_int_equal(h->nlmsg_type, RTM_NEWLINK);
	delete_link("br1");
	do
		assert_true(nl_receive(&watch, answer, 5000, &e) >= (long)sizeof(*h));
	while (h->nlmsg_type != RTM_DELLINK);
	nl_close(&watch);
}

static void test_descriptors(void **state)
{
	struct nl_sock bad = {.fd = 7};

	(void)state;
	assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(nl_open(&bad, 999, &e), -1);
	assert_int_equal(bad.fd, -1);
	assert_int_equal(e.code, ERR_KERNEL);
	nl_close(&bad);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_socket, close_socket)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_apply_and_dump),
		TEST(test_refusal),
		TEST(test_kernel_words_with_a_copy_of_the_request),
		TEST(test_ask),
		TEST(test_ask_malformed_question),
		TEST(test_stop_midway),
		TEST(test_stop_midway_of_a_long_dump),
		TEST(test_a_dump_that_was_given_up),
		TEST(test_faulty_batches_are_not_sent),
		TEST(test_announcements),
		TEST(test_descriptors),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
