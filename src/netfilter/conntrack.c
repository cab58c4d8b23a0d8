#include "netfilter/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netlink/attr.h"

#define UDP 17

/* Flows that are forgotten by one batch; more take another look. Each takes about 100 bytes. */
#define CHUNK 90

void conntrack_add_port(struct conntrack_ports *ports, uint16_t port)
{
	ports->any = true;
	ports->bits[port / 8] |= (uint8_t)(1 << port % 8);
}

bool conntrack_has_port(const struct conntrack_ports *ports, uint16_t port)
{
	return ports->bits[port / 8] & 1 << port % 8;
}

static void begin(struct nl_batch *b, const char *label, unsigned type, uint16_t flags,
		  uint8_t ip_family)
{
	struct nfgenmsg head = {.nfgen_family = nft_family(ip_family), .version = NFNETLINK_V0};

	nl_op(b, label, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags);
	nl_head(b, &head, sizeof(head));
}

bool conntrack_read(struct conntrack_tuple *t, const struct nlmsghdr *h)
{
	const struct nlattr *tb[CTA_TUPLE_ORIG + 1];
	const struct nlattr *tuple[CTA_TUPLE_PROTO + 1];
	const struct nlattr *proto[CTA_PROTO_DST_PORT + 1];
	const uint8_t *port;
	size_t len;

	nl_attrs_of(tb, CTA_TUPLE_ORIG, h, sizeof(struct nfgenmsg));
	nl_attrs_in(tuple, CTA_TUPLE_PROTO, tb[CTA_TUPLE_ORIG]);
	nl_attrs_in(proto, CTA_PROTO_DST_PORT, tuple[CTA_TUPLE_PROTO]);
	port = nl_data(proto[CTA_PROTO_DST_PORT], &len);
	if (!port || len < 2)
		return false;
	t->proto = nl_get_u8(proto[CTA_PROTO_NUM]);
	t->port = (uint16_t)(port[0] << 8 | port[1]);
	return true;
}

struct forgetting {
	uint8_t ip_family;
	const struct conntrack_ports *ports;
	struct nl_batch *change;
	bool more;
};

/* Its tuple, zone and number as they came: nobody else's flow has all of them. */
static void put_deletion(struct nl_batch *b, uint8_t ip_family, const struct nlmsghdr *h)
{
	static const uint16_t wanted[] = {CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID};
	const struct nlattr *tb[CTA_ZONE + 1];

	nl_attrs_of(tb, CTA_ZONE, h, sizeof(struct nfgenmsg));
	begin(b, "forget flow", IPCTNL_MSG_CT_DELETE, NLM_F_ACK, ip_family);
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		size_t len;
		const void *data = nl_data(tb[wanted[i]], &len);

		if (data)
			nl_put(b, tb[wanted[i]]->nla_type, data, len);
	}
}

static int take_flow(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct forgetting *f = arg;
	struct conntrack_tuple t;

	(void)op, (void)e;
	if (!conntrack_read(&t, h) || t.proto != UDP || !conntrack_has_port(f->ports, t.port))
		return 0;
	if (f->change->ops == CHUNK)
		f->more = true;
	else
		put_deletion(f->change, f->ip_family, h);
	return 0;
}

static int forget_some(struct nl_sock *nf, struct forgetting *f, unsigned *forgotten, struct err *e)
{
	struct nl_batch q;

	f->more = false;
	nl_batch_init(f->change);
	nl_batch_init(&q);
	begin(&q, "list flows", IPCTNL_MSG_CT_GET, NLM_F_DUMP, f->ip_family);
	if (nl_dump(nf, &q, take_flow, f, e))
		return nft_unsupported(e) ? 0 : -1;
	if (f->change->ops == 0)
		return 0;
	*forgotten += f->change->ops;
	/* One that has ended meanwhile is answered with ENOENT, which nl_ask passes over. */
	return nl_ask(nf, f->change, NULL, NULL, e);
}

int conntrack_forget_udp(struct nl_sock *nf, uint8_t ip_family, const struct conntrack_ports *ports,
			 unsigned *forgotten, struct err *e)
{
	struct nl_batch change;
	struct forgetting f = {.ip_family = ip_family, .ports = ports, .change = &change};

	*forgotten = 0;
	do {
		if (ports->any && forget_some(nf, &f, forgotten, e))
			return -1;
	} while (f.more);
	return 0;
}
