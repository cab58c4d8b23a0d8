/* netlink/batch: the very bytes that ip and nft send, and faults that stick. */
#include "unit.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include "golden.h"
#include "netlink/attr.h"
#include "netlink/batch.h"

static struct nl_batch b;

static int reset(void **state)
{
	(void)state;
	/* Whatever is in the buffer from before, a message has only what was put in it. */
	memset(&b, 0xa5, sizeof(b));
	nl_batch_init(&b);
	return 0;
}

/* Finish the batch and compare it with the recorded one; sequence numbers are the sender's own. */
static void assert_golden(const char *name)
{
	static _Alignas(8) unsigned char want[NL_BATCH_BYTES];
	size_t n = golden_read(name, want, sizeof(want));
	unsigned op;

	assert_null(nl_batch_finish(&b, &op));
	for (size_t at = 0; at < n;) {
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)(want + at);

		h->nlmsg_seq = 0;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	assert_int_equal(b.len, n);
	assert_memory_equal(b.buf, want, n);
}

static void test_address(void **state)
{
	const struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 11};
	const uint8_t ip[] = {10, 244, 0, 2};

	(void)state;
	nl_op(&b, "add address", RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	nl_head(&b, &head, sizeof(head));
	nl_put(&b, IFA_LOCAL, ip, sizeof(ip));
	nl_put(&b, IFA_ADDRESS, ip, sizeof(ip));
	assert_golden("address");
}

static void test_address6(void **state)
{
	const struct ifaddrmsg head = {.ifa_family = AF_INET6,
				       .ifa_prefixlen = 64,
				       .ifa_flags = IFA_F_NODAD,
				       .ifa_index = 11};
	struct in6_addr ip;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "fd00::2", &ip), 1);
	nl_op(&b, "add address", RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	nl_head(&b, &head, sizeof(head));
	nl_put(&b, IFA_LOCAL, &ip, sizeof(ip));
	nl_put(&b, IFA_ADDRESS, &ip, sizeof(ip));
	assert_golden("address6");
}

