#include "netfilter/xt_eval.h"

#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "netfilter/xt_layout.h"
#include "netfilter/xt_match.h"

/* NOLINTNEXTLINE(misc-redundant-expression): equal is what they have to be */
_Static_assert((int)IPT_INV_PROTO == (int)IP6T_INV_PROTO, "ABI");

#define DEPTH_MAX 32 /* of jumps that are followed; the kernel's bound is the table's size */

/*
 * Jumps in all: chains that jump twice into the next one, which jumps twice ... are a table of a few
 * lines and a walk without end. Where it is cut short, nothing is certain.
 */
#define JUMPS_MAX 2000

struct walk {
	const struct xt_table *t;
	unsigned hook;
	struct packet packet;
	struct verdict *verdict;
	bool doubt;  /* an earlier rule may have let the packet pass */
	bool unsure; /* this may be a place that the packet does not come to */
	unsigned jumps;
};

/* How a chain ends: the packet goes on in the one before, is let pass here, or is stopped. */
enum flow { FLOW_ON, FLOW_ACCEPTED, FLOW_STOPPED };

/* --- the fields of an entry ------------------------------------------------------------------- */

/* What stands in both of struct ipt_ip and ip6t_ip6, by offsets from the entry. */
struct head {
	const unsigned char *source, *destination, *source_mask, *destination_mask;
	const char *iif, *oif;
	const unsigned char *iif_mask, *oif_mask;
	uint16_t proto;
	uint8_t flags, inverted;
};

static struct head head_of(const struct xt_table *t, uint32_t at)
{
	const struct xt_layout *l = xt_layout(t);
	const unsigned char *entry = t->entries + at;
	const unsigned char *names = entry + l->interface;

	return (struct head){
		.source = entry,
		.destination = entry + l->address,
		.source_mask = entry + (size_t)l->address * 2,
		.destination_mask = entry + (size_t)l->address * 3,
		.iif = (const char *)names,
		.oif = (const char *)names + IFNAMSIZ,
		.iif_mask = names + (size_t)IFNAMSIZ * 2,
		.oif_mask = names + (size_t)IFNAMSIZ * 3,
		.proto = xt_u16(t, at + l->proto),
		.flags = entry[l->flags],
		.inverted = entry[l->flags + 1],
	};
}

static const char *target_of(const struct xt_table *t, uint32_t at, const void **data, size_t *n,
			     unsigned *revision)
{
	const unsigned char *target = t->entries + at + xt_target_at(t, at);
	struct xt_entry_target head;

	memcpy(&head, target, sizeof(head));
	*data = target + sizeof(head);
	*n = head.u.target_size - sizeof(head);
	*revision = head.u.user.revision;
	return (const char *)target + offsetof(struct xt_entry_target, u.user.name);
}

/* --- conditions ------------------------------------------------------------------------------- */

static bool address_holds(const struct ip *ip, const unsigned char *value,
			  const unsigned char *mask)
{
	for (size_t i = 0; i < ip_size(ip); i++)
		if ((ip->b[i] ^ value[i]) & mask[i])
			return false;
	return true;
}

static bool interface_holds(const char *name, const char *value, const unsigned char *mask)
{
	char padded[IFNAMSIZ] = "";

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	for (size_t i = 0; i < sizeof(padded); i++)
		if ((padded[i] ^ value[i]) & mask[i])
			return false;
	return true;
}

static bool head_holds(const struct xt_table *t, const struct head *h, const struct packet *p)
{
	uint8_t fragments = t->family == 4 ? IPT_F_FRAG : 0;

	return address_holds(&p->source, h->source, h->source_mask) !=
		       (bool)(h->inverted & IPT_INV_SRCIP) &&
	       address_holds(&p->destination, h->destination, h->destination_mask) !=
		       (bool)(h->inverted & IPT_INV_DSTIP) &&
	       interface_holds(p->iif, h->iif, h->iif_mask) !=
		       (bool)(h->inverted & IPT_INV_VIA_IN) &&
	       interface_holds(p->oif, h->oif, h->oif_mask) !=
		       (bool)(h->inverted & IPT_INV_VIA_OUT) &&
	       (!h->proto ||
		(h->proto == packet_protocol(p)) != (bool)(h->inverted & IPT_INV_PROTO)) &&
	       /* Only the first fragment is thought of. */
	       (!(h->flags & fragments) || h->inverted & IPT_INV_FRAG);
}

