/* net/conntrack: reading flows. */
#include "unit.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/compiler.h"
#include "netfilter/conntrack.h"
#include "netfilter/nft.h"

/* What `conntrack -L` was sent for a DNS question: the kernel's order, proto by proto. */
static const struct nlmsghdr *flow(struct nl_batch *b, uint8_t proto, uint16_t port, bool whole)
{
	struct nfgenmsg head = {.nfgen_family = NFPROTO_IPV4};
	unsigned op;

	nl_batch_init(b);
	nl_op(b, "flow", NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0);
	nl_head(b, &head, sizeof(head));
	nl_nest(b, CTA_TUPLE_ORIG) {
		nl_nest(b, CTA_TUPLE_IP) {
			nl_be32(b, CTA_IP_V4_SRC, 0x0a000001);
			nl_be32(b, CTA_IP_V4_DST, 0x0a000002);
		}
		nl_nest(b, CTA_TUPLE_PROTO) {
			nl_u8(b, CTA_PROTO_NUM, proto);
			nl_be16(b, CTA_PROTO_SRC_PORT, 40000);
			if (whole)
				nl_be16(b, CTA_PROTO_DST_PORT, port);
		}
	}
	nl_nest(b, CTA_TUPLE_REPLY)
		nl_nest(b, CTA_TUPLE_PROTO)
			nl_be16(b, CTA_PROTO_DST_PORT, 1);
	assert_null(nl_batch_finish(b, &op));
	return (const void *)b->buf;
}

static void test_tuple(void **state)
{
	struct conntrack_tuple t;
	struct nl_batch b;

	(void)state;
	assert_true(conntrack_read(&t, flow(&b, 17, 53, true)));
	assert_true(t.proto == 17 && t.port == 53);
	assert_true(conntrack_read(&t, flow(&b, 6, 65535, true)));
	assert_true(t.proto == 6 && t.port == 65535);
	assert_false(conntrack_read(&t, flow(&b, 1, 0, false))); /* ICMP has no ports */
}

static void test_ports(void **state)
{
	static struct conntrack_ports ports;
	static const uint16_t some[] = {0, 1, 7, 8, 53, 65535};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		assert_false(conntrack_has_port(&ports, some[i]));
		conntrack_add_port(&ports, some[i]);
		assert_true(conntrack_has_port(&ports, some[i]));
	}
	assert_false(conntrack_has_port(&ports, 2) || conntrack_has_port(&ports, 65534));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tuple),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
