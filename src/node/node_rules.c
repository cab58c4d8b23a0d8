#include "node/node_rules.h"

#include "netfilter/legacy.h"
#include "netfilter/xtables.h"

static uint8_t ip_family(unsigned family)
{
	return family ? 6 : 4;
}

static struct ruleset own_rules(const struct pod_network *net, unsigned family)
{
	return (struct ruleset){
		.name = net->name,
		.bridge = net->bridge,
		.subnet = net->range[family].subnet,
		.network = net->range[family].network,
		.masquerade = net->masquerade,
		.accept = net->accept == ACCEPT_OWN,
	};
}

/*
 * Where nf_tables has nothing of ours, legacy nat may: because this kernel can masquerade nowhere
 * else, or because the user typed the very rule there.
 */
static int look_at_masquerade(struct node_sockets *s, const struct pod_network *net,
			      unsigned family, unsigned in_use, struct node_state *found,
			      struct err *e)
{
	struct ruleset rules = own_rules(net, family);
	enum ruleset_state state;

	if (ruleset_look(&s->netfilter, &rules, &state, e))
		return -1;
	if (in_use & XTABLES_NAT && !rules.accept &&
	    state == (net->masquerade == MASQUERADE_NONE ? RULESET_PRESENT : RULESET_ABSENT) &&
	    legacy_masquerade_look(&rules, &state, e))
		return -1;
	node_note(found, NODE_MASQUERADE, family, state == RULESET_PRESENT);
	return 0;
}

static void note_accept(const struct pod_network *net, const struct forward_chain *chain,
			enum node_part part, unsigned family, struct node_state *found)
{
	if (chain->there && (chain->drops || net->accept == ACCEPT_IPTABLES))
		node_note(found, part, family, chain->from && chain->to);
}

int node_look_rules(struct node_sockets *s, const struct pod_network *net, unsigned family,
		    struct node_state *found, struct err *e)
{
	const struct prefix *network = &net->range[family].network;
	unsigned in_use = xtables_in_use(ip_family(family));
	struct forward_chain legacy = {0};

	if (look_at_masquerade(s, net, family, in_use, found, e))
		return -1;
	if (net->accept == ACCEPT_OWN)
		return 0;
	if (forward_look(&s->netfilter, network, &found->forward[family], e))
		return -1;
	if (in_use & XTABLES_FILTER && legacy_forward_look(network, &legacy, e))
		return -1;
	note_accept(net, &found->forward[family], NODE_ACCEPT, family, found);
	note_accept(net, &legacy, NODE_LEGACY, family, found);
	return 0;
}

/* What nf_tables cannot do is done in legacy nat, if that can. */
static int make_masquerade(struct node_sockets *s, const struct pod_network *net, unsigned family,
			   struct err *e)
{
	struct ruleset rules = own_rules(net, family);
	struct err why = {0};
	bool any;

	if (ruleset_set(&s->netfilter, &rules, &why) == 0) {
		if (xtables_in_use(ip_family(family)) & XTABLES_NAT)
			return legacy_masquerade_remove(ip_family(family), net->name, &any, e);
		return 0;
	}
	*e = why;
	if (!ruleset_unsupported(&why))
		return -1;
	if (!rules.accept) {
		if (legacy_masquerade_set(&rules, &why) == 0) {
			err_clear(e);
			return 0;
		}
		if (!xtables_unsupported(&why)) {
			*e = why;
			return -1;
		}
	}
	err_hint(e,
		 "the kernel needs nf_tables with nat (CONFIG_NF_TABLES, CONFIG_NF_TABLES_IPV%u, "
		 "CONFIG_NFT_NAT, CONFIG_NFT_MASQ)%s",
		 ip_family(family),
		 rules.accept ? "; \"accept\": \"auto\" may do without"
		 : family     ? " or ip6tables' (modprobe ip6table_nat; CONFIG_IP6_NF_NAT, "
				"CONFIG_NETFILTER_XT_TARGET_MASQUERADE)"
			      : " or iptables' (modprobe iptable_nat; CONFIG_IP_NF_NAT, "
				"CONFIG_NETFILTER_XT_TARGET_MASQUERADE)");
	return -1;
}

int node_make_rules(struct node_sockets *s, const struct pod_network *net, enum node_part part,
		    unsigned family, struct err *e)
{
	const struct prefix *network = &net->range[family].network;
	unsigned added;

	if (part == NODE_MASQUERADE)
		return make_masquerade(s, net, family, e);
	if (part == NODE_ACCEPT)
		return forward_accept(&s->netfilter, network, &added, e);
	if (part == NODE_LEGACY)
		return legacy_forward_accept(network, &added, e);
	return 0;
}

static int remove_masquerade(struct node_sockets *s, const struct pod_network *net, unsigned family,
			     bool *any, struct err *e)
{
	bool legacy = false;

	if (ruleset_remove(&s->netfilter, ip_family(family), net->name, any, e) ||
	    (xtables_in_use(ip_family(family)) & XTABLES_NAT &&
	     legacy_masquerade_remove(ip_family(family), net->name, &legacy, e)))
		return -1;
	*any |= legacy;
	return 0;
}

int node_remove_rules(struct node_sockets *s, const struct pod_network *net, enum node_part part,
		      unsigned family, bool *any, struct err *e)
{
	const struct prefix *network = &net->range[family].network;
	unsigned count = 0;

	if (part == NODE_MASQUERADE)
		return remove_masquerade(s, net, family, any, e);
	if (part == NODE_ACCEPT && forward_retract(&s->netfilter, network, &count, e))
		return -1;
	if (part == NODE_LEGACY && xtables_in_use(ip_family(family)) & XTABLES_FILTER &&
	    legacy_forward_retract(network, &count, e))
		return -1;
	*any = count > 0;
	return 0;
}