static enum answer entry_holds(const struct xt_table *t, uint32_t at, const struct packet *p)
{
	struct head h = head_of(t, at);
	enum answer a = ANSWER_YES;

	if (!head_holds(t, &h, p))
		return ANSWER_NO;
	for (uint32_t m = xt_layout(t)->head; m < xt_target_at(t, at);) {
		const unsigned char *bytes = t->entries + at + m;
		struct xt_entry_match match;

		memcpy(&match, bytes, sizeof(match));
		match.u.user.name[sizeof(match.u.user.name) - 1] = '\0';
		a = answer_and(a, xt_match_holds(p, match.u.user.name, match.u.user.revision,
						 bytes + sizeof(match),
						 match.u.match_size - sizeof(match)));
		m += match.u.match_size;
	}
	return a;
}

/* --- text ------------------------------------------------------------------------------------- */

struct line {
	char *out;
	size_t size, n;
};

static void add(struct line *l, const char *fmt, ...) print_format(2, 3);
static void add(struct line *l, const char *fmt, ...)
{
	va_list ap;

	if (l->n >= l->size)
		return;
	va_start(ap, fmt);
	l->n += (size_t)vsnprintf(l->out + l->n, l->size - l->n, fmt, ap);
	va_end(ap);
}

static void add_address(struct line *l, const struct xt_table *t, const char *option,
			const unsigned char *value, const unsigned char *mask, bool negated)
{
	struct prefix p = {.ip.family = t->family};
	int bits = nft_mask_bits(mask, ip_size(&p.ip));
	char text[PREFIX_TEXT];

	if (bits == 0 && !negated)
		return;
	memcpy(p.ip.b, value, ip_size(&p.ip));
	p.len = (uint8_t)(bits < 0 ? 0 : bits);
	add(l, " %s%s %s%s", negated ? "! " : "", option, prefix_format(text, &p),
	    bits < 0 ? " (odd mask)" : "");
}

/* A mask that does not reach the name's end: it is the begin of names. */
static void add_interface(struct line *l, const char *option, const char *name,
			  const unsigned char *mask, bool negated)
{
	size_t n = 0;

	while (n < IFNAMSIZ && mask[n])
		n++;
	if (n)
		add(l, " %s%s %.*s%s", negated ? "! " : "", option, (int)strnlen(name, n), name,
		    memchr(name, 0, n) ? "" : "+");
}

static void add_protocol(struct line *l, const struct head *h)
{
	static const struct {
		uint16_t number;
		const char *name;
	} known[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "ipv6-icmp"}, {132, "sctp"}};
	const char *not = h->inverted & IPT_INV_PROTO ? "! " : "";

	if (!h->proto)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].number == h->proto) {
			add(l, " %s-p %s", not, known[i].name);
			return;
		}
	}
	add(l, " %s-p %u", not, h->proto);
}

/* The name of the chain that begins at an offset: it stands in the entry before, as an error. */
static void name_chain(char name[static FATE_CHAIN], const struct xt_table *t, unsigned hook,
		       uint32_t begin)
{
	static const char *const hooks[XT_HOOKS] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT",
						    "POSTROUTING"};
	unsigned revision;
	const void *data;
	size_t n;

	snprintf(name, FATE_CHAIN, "%s", hooks[hook]);
	for (uint32_t at = 0; begin != t->begin[hook] && at < t->size; at = xt_next(t, at)) {
		if (xt_next(t, at) != begin)
			continue;
		if (strcmp(target_of(t, at, &data, &n, &revision), XT_ERROR_TARGET) == 0)
			snprintf(name, FATE_CHAIN, "%.*s", (int)strnlen(data, n),
				 (const char *)data);
		return;
	}
}

