#include "netlink/batch.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>
#include <string.h>

#define ALIGNED(n) (((n) + 3u) & ~(size_t)3u)

void nl_batch_init(struct nl_batch *b)
{
	b->len = 0;
	b->ops = b->depth = b->silent = b->fault_op = 0;
	b->fault = NULL;
	b->removes = false;
}

static void set_fault(struct nl_batch *b, const char *fault)
{
	if (b->fault)
		return;
	b->fault = fault;
	b->fault_op = b->ops ? b->ops - 1 : 0;
}

/* Room for n bytes at the end, which the caller fills, and padding; NULL after a fault. */
static void *grow(struct nl_batch *b, size_t n)
{
	unsigned char *p = b->buf + b->len;

	if (!b->fault && (n > sizeof(b->buf) || ALIGNED(n) > sizeof(b->buf) - b->len))
		set_fault(b, "the message is too long");
	if (b->fault)
		return NULL;
	b->len += ALIGNED(n);
	memset(b->buf + b->len - NLMSG_ALIGNTO, 0, NLMSG_ALIGNTO); /* the padding, at least */
	return p;
}

static void seal_message(struct nl_batch *b)
{
	struct nlmsghdr *h;

	if (b->depth > 0)
		set_fault(b, "an attribute was left open");
	if (b->fault || b->ops == 0)
		return;
	h = (struct nlmsghdr *)(void *)(b->buf + b->start[b->ops - 1]);
	h->nlmsg_len = (uint32_t)(b->len - b->start[b->ops - 1]);
}

void nl_op(struct nl_batch *b, const char *label, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h;

	seal_message(b);
	if (b->ops == NL_BATCH_OPS) {
		set_fault(b, "too many operations in one batch");
		return;
	}
	b->start[b->ops] = (uint32_t)b->len;
	b->label[b->ops] = label;
	b->ops++;
	h = grow(b, sizeof(*h));
	if (!h)
		return;
	*h = (struct nlmsghdr){.nlmsg_type = type,
			       .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST)};
}

void nl_head(struct nl_batch *b, const void *head, size_t n)
{
	void *p = grow(b, n);

	if (p)
		memcpy(p, head, n);
}

void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t n)
{
	struct nlattr *a = grow(b, sizeof(*a) + n);

	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(sizeof(*a) + n);
	if (n)
		memcpy(a + 1, data, n);
}

void nl_str(struct nl_batch *b, uint16_t type, const char *s)
{
	nl_put(b, type, s, strlen(s) + 1);
}

void nl_u8(struct nl_batch *b, uint16_t type, uint8_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_u16(struct nl_batch *b, uint16_t type, uint16_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_u32(struct nl_batch *b, uint16_t type, uint32_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_be16(struct nl_batch *b, uint16_t type, uint16_t v)
{
	nl_u16(b, type, htons(v));
}

void nl_be32(struct nl_batch *b, uint16_t type, uint32_t v)
{
	nl_u32(b, type, htonl(v));
}

void nl_be64(struct nl_batch *b, uint16_t type, uint64_t v)
{
	v = htobe64(v);
	nl_put(b, type, &v, sizeof(v));
}

bool nl_nest_open(struct nl_batch *b, uint16_t type)
{
	if (b->depth >= NL_NEST_MAX) {
		set_fault(b, "attributes are nested too deeply");
	} else {
		b->nest[b->depth] = (uint32_t)b->len;
		nl_put(b, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
	}
	b->depth++;
	return true;
}

bool nl_nest_close(struct nl_batch *b)
{
	struct nlattr *a;

	b->depth--;
	if (b->fault)
		return false;
	a = (struct nlattr *)(void *)(b->buf + b->nest[b->depth]);
	if (b->len - b->nest[b->depth] > UINT16_MAX)
		set_fault(b, "an attribute is too long");
	else
		a->nla_len = (uint16_t)(b->len - b->nest[b->depth]);
	return false;
}

const char *nl_batch_finish(struct nl_batch *b, unsigned *op)
{
	seal_message(b);
	*op = b->fault_op;
	return b->fault;
}