static void test_route(void **state)
{
	const struct rtmsg head = {.rtm_family = AF_INET,
				   .rtm_table = RT_TABLE_MAIN,
				   .rtm_protocol = RTPROT_BOOT,
				   .rtm_scope = RT_SCOPE_UNIVERSE,
				   .rtm_type = RTN_UNICAST};

	(void)state;
	nl_op(&b, "add route", RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	nl_head(&b, &head, sizeof(head));
	nl_be32(&b, RTA_GATEWAY, 0x0af40001);
	nl_u32(&b, RTA_OIF, 11);
	assert_golden("route");
}

/* Six bytes of payload: padded to eight, the length says ten. */
static void test_neighbour(void **state)
{
	const struct ndmsg head = {
		.ndm_family = AF_INET, .ndm_ifindex = 11, .ndm_state = NUD_PERMANENT};
	const uint8_t mac[] = {0x0a, 0x58, 0x0a, 0xf4, 0, 9};

	(void)state;
	nl_op(&b, "add neighbour", RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	nl_head(&b, &head, sizeof(head));
	nl_be32(&b, NDA_DST, 0x0af40009);
	nl_put(&b, NDA_LLADDR, mac, sizeof(mac));
	assert_golden("neighbour");
}

/* ip does not mark these nests as such, though the kernel allows it: take the marks away. */
static void unmark(const struct nlattr *a)
{
	assert_non_null(a);
	assert_true(a->nla_type & NLA_F_NESTED);
	((struct nlattr *)(uintptr_t)a)->nla_type &= (uint16_t)~NLA_F_NESTED;
}

static void test_veth_pair(void **state)
{
	const struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	const struct ifinfomsg none = {0};
	const uint8_t mac[] = {0x0a, 0x58, 0x0a, 0xf4, 0, 2};
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data[VETH_INFO_MAX + 1];
	unsigned op;

	(void)state;
	nl_op(&b, "create veth pair", RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	nl_head(&b, &up, sizeof(up));
	nl_u32(&b, IFLA_MTU, 1460);
	nl_u32(&b, IFLA_MASTER, 10);
	nl_str(&b, IFLA_IFNAME, "veth0");
	nl_nest(&b, IFLA_LINKINFO) {
		nl_put(&b, IFLA_INFO_KIND, "veth", 4); /* ip leaves out the NUL here */
		nl_nest(&b, IFLA_INFO_DATA) {
			nl_nest(&b, VETH_INFO_PEER) {
				nl_head(&b, &none, sizeof(none));
				nl_put(&b, IFLA_ADDRESS, mac, sizeof(mac));
				nl_u32(&b, IFLA_MTU, 1460);
				nl_u32(&b, IFLA_NET_NS_FD, 4);
				nl_str(&b, IFLA_IFNAME, "eth0");
			}
		}
	}
	assert_null(nl_batch_finish(&b, &op));
	nl_attrs_of(tb, IFLA_MAX, (struct nlmsghdr *)(void *)b.buf, sizeof(up));
	nl_attrs_in(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO]);
	nl_attrs_in(data, VETH_INFO_MAX, info[IFLA_INFO_DATA]);
	unmark(tb[IFLA_LINKINFO]);
	unmark(info[IFLA_INFO_DATA]);
	unmark(data[VETH_INFO_PEER]);
	assert_golden("link-veth");
}

static void put_expression(const char *name)
{
	nl_str(&b, NFTA_EXPR_NAME, name);
}

/* Three messages, nests six deep: nft add rule ip box forward ip saddr 10.244.0.0/16 ... */
static void test_rule(void **state)
{
	const struct nfgenmsg batch = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
	const struct nfgenmsg ip = {.nfgen_family = NFPROTO_IPV4};
	const uint16_t new_rule = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE;
	const uint8_t net[] = {10, 244};

	(void)state;
	nl_op(&b, "begin", NFNL_MSG_BATCH_BEGIN, 0);
	nl_head(&b, &batch, sizeof(batch));
	nl_op(&b, "add rule", new_rule, NLM_F_CREATE | NLM_F_APPEND);
	nl_head(&b, &ip, sizeof(ip));
	nl_str(&b, NFTA_RULE_TABLE, "box");
	nl_str(&b, NFTA_RULE_CHAIN, "forward");
	nl_nest(&b, NFTA_RULE_EXPRESSIONS) {
		nl_nest(&b, NFTA_LIST_ELEM) {
			put_expression("payload");
			nl_nest(&b, NFTA_EXPR_DATA) {
				nl_be32(&b, NFTA_PAYLOAD_DREG, NFT_REG_1);
				nl_be32(&b, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
				nl_be32(&b, NFTA_PAYLOAD_OFFSET, 12);
				nl_be32(&b, NFTA_PAYLOAD_LEN, 2);
			}
		}
		nl_nest(&b, NFTA_LIST_ELEM) {
			put_expression("cmp");
			nl_nest(&b, NFTA_EXPR_DATA) {
				nl_be32(&b, NFTA_CMP_SREG, NFT_REG_1);
				nl_be32(&b, NFTA_CMP_OP, NFT_CMP_EQ);
				nl_nest(&b, NFTA_CMP_DATA)
					nl_put(&b, NFTA_DATA_VALUE, net, sizeof(net));
			}
		}
		nl_nest(&b, NFTA_LIST_ELEM) {
			put_expression("counter");
			nl_nest(&b, NFTA_EXPR_DATA) {
			}
		}
		nl_nest(&b, NFTA_LIST_ELEM) {
			put_expression("immediate");
			nl_nest(&b, NFTA_EXPR_DATA) {
				nl_be32(&b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
				nl_nest(&b, NFTA_IMMEDIATE_DATA)
					nl_nest(&b, NFTA_DATA_VERDICT)
						nl_be32(&b, NFTA_VERDICT_CODE, NF_ACCEPT);
			}
		}
	}
	nl_op(&b, "end", NFNL_MSG_BATCH_END, 0);
	nl_head(&b, &batch, sizeof(batch));
	assert_golden("rule");
}

static void test_scalars(void **state)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)b.buf;
	const struct nlattr *tb[8];
	unsigned op;
	size_t len;

	(void)state;
	nl_op(&b, "scalars", 1, 0);
	nl_u8(&b, 1, 0xfe);
	nl_u16(&b, 2, 0x1234);
	nl_u32(&b, 3, 0x12345678);
	nl_be16(&b, 4, 0x1234);
	nl_be32(&b, 5, 0x12345678);
	nl_be64(&b, 6, 0x123456789abcdef0);
	nl_put(&b, 7, NULL, 0);
	assert_null(nl_batch_finish(&b, &op));
	nl_attrs_of(tb, 7, h, 0);
	assert_int_equal(nl_get_u8(tb[1]), 0xfe);
	assert_memory_equal(nl_data(tb[2], &len), &(uint16_t){0x1234}, 2);
	assert_int_equal(nl_get_u32(tb[3]), 0x12345678);
	assert_memory_equal(nl_data(tb[4], &len), "\x12\x34", 2);
	assert_memory_equal(nl_data(tb[5], &len), "\x12\x34\x56\x78", 4);
	assert_memory_equal(nl_data(tb[6], &len), "\x12\x34\x56\x78\x9a\xbc\xde\xf0", 8);
	assert_non_null(nl_data(tb[7], &len));
	assert_int_equal(len, 0);
}

/* Fill the buffer with an attribute of every size in turn: whole messages or a fault, no overrun. */
static void test_full_buffer_sticks(void **state)
{
	static const char text[NL_BATCH_BYTES];

	(void)state;
	for (size_t n = NL_BATCH_BYTES - 80; n <= NL_BATCH_BYTES; n++) {
		size_t room = NL_BATCH_BYTES - sizeof(struct nlmsghdr) - sizeof(struct nlattr);
		const char *fault;
		unsigned op = 9;

		reset(NULL);
		nl_op(&b, "first", 1, 0);
		nl_put(&b, 1, text, n);
		fault = nl_batch_finish(&b, &op);
		assert_int_equal(fault == NULL, n <= room);
		assert_true(b.len <= NL_BATCH_BYTES);
		if (!fault)
			continue;
		assert_string_equal(fault, "the message is too long");
		assert_int_equal(op, 0);
		/* Nothing that comes later makes it good again. */
		nl_op(&b, "second", 1, 0);
		nl_nest(&b, 1)
			nl_u32(&b, 1, 1);
		assert_string_equal(nl_batch_finish(&b, &op), "the message is too long");
		assert_int_equal(op, 0);
	}
}

static void test_fault_names_its_operation(void **state)
{
	static const char text[NL_BATCH_BYTES];
	unsigned op = 9;

	(void)state;
	for (int i = 0; i < 5; i++) {
		nl_op(&b, "operation", 1, 0);
		nl_put(&b, 1, text, i == 3 ? sizeof(text) : 4);
	}
	assert_non_null(nl_batch_finish(&b, &op));
	assert_int_equal(op, 3);
}

static void test_too_many_operations(void **state)
{
	unsigned op = 0;

	(void)state;
	for (int i = 0; i < NL_BATCH_OPS; i++)
		nl_op(&b, "operation", 1, 0);
	assert_null(nl_batch_finish(&b, &op));
	nl_op(&b, "one more", 1, 0);
	assert_string_equal(nl_batch_finish(&b, &op), "too many operations in one batch");
	assert_int_equal(b.ops, NL_BATCH_OPS);
	assert_int_equal(op, NL_BATCH_OPS - 1);
}

static void test_nest_left_open(void **state)
{
	unsigned op = 9;

	(void)state;
	nl_op(&b, "fine", 1, 0);
	nl_op(&b, "leaves by break", 1, 0);
	nl_nest(&b, 1)
		break;
	nl_op(&b, "next", 1, 0);
	assert_string_equal(nl_batch_finish(&b, &op), "an attribute was left open");
	assert_int_equal(op, 1);

	reset(NULL);
	nl_op(&b, "last", 1, 0);
	nl_nest(&b, 1)
		break;
	assert_string_equal(nl_batch_finish(&b, &op), "an attribute was left open");
	assert_int_equal(op, 0);
}

static void nest(unsigned levels)
{
	if (levels == 0)
		nl_u32(&b, 1, 1);
	else
		nl_nest(&b, 1)
			nest(levels - 1);
}

static void test_nesting_depth(void **state)
{
	unsigned op = 9;

	(void)state;
	nl_op(&b, "deep", 1, 0);
	nest(NL_NEST_MAX);
	assert_null(nl_batch_finish(&b, &op));
	nl_op(&b, "too deep", 1, 0);
	nest(NL_NEST_MAX + 3);
	assert_string_equal(nl_batch_finish(&b, &op), "attributes are nested too deeply");
	assert_int_equal(op, 1);
}

static void test_empty(void **state)
{
	unsigned op = 9;

	(void)state;
	assert_null(nl_batch_finish(&b, &op));
	assert_int_equal(b.len, 0);
	assert_int_equal(op, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_address),
		TEST(test_address6),
		TEST(test_route),
		TEST(test_neighbour),
		TEST(test_veth_pair),
		TEST(test_rule),
		TEST(test_scalars),
		TEST(test_full_buffer_sticks),
		TEST(test_fault_names_its_operation),
		TEST(test_too_many_operations),
		TEST(test_nest_left_open),
		TEST(test_nesting_depth),
		TEST(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
