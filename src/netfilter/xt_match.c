#include "netfilter/xt_match.h"

#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_physdev.h>
#include <linux/netfilter/xt_state.h>
#include <string.h>

#include "base/compiler.h"

typedef enum answer match_fn(const struct packet *p, unsigned revision, const void *data, size_t n);

/* Copy the match's structure out of its bytes; false: they are not that long. */
#define TAKE(into, data, n) ((n) >= sizeof(into) && memcpy(&(into), data, sizeof(into)))

static enum answer holds_always(const struct packet *p, unsigned revision, const void *data,
				size_t n)
{
	(void)p, (void)revision, (void)data, (void)n;
	return ANSWER_YES;
}

/* Of a protocol that the packet is not of. */
static enum answer holds_never(const struct packet *p, unsigned revision, const void *data,
			       size_t n)
{
	(void)p, (void)revision, (void)data, (void)n;
	return ANSWER_NO;
}

static enum answer mark_holds(const struct packet *p, unsigned revision, const void *data, size_t n)
{
	struct xt_mark_mtinfo1 m;

	if (revision != 1 || !TAKE(m, data, n) || !p->mark_known)
		return ANSWER_MAYBE;
	return answer_of(((p->mark & m.mask) == m.mark) != (bool)m.invert);
}

static unsigned state_bit(const struct packet *p)
{
	return p->reply ? XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)
			: XT_CONNTRACK_STATE_BIT(IP_CT_NEW);
}

static enum answer state_holds(const struct packet *p, unsigned revision, const void *data,
			       size_t n)
{
	struct xt_state_info m;

	if (revision != 0 || !TAKE(m, data, n) || p->untracked)
		return ANSWER_MAYBE;
	return answer_of(m.statemask & state_bit(p));
}

static enum answer conntrack_holds(const struct packet *p, unsigned revision, const void *data,
				   size_t n)
{
	const unsigned only_state = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS;
	struct xt_conntrack_mtinfo3 m3;
	struct xt_conntrack_mtinfo1 m1;
	unsigned flags, inverted, states;
	enum answer a;

	/* The second and the third revision are alike up to what is read here. */
	if (revision == 1 && TAKE(m1, data, n)) {
		flags = m1.match_flags;
		inverted = m1.invert_flags;
		states = m1.state_mask;
	} else if ((revision == 2 || revision == 3) && n >= sizeof(struct xt_conntrack_mtinfo2)) {
		memset(&m3, 0, sizeof(m3));
		memcpy(&m3, data, n < sizeof(m3) ? n : sizeof(m3));
		flags = m3.match_flags;
		inverted = m3.invert_flags;
		states = m3.state_mask;
	} else {
		return ANSWER_MAYBE;
	}
	if (flags & ~only_state || p->untracked)
		return ANSWER_MAYBE;
	/* Its destination is never translated, of its source it is not known. */
	a = answer_of(states & state_bit(p));
	if (a == ANSWER_NO && states & XT_CONNTRACK_STATE_SNAT)
		a = ANSWER_MAYBE;
	return inverted & XT_CONNTRACK_STATE ? answer_not(a) : a;
}

/* struct ipt_icmp and ip6t_icmp: type, least and greatest code, whether all is negated. */
static enum answer icmp_holds(const struct packet *p, unsigned revision, const void *data, size_t n)
{
	const uint8_t *m = data;
	bool any, same;

	if (revision != 0 || n < 4)
		return ANSWER_MAYBE;
	any = m[0] == 0xff && p->source.family == 4;
	same = any || (m[0] == packet_icmp_type(p) && m[1] == 0);
	return answer_of(same != (bool)(m[3] & 1));
}

static bool type_in(uint16_t mask, bool local)
{
	return mask & (local ? XT_ADDRTYPE_LOCAL : XT_ADDRTYPE_UNICAST);
}

static enum answer addrtype_holds(const struct packet *p, unsigned revision, const void *data,
				  size_t n)
{
	struct xt_addrtype_info_v1 v1;
	struct xt_addrtype_info v0;
	bool source = true, destination = true;

	if (revision == 1 && TAKE(v1, data, n)) {
		if (v1.flags & (XT_ADDRTYPE_LIMIT_IFACE_IN | XT_ADDRTYPE_LIMIT_IFACE_OUT))
			return ANSWER_MAYBE;
		v0 = (struct xt_addrtype_info){
			.source = v1.source,
			.dest = v1.dest,
			.invert_source = (v1.flags & XT_ADDRTYPE_INVERT_SOURCE) != 0,
			.invert_dest = (v1.flags & XT_ADDRTYPE_INVERT_DEST) != 0,
		};
	} else if (revision != 0 || !TAKE(v0, data, n)) {
		return ANSWER_MAYBE;
	}
	if (v0.source)
		source = type_in(v0.source, p->from_local) != (v0.invert_source != 0);
	if (v0.dest)
		destination = type_in(v0.dest, p->to_local) != (v0.invert_dest != 0);
	return answer_of(source && destination);
}

static enum answer physdev_holds(const struct packet *p, unsigned revision, const void *data,
				 size_t n)
{
	struct xt_physdev_info m;

	if (revision != 0 || !TAKE(m, data, n))
		return ANSWER_MAYBE;
	if (m.bitmask == XT_PHYSDEV_OP_BRIDGED)
		return answer_of(p->bridged != (bool)(m.invert & XT_PHYSDEV_OP_BRIDGED));
	return ANSWER_MAYBE;
}

enum answer xt_match_holds(const struct packet *p, const char *name, unsigned revision,
			   const void *data, size_t n)
{
	static const struct {
		const char *name;
		match_fn *holds;
	} known[] = {
		{"comment", holds_always},	{"mark", mark_holds},
		{"state", state_holds},		{"icmp", icmp_holds},
		{"conntrack", conntrack_holds}, {"icmp6", icmp_holds},
		{"tcp", holds_never},		{"addrtype", addrtype_holds},
		{"udp", holds_never},		{"sctp", holds_never},
		{"physdev", physdev_holds},	{"multiport", holds_never},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].holds(p, revision, data, n);
	return ANSWER_MAYBE;
}

static void set_mark(struct packet *p, unsigned revision, const void *data, size_t n)
{
	struct xt_mark_tginfo2 m;

	if (revision == 2 && TAKE(m, data, n))
		p->mark = (p->mark & ~m.mask) ^ m.mark;
	else
		p->mark_known = false;
}

enum xt_effect xt_target_effect(struct packet *p, const char *name, unsigned revision,
				const void *data, size_t n)
{
	static const char *const pass[] = {
		"LOG",	   "NFLOG",    "TRACE",	   "CT",     "NOTRACK", "CONNSECMARK",
		"SECMARK", "CHECKSUM", "CLASSIFY", "TCPMSS", "TOS",	"DSCP",
		"TTL",	   "HL",       "SET",	   "ULOG",
	};

	if (strcmp(name, "REJECT") == 0)
		return XT_REJECTS;
	if (strcmp(name, "MASQUERADE") == 0 || strcmp(name, "SNAT") == 0)
		return XT_TRANSLATES;
	if (strcmp(name, "MARK") == 0) {
		set_mark(p, revision, data, n);
		return XT_GOES_ON;
	}
	if (strcmp(name, "CONNMARK") == 0) { /* may restore one */
		p->mark_known = false;
		return XT_GOES_ON;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pass); i++)
		if (strcmp(name, pass[i]) == 0)
			return XT_GOES_ON;
	return XT_UNKNOWN;
}
