/* net/qdisc: numbers as tc and the reference have them, messages as tc and ip send them. */
#include "golden.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "base/compiler.h"
#include "net/qdisc.h"
#include "netlink/attr.h"

#define MEGABIT 1000000ull

static const uint32_t psched[3] = {1000, 64, 1000000}; /* of every machine at hand */

static void test_numbers(void **state)
{
	static const struct {
		uint64_t rate, burst; /* bits */
		struct tbf tbf;
	} cases[] = {
		{8 * MEGABIT, 800000, {1000000, 1562500, 125000}},
		{8 * MEGABIT, 8, {1000000, 15, 25001}}, /* 1 us is 15.625 ticks */
		{15, 16, {1, 31250000, 2}},		/* whole bytes; 2 s */
		{1, 8, {1, 15625000, 1}},		/* never none */
		{80000 * MEGABIT, 8000000000, {10000000000, 1562500, 1250000000}},
		{UINT64_MAX, 8, {UINT64_MAX / 8, 0, UINT32_MAX}},
		{8, 34359738359, {1, UINT32_MAX, 4294967294}}, /* no more than there is room for */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tbf tbf = tbf_of_ticks(cases[i].rate, cases[i].burst, psched);

		assert_true(tbf.rate == cases[i].tbf.rate);
		assert_int_equal(tbf.buffer, cases[i].tbf.buffer);
		assert_int_equal(tbf.limit, cases[i].tbf.limit);
	}
}

struct message {
	_Alignas(8) unsigned char bytes[2048];
	size_t len;
};

static const struct nlmsghdr *golden(struct message *m, const char *name)
{
	m->len = golden_read(name, m->bytes, sizeof(m->bytes));
	return (const void *)m->bytes;
}

static const struct nlmsghdr *built(struct nl_batch *b, unsigned op)
{
	unsigned faulty;

	assert_null(nl_batch_finish(b, &faulty));
	return (const void *)(b->buf + b->start[op]);
}

/* The same attributes in the same order; tc leaves the mark of a nest out here and there. */
static void assert_same_attributes(const void *ours, size_t n, const void *theirs, size_t m,
				   unsigned nests)
{
	assert_int_equal(n, m);
	for (size_t at = 0; at < n;) {
		const struct nlattr *a = (const void *)((const char *)ours + at);
		const struct nlattr *b = (const void *)((const char *)theirs + at);

		size_t len = b->nla_len - sizeof(*b);

		/* ip leaves the NUL of a word out here and there. */
		if (a->nla_len == b->nla_len + 1)
			assert_int_equal(((const char *)(a + 1))[len], 0);
		else
			assert_int_equal(a->nla_len, b->nla_len);
		assert_int_equal(nl_type(a), nl_type(b));
		if (a->nla_type & NLA_F_NESTED && nests)
			assert_same_attributes(a + 1, a->nla_len - sizeof(*a), b + 1,
					       b->nla_len - sizeof(*b), nests - 1);
		else
			assert_memory_equal(a + 1, b + 1, len);
		at += (size_t)NLA_ALIGN(a->nla_len);
	}
}

static void assert_same(const struct nlmsghdr *ours, const struct nlmsghdr *theirs, size_t head)
{
	assert_int_equal(ours->nlmsg_type, theirs->nlmsg_type);
	assert_int_equal(ours->nlmsg_len, theirs->nlmsg_len);
	assert_memory_equal(ours + 1, theirs + 1, head);
	assert_same_attributes(
		(const char *)(ours + 1) + head, ours->nlmsg_len - sizeof(*ours) - head,
		(const char *)(theirs + 1) + head, theirs->nlmsg_len - sizeof(*theirs) - head, 8);
}

static void test_redirect_is_tcs(void **state)
{
	struct message m;
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	put_redirect(&b, 11, 13);
	/* tc says 0, and the kernel fills in ffff:, which we say; TCA_KIND is padded alike. */
	assert_same(built(&b, 0), golden(&m, "ingress"), sizeof(struct tcmsg));
	assert_same(built(&b, 1), golden(&m, "redirect"), sizeof(struct tcmsg));
}

static void test_ifb_is_ips(void **state)
{
	static const uint8_t mac[MAC_BYTES] = {0xfe, 1, 2, 3, 4, 5};
	struct message m;
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	put_ifb(&b, "bwp0", 1460, mac);
	assert_same(built(&b, 0), golden(&m, "ifb"), sizeof(struct ifinfomsg));
}

/* tc sends a table beside the numbers. They are those of the kernel's own answer, as we read it. */
static void test_tbf_is_tcs(void **state)
{
	struct tbf want = tbf_of_ticks(8 * MEGABIT, 800000, psched);
	struct qdisc_state theirs = {0}, ours = {0};
	struct message m;
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	put_shape(&b, 11, &want);
	assert_memory_equal(built(&b, 0) + 1, golden(&m, "tbf") + 1, sizeof(struct tcmsg));
	qdisc_read(&ours, 11, built(&b, 0));
	qdisc_read(&theirs, 11, golden(&m, "tbf"));
	assert_true(ours.shaped && theirs.shaped);
	assert_memory_equal(&ours.tbf, &theirs.tbf, sizeof(ours.tbf));
	assert_true(theirs.tbf.rate == 1000000 && theirs.tbf.limit == 125000);
	qdisc_read(&theirs, 12, built(&b, 0));
}

static void test_reading(void **state)
{
	struct tbf fast = {10000000000u, 5, 6};
	struct qdisc_state found = {0};
	struct nl_batch b;
	struct message m;

	(void)state;
	qdisc_read(&found, 12, golden(&m, "tbf")); /* another link's */
	qdisc_read(&found, 11, golden(&m, "ingress"));
	assert_false(found.shaped || found.redirect);
	qdisc_read(&found, 11, golden(&m, "redirect"));
	assert_int_equal(found.redirect, 13);
	nl_batch_init(&b);
	put_shape(&b, 11, &fast);
	put_redirect(&b, 11, 0);
	qdisc_read(&found, 11, built(&b, 0));
	assert_true(found.tbf.rate == 10000000000u);
	qdisc_read(&found, 11, built(&b, 2));
	assert_int_equal(found.redirect, QDISC_GONE);
}

/* Cut at every byte: nothing is read beyond. */
static void test_truncated(void **state)
{
	static const char *const names[] = {"tbf", "redirect"};
	struct message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		golden(&m, names[i]);
		for (size_t n = sizeof(struct nlmsghdr); n < m.len; n++) {
			struct qdisc_state found = {0};
			struct nlmsghdr *cut = test_malloc(n);

			memcpy(cut, m.bytes, n);
			cut->nlmsg_len = (uint32_t)n;
			qdisc_read(&found, 11, cut);
			test_free(cut);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	   cmocka_unit_test(test_redirect_is_tcs),
		cmocka_unit_test(test_ifb_is_ips), cmocka_unit_test(test_tbf_is_tcs),
		cmocka_unit_test(test_reading),	   cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