static void add_target(struct line *l, const struct xt_table *t, uint32_t at)
{
	uint8_t flags = t->entries[at + xt_layout(t)->flags];
	char chain[FATE_CHAIN];
	unsigned revision;
	const void *data;
	const char *name;
	int32_t verdict;
	size_t n;

	name = target_of(t, at, &data, &n, &revision);
	if (!xt_verdict(t, at, &verdict)) {
		add(l, " -j %s", name);
	} else if (verdict >= 0) {
		if ((uint32_t)verdict == xt_next(t, at))
			return;
		name_chain(chain, t, NF_INET_FORWARD, (uint32_t)verdict);
		add(l, " -%c %s", flags & xt_layout(t)->goto_flag ? 'g' : 'j', chain);
	} else {
		add(l, " -j %s",
		    verdict == XT_RETURN	? "RETURN"
		    : verdict == -1 - NF_ACCEPT ? "ACCEPT"
		    : verdict == -1 - NF_DROP	? "DROP"
						: "QUEUE");
	}
}

void xt_text(char *out, size_t size, const struct xt_table *t, const char *chain, uint32_t at)
{
	struct line l = {.out = out, .size = size};
	struct head h = head_of(t, at);

	add(&l, "-A %s", chain);
	add_address(&l, t, "-s", h.source, h.source_mask, h.inverted & IPT_INV_SRCIP);
	add_address(&l, t, "-d", h.destination, h.destination_mask, h.inverted & IPT_INV_DSTIP);
	add_interface(&l, "-i", h.iif, h.iif_mask, h.inverted & IPT_INV_VIA_IN);
	add_interface(&l, "-o", h.oif, h.oif_mask, h.inverted & IPT_INV_VIA_OUT);
	add_protocol(&l, &h);
	if (t->family == 4 && h.flags & IPT_F_FRAG)
		add(&l, " %s-f", h.inverted & IPT_INV_FRAG ? "! " : "");
	for (uint32_t m = xt_layout(t)->head; m < xt_target_at(t, at);) {
		struct xt_entry_match match;

		memcpy(&match, t->entries + at + m, sizeof(match));
		match.u.user.name[sizeof(match.u.user.name) - 1] = '\0';
		add(&l, " -m %s", match.u.user.name);
		m += match.u.match_size;
	}
	add_target(&l, t, at);
}

/* --- the walk --------------------------------------------------------------------------------- */

static void note_rule(struct walk *w, uint32_t begin, uint32_t at, enum fate fate, bool sure)
{
	struct verdict *v = w->verdict;
	bool certain = sure && !w->doubt && !w->unsure;
	struct nft_rule rule;

	if (v->fate != FATE_PASS && !certain)
		return;
	*v = (struct verdict){.fate = fate, .certain = certain, .legacy = true, .handle = 1};
	name_chain(v->base, w->t, w->hook, w->t->begin[w->hook]);
	name_chain(v->chain, w->t, w->hook, begin);
	xt_text(v->rule, sizeof(v->rule), w->t, v->chain, at);
	xt_read(&rule, w->t, w->hook, at);
	v->unconditional = nft_rule_unconditional(&rule) && begin == w->t->begin[w->hook];
	for (uint32_t i = begin; i < at; i = xt_next(w->t, i))
		v->handle++;
}

static enum flow walk_chain(struct walk *w, uint32_t begin, unsigned depth);

static enum flow enter(struct walk *w, uint32_t begin, bool sure, unsigned depth)
{
	bool unsure = w->unsure;
	enum flow flow;

	if (depth == DEPTH_MAX || w->jumps++ >= JUMPS_MAX) {
		w->doubt = true;
		return FLOW_ON;
	}
	w->unsure |= !sure;
	flow = walk_chain(w, begin, depth + 1);
	w->unsure = unsure;
	if (sure)
		return flow;
	w->doubt |= flow == FLOW_ACCEPTED;
	return FLOW_ON;
}

