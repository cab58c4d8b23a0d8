#include "net/qdisc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <string.h>

#include "base/file.h"
#include "netlink/attr.h"

#define MICROSECONDS	    1000000
#define LATENCIES_IN_SECOND 40 /* 25 ms each */

#define ROOT_HANDLE    TC_H_MAKE(1u << 16, 0u)
#define INGRESS_HANDLE TC_H_MAKE(0xffffu << 16, 0u)
#define PRIORITY       1u

/* --- numbers ---------------------------------------------------------------------------------- */

static uint32_t fit(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

struct tbf tbf_of_ticks(uint64_t rate, uint64_t burst, const uint32_t psched[static 3])
{
	uint64_t bytes = burst / 8;
	struct tbf tbf = {.rate = rate / 8 ? rate / 8 : 1};
	uint64_t us = fit(bytes * MICROSECONDS / tbf.rate);

	tbf.limit = fit(tbf.rate / LATENCIES_IN_SECOND + bytes);
	tbf.buffer = fit(us * psched[0] / psched[1] * psched[2] / MICROSECONDS);
	return tbf;
}

/* The next word of hexadecimal digits. (strtoul would bring stdio along.) */
static uint32_t next_word(const char **text)
{
	uint32_t n = 0;

	for (; **text && **text != ' ' && **text != '\n'; (*text)++) {
		char c = **text;

		n = n << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	if (**text)
		(*text)++;
	return n;
}

struct tbf tbf_of(uint64_t rate, uint64_t burst)
{
	/* Of every kernel since 2.6.31: a tick is 64 ns (PSCHED_SHIFT in pkt_sched.h). */
	uint32_t psched[3] = {1000, 64, MICROSECONDS};
	char text[64];
	const char *next = text;

	if (file_read(AT_FDCWD, "/proc/net/psched", text, sizeof(text)) > 0) {
		uint32_t read[3];

		for (unsigned i = 0; i < 3; i++)
			read[i] = next_word(&next);
		if (read[0] && read[1] && read[2])
			memcpy(psched, read, sizeof(psched));
	}
	return tbf_of_ticks(rate, burst, psched);
}

/* --- change ----------------------------------------------------------------------------------- */

static void begin(struct nl_batch *b, const char *label, uint16_t type, uint16_t flags,
		  const struct tcmsg *head, const char *kind)
{
	nl_op(b, label, type, flags);
	nl_head(b, head, sizeof(*head));
	if (kind)
		nl_str(b, TCA_KIND, kind);
}

/* The kernel's own words say that it has no such, not what would help. */
static int apply(struct nl_sock *s, struct nl_batch *b, const char *options, struct err *e)
{
	if (nl_apply(s, b, e) == 0)
		return 0;
	if (e->sys == ENOENT || e->sys == EOPNOTSUPP)
		err_prefix(e, "does the kernel lack %s?", options);
	return -1;
}

void put_shape(struct nl_batch *b, int link, const struct tbf *tbf)
{
	struct tcmsg head = {
		.tcm_ifindex = link, .tcm_handle = ROOT_HANDLE, .tcm_parent = TC_H_ROOT};
	struct tc_tbf_qopt options = {
		.rate.rate = fit(tbf->rate), .limit = tbf->limit, .buffer = tbf->buffer};

	begin(b, "limit the rate of a link", RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &head,
	      "tbf");
	nl_nest(b, TCA_OPTIONS) {
		nl_put(b, TCA_TBF_PARMS, &options, sizeof(options));
		if (tbf->rate > UINT32_MAX)
			nl_put(b, TCA_TBF_RATE64, &tbf->rate, sizeof(tbf->rate));
	}
}

int qdisc_shape(struct nl_sock *s, int link, const struct tbf *tbf, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	put_shape(&b, link, tbf);
	return apply(s, &b, "CONFIG_NET_SCH_TBF", e);
}

static void put_match_all(struct nl_batch *b)
{
	const struct tc_u32_sel sel = {.flags = TC_U32_TERMINAL, .nkeys = 1};
	/* Behind it the key, all zero: of no bits, for any packet. */
	unsigned char match[sizeof(sel) + sizeof(struct tc_u32_key)] = {0};

	memcpy(match, &sel, sizeof(sel));
	nl_put(b, TCA_U32_SEL, match, sizeof(match));
}

static void put_action(struct nl_batch *b, int to)
{
	struct tc_mirred mirred = {
		.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)to};

	nl_nest(b, TCA_U32_ACT) {
		nl_nest(b, 1) { /* the first of the actions */
			nl_str(b, TCA_ACT_KIND, "mirred");
			nl_nest(b, TCA_ACT_OPTIONS)
				nl_put(b, TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
		}
	}
}

static struct tcmsg filter_head(int link)
{
	return (struct tcmsg){.tcm_ifindex = link,
			      .tcm_parent = INGRESS_HANDLE,
			      .tcm_info = TC_H_MAKE(PRIORITY << 16, (uint32_t)htons(ETH_P_ALL))};
}

void put_redirect(struct nl_batch *b, int link, int to)
{
	struct tcmsg ingress = {
		.tcm_ifindex = link, .tcm_handle = INGRESS_HANDLE, .tcm_parent = TC_H_INGRESS};
	struct tcmsg head = filter_head(link);

	begin(b, "look at what a link receives", RTM_NEWQDISC, NLM_F_CREATE, &ingress, "ingress");
	begin(b, "redirect what a link receives", RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &head,
	      "u32");
	nl_nest(b, TCA_OPTIONS) {
		nl_u32(b, TCA_U32_CLASSID, TC_H_MAKE(1u << 16, 1u));
		put_action(b, to);
		put_match_all(b);
	}
}

int qdisc_redirect(struct nl_sock *s, int link, int to, struct err *e)
{
	struct tcmsg former = filter_head(link);
	struct qdisc_state state;
	struct nl_batch b;

	if (qdisc_look(s, link, &state, e))
		return -1;
	if (state.redirect == to)
		return 0;
	nl_batch_init(&b);
	if (state.redirect)
		begin(&b, "remove a former redirection", RTM_DELTFILTER, 0, &former, "u32");
	put_redirect(&b, link, to);
	return apply(s, &b, "CONFIG_NET_SCH_INGRESS, CONFIG_NET_CLS_U32 or CONFIG_NET_ACT_MIRRED",
		     e);
}

int qdisc_clear(struct nl_sock *s, int link, struct err *e)
{
	static const uint32_t parent[] = {TC_H_ROOT, TC_H_INGRESS};
	struct nl_batch b;

	nl_batch_init(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(parent); i++) {
		struct tcmsg head = {.tcm_ifindex = link, .tcm_parent = parent[i]};

		begin(&b, "remove the limits of a link", RTM_DELQDISC, NLM_F_ACK, &head, NULL);
	}
	/* One that is not there is answered with ENOENT, which nl_ask passes over. */
	return nl_ask(s, &b, NULL, NULL, e);
}

void put_ifb(struct nl_batch *b, const char *name, uint32_t mtu,
	     const uint8_t mac[static MAC_BYTES])
{
	struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	nl_op(b, "create IFB", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	nl_head(b, &up, sizeof(up));
	nl_u32(b, IFLA_MTU, mtu);
	nl_u32(b, IFLA_TXQLEN, 0);
	nl_put(b, IFLA_ADDRESS, mac, MAC_BYTES);
	nl_str(b, IFLA_IFNAME, name);
	nl_nest(b, IFLA_LINKINFO)
		nl_str(b, IFLA_INFO_KIND, "ifb");
}

int ifb_create(struct nl_sock *s, const char *name, uint32_t mtu,
	       const uint8_t mac[static MAC_BYTES], const char *alias, struct err *e)
{
	struct ifinfomsg as_it_is = {0};
	struct nl_batch b;

	nl_batch_init(&b);
	put_ifb(&b, name, mtu, mac);
	/* The creating message takes no alias. */
	nl_op(&b, "say whose an IFB is", RTM_NEWLINK, 0);
	nl_head(&b, &as_it_is, sizeof(as_it_is));
	nl_str(&b, IFLA_IFNAME, name);
	nl_str(&b, IFLA_IFALIAS, alias);
	return apply(s, &b, "CONFIG_IFB", e);
}

/* --- look ------------------------------------------------------------------------------------- */

static void take_qdisc(struct qdisc_state *found, const struct tcmsg *head,
		       const struct nlattr *const *tb)
{
	const struct nlattr *options[TCA_TBF_RATE64 + 1];
	struct tc_tbf_qopt qopt;
	const void *data;
	size_t len;

	nl_attrs_in(options, TCA_TBF_RATE64, tb[TCA_OPTIONS]);
	data = nl_data(options[TCA_TBF_PARMS], &len);
	if (head->tcm_parent != TC_H_ROOT || strcmp(nl_get_str(tb[TCA_KIND]), "tbf") != 0 ||
	    len < sizeof(qopt))
		return;
	memcpy(&qopt, data, sizeof(qopt));
	found->shaped = true;
	found->tbf = (struct tbf){qopt.rate.rate, qopt.buffer, qopt.limit};
	data = nl_data(options[TCA_TBF_RATE64], &len);
	if (len == sizeof(found->tbf.rate))
		memcpy(&found->tbf.rate, data, len);
}

static void take_filter(struct qdisc_state *found, const struct nlattr *const *tb)
{
	const struct nlattr *options[TCA_U32_ACT + 1], *actions[2], *action[TCA_ACT_OPTIONS + 1];
	const struct nlattr *mirred[TCA_MIRRED_PARMS + 1];
	struct tc_mirred parms;
	const void *data;
	size_t len;

	nl_attrs_in(options, TCA_U32_ACT, tb[TCA_OPTIONS]);
	nl_attrs_in(actions, 1, options[TCA_U32_ACT]);
	nl_attrs_in(action, TCA_ACT_OPTIONS, actions[1]);
	nl_attrs_in(mirred, TCA_MIRRED_PARMS, action[TCA_ACT_OPTIONS]);
	data = nl_data(mirred[TCA_MIRRED_PARMS], &len);
	if (strcmp(nl_get_str(tb[TCA_KIND]), "u32") != 0 ||
	    strcmp(nl_get_str(action[TCA_ACT_KIND]), "mirred") != 0 || len < sizeof(parms))
		return;
	memcpy(&parms, data, sizeof(parms));
	if (parms.eaction == TCA_EGRESS_REDIR)
		found->redirect = parms.ifindex ? (int)parms.ifindex : QDISC_GONE;
}

struct look {
	int link;
	struct qdisc_state *found;
};

void qdisc_read(struct qdisc_state *found, int link, const struct nlmsghdr *h)
{
	const struct nlattr *tb[TCA_OPTIONS + 1];
	const struct tcmsg *head = nl_head_of(h, sizeof(*head));

	if (!head || head->tcm_ifindex != link)
		return;
	nl_attrs_of(tb, TCA_OPTIONS, h, sizeof(*head));
	if (h->nlmsg_type == RTM_NEWQDISC)
		take_qdisc(found, head, tb);
	else if (h->nlmsg_type == RTM_NEWTFILTER)
		take_filter(found, tb);
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct look *l = arg;

	(void)op, (void)e;
	qdisc_read(l->found, l->link, h);
	return 0;
}

int qdisc_look(struct nl_sock *s, int link, struct qdisc_state *found, struct err *e)
{
	struct tcmsg qdiscs = {.tcm_ifindex = link};
	struct tcmsg filters = {.tcm_ifindex = link, .tcm_parent = INGRESS_HANDLE};
	struct look l = {link, found};
	struct nl_batch q;

	*found = (struct qdisc_state){0};
	nl_batch_init(&q);
	begin(&q, "list qdiscs", RTM_GETQDISC, NLM_F_DUMP, &qdiscs, NULL);
	if (nl_dump(s, &q, take_answer, &l, e))
		return -1;
	nl_batch_init(&q);
	begin(&q, "list filters", RTM_GETTFILTER, NLM_F_DUMP, &filters, NULL);
	return nl_dump(s, &q, take_answer, &l, e);
}
