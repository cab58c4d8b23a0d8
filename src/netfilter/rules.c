#include "netfilter/rules.h"

#include <errno.h>
#include <stdio.h>

#include "netfilter/nft.h"
#include "netfilter/xt_eval.h"
#include "netfilter/xtables.h"

#define BRIDGE_FAMILY 7 /* NFPROTO_BRIDGE */

static int read_chains(struct rules *r, uint8_t ip_family, struct err *e)
{
	bool *read = &r->read[ip_family == 6];

	r->dump.nf = r->nf;
	if (!*read && nft_dump_chains(&r->dump, nft_family(ip_family), e))
		return -1;
	*read = true;
	if (!r->read_shared && (nft_dump_chains(&r->dump, NFPROTO_INET, e) ||
				nft_dump_chains(&r->dump, BRIDGE_FAMILY, e)))
		return -1;
	r->read_shared = true;
	return 0;
}

/* Legacy tables are asked for through a socket of the namespace that they are of. */
struct legacy_question {
	unsigned table;
	const char *name;
	enum nft_hook hook;
	const struct packet *packet;
	struct verdict *verdict;
};

static int ask_legacy(void *arg, struct err *e)
{
	struct legacy_question *q = arg;
	uint8_t family = q->packet->source.family;
	struct xt_table t;

	*q->verdict = (struct verdict){.fate = FATE_PASS, .certain = true};
	if (!(xtables_in_use(family) & q->table))
		return 0;
	if (xtables_read(family, q->table, &t, e)) {
		/* Without CAP_NET_RAW nobody may read them. The rest can be looked at. */
		if (e->sys == EPERM) {
			err_clear(e);
			q->verdict->certain = false;
			return 0;
		}
		return xtables_unsupported(e) ? 0 : -1;
	}
	if (!(t.hooks & 1u << q->hook))
		return 0;
	xt_eval(&t, q->hook, q->packet, q->verdict);
	snprintf(q->verdict->table, sizeof(q->verdict->table), "%s", q->name);
	return 0;
}

static int legacy(struct rules *r, unsigned table, const char *name, enum nft_hook hook,
		  const struct packet *p, struct verdict *v, struct err *e)
{
	struct legacy_question q = {table, name, hook, p, v};

	return r->netns ? netns_run(r->netns, ask_legacy, &q, e) : ask_legacy(&q, e);
}

int rules_filter(struct rules *r, enum nft_hook hook, const struct packet *p, struct verdict *v,
		 struct err *e)
{
	static const struct {
		unsigned table;
		const char *name;
	} tables[] = {{XTABLES_RAW, "raw"}, {XTABLES_MANGLE, "mangle"}, {XTABLES_FILTER, "filter"}};
	struct verdict one;

	if (read_chains(r, p->source.family, e))
		return -1;
	nft_eval_hook(&r->dump, "filter", hook, p, v);
	for (unsigned i = 0; i < ARRAY_SIZE(tables) && !*p->bridge; i++) {
		if (v->fate != FATE_PASS && v->certain)
			return 0;
		if (legacy(r, tables[i].table, tables[i].name, hook, p, &one, e))
			return -1;
		if (one.fate != FATE_PASS && (one.certain || v->fate == FATE_PASS))
			*v = one;
	}
	return 0;
}

int rules_translate(struct rules *r, const struct packet *p, struct verdict *v, struct err *e)
{
	struct verdict one;

	if (read_chains(r, p->source.family, e))
		return -1;
	nft_eval_hook(&r->dump, "nat", HOOK_POSTROUTING, p, v);
	if (v->fate == FATE_NAT && v->certain)
		return 0;
	if (legacy(r, XTABLES_NAT, "nat", HOOK_POSTROUTING, p, &one, e))
		return -1;
	if (one.fate == FATE_NAT)
		*v = one;
	v->certain = v->certain && one.certain;
	return 0;
}
