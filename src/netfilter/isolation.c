#include "netfilter/isolation.h"

#include "netfilter/filter_wanted.h"
#include "netfilter/ruleset.h"

#define STAGE_1 "CNI-ISOLATION-STAGE-1"
#define STAGE_2 "CNI-ISOLATION-STAGE-2"

static void want_isolation(struct filter_wanted *w, uint8_t family, const char *bridge,
			   bool isolated)
{
	static const char shared[] =
		"CNI firewall plugin rules (ingressPolicy: same-bridge|isolated)";
	const char *own = isolated ? "CNI firewall plugin rules (ingressPolicy: isolated)"
				   : "CNI firewall plugin rules (ingressPolicy: same-bridge)";

	*w = (struct filter_wanted){
		.family = family, .chains = {"FORWARD", STAGE_1, STAGE_2}, .chain_count = 3};
	filter_want(w, &(struct filter_rule){.chain = "FORWARD",
					     .comment = shared,
					     .action = NFT_ACTION_JUMP,
					     .target = STAGE_1,
					     .first = true});
	filter_want(w, &(struct filter_rule){
			       .chain = STAGE_1, .comment = shared, .action = NFT_ACTION_RETURN});
	filter_want(w, &(struct filter_rule){.chain = STAGE_1,
					     .in = bridge,
					     .out = bridge,
					     .not_out = true,
					     .comment = own,
					     .action = NFT_ACTION_JUMP,
					     .target = STAGE_2,
					     .first = true});
	if (isolated)
		filter_want(w, &(struct filter_rule){.chain = STAGE_1,
						     .in = bridge,
						     .out = bridge,
						     .comment = own,
						     .action = NFT_ACTION_DROP,
						     .first = true});
	filter_want(w, &(struct filter_rule){
			       .chain = STAGE_2, .comment = shared, .action = NFT_ACTION_RETURN});
	filter_want(w, &(struct filter_rule){.chain = STAGE_2,
					     .out = bridge,
					     .comment = shared,
					     .action = NFT_ACTION_DROP,
					     .first = true});
}

int isolation_add(struct nl_sock *nf, uint8_t family, const char *bridge, bool isolated,
		  struct err *e)
{
	static struct filter_wanted w;

	want_isolation(&w, family, bridge, isolated);
	if (filter_add(nf, &w, NULL, NULL, e) == 0)
		return 0;
	if (!ruleset_unsupported(e))
		return -1;
	return filter_legacy_add(&w, NULL, NULL, e);
}

int isolation_check(struct nl_sock *nf, uint8_t family, const char *bridge, bool isolated,
		    struct err *e)
{
	static struct filter_wanted w;

	want_isolation(&w, family, bridge, isolated);
	return filter_check(nf, &w, e);
}