/* A target that is no verdict. */
static bool apply_extension(struct walk *w, uint32_t begin, uint32_t at, bool sure)
{
	struct packet before = w->packet;
	unsigned revision;
	const void *data;
	size_t n;
	const char *name = target_of(w->t, at, &data, &n, &revision);

	if (strcmp(name, XT_ERROR_TARGET) == 0) /* the end of the table, or of a chain */
		return true;
	switch (xt_target_effect(&w->packet, name, revision, data, n)) {
	case XT_GOES_ON:
		if (!sure && w->packet.mark != before.mark)
			w->packet.mark_known = false;
		return false;
	case XT_REJECTS:
		note_rule(w, begin, at, FATE_REJECT, sure);
		return sure;
	case XT_TRANSLATES:
		note_rule(w, begin, at, FATE_NAT, sure);
		return sure;
	case XT_UNKNOWN:
		w->doubt = true;
		return false;
	}
	return false;
}

/* The policy: a rule that may stop the packet says more than one that may. */
static void apply_policy(struct walk *w, uint32_t begin, uint32_t at, int32_t verdict)
{
	if (verdict != -1 - NF_DROP || (w->verdict->fate != FATE_PASS && w->doubt))
		return;
	w->unsure = false; /* every way leads here */
	note_rule(w, begin, at, FATE_DROP, true);
	w->verdict->by_policy = true;
	w->verdict->unconditional = false;
	w->verdict->handle = 0;
	*w->verdict->rule = '\0';
}

/* One entry: true when the chain is over, with *flow how. */
static bool apply(struct walk *w, uint32_t begin, uint32_t at, unsigned depth, enum flow *flow)
{
	enum answer a = entry_holds(w->t, at, &w->packet);
	bool sure = a == ANSWER_YES;
	int32_t verdict;

	if (a == ANSWER_NO)
		return false;
	*flow = FLOW_STOPPED;
	if (!xt_verdict(w->t, at, &verdict))
		return apply_extension(w, begin, at, sure);
	if (at == w->t->policy[w->hook]) {
		apply_policy(w, begin, at, verdict);
		return true;
	}
	if (verdict == -1 - NF_DROP) {
		note_rule(w, begin, at, FATE_DROP, sure);
		return sure;
	}
	*flow = FLOW_ON;
	if (verdict == XT_RETURN) {
		w->unsure |= !sure;
		return sure;
	}
	if (verdict < 0) { /* ACCEPT; or QUEUE, of which nobody knows */
		*flow = FLOW_ACCEPTED;
		w->doubt |= !sure;
		return sure;
	}
	if ((uint32_t)verdict == xt_next(w->t, at))
		return false;
	*flow = enter(w, (uint32_t)verdict, sure, depth);
	if (*flow != FLOW_ON ||
	    !(w->t->entries[at + xt_layout(w->t)->flags] & xt_layout(w->t)->goto_flag))
		return *flow != FLOW_ON;
	w->unsure |= !sure; /* -g */
	return sure;
}

static enum flow walk_chain(struct walk *w, uint32_t begin, unsigned depth)
{
	uint32_t policy = w->t->policy[w->hook];
	enum flow flow;

	for (uint32_t at = begin; at < w->t->size; at = xt_next(w->t, at)) {
		flow = FLOW_ON;
		if (!apply(w, begin, at, depth, &flow))
			continue;
		/* A return in the hook's own chain leads to its policy. */
		if (flow == FLOW_ON && depth == 0 && at < policy)
			at = policy, apply(w, begin, at, depth, &flow);
		return flow;
	}
	return FLOW_ON;
}

void xt_eval(const struct xt_table *t, unsigned hook, const struct packet *p, struct verdict *v)
{
	struct walk w = {.t = t, .hook = hook, .packet = *p, .verdict = v};
	uint32_t policy = t->policy[hook];
	int32_t verdict;

	*v = (struct verdict){.fate = FATE_PASS, .certain = true, .legacy = true};
	if (walk_chain(&w, t->begin[hook], 0) != FLOW_ACCEPTED || !w.unsure)
		return;
	/* Accepted, unless an earlier rule has sent it to the policy. */
	w.doubt = true;
	if (xt_verdict(t, policy, &verdict))
		apply_policy(&w, t->begin[hook], policy, verdict);
}
