/*
 * A set of rules in iptables' table filter that is to be there: look for them, add what is missing.
 */
#ifndef NETFILTER_FILTER_WANTED_H
#define NETFILTER_FILTER_WANTED_H

#include "netfilter/filter_rule.h"
#include "netlink/socket.h"

/* Two for each address of a pod, of which a result has sixteen, and two jumps. */
#define FILTER_RULES_MAX  34
#define FILTER_CHAINS_MAX 3

/* In the order in which they are added. */
struct filter_wanted {
	uint8_t family; /* 4, 6 */
	struct filter_rule rules[FILTER_RULES_MAX];
	bool there[FILTER_RULES_MAX]; /* by the last look */
	bool owned[FILTER_RULES_MAX]; /* is to have the owner's tag */
	unsigned count;
	const char *chains[FILTER_CHAINS_MAX]; /* whose rules are looked at; the first is FORWARD */
	unsigned chain_count;
};

void filter_want(struct filter_wanted *w, const struct filter_rule *rule);

/*
 * Make what is missing. An owned rule that has another owner's tag, or none, is replaced.
 *
 * more_chain  one more that has to be there; NULL: none
 * owner       NULL where no rule is owned
 */
int filter_add(struct nl_sock *nf, struct filter_wanted *w, const char *more_chain,
	       const struct owner_tag *owner, struct err *e) must_check;

/*
 * Is all of it there, whoever owns it, in nf_tables or, where that has no chain FORWARD, in legacy
 * iptables? Gives 0, or -1 with e set (ERR_STATE).
 */
int filter_check(struct nl_sock *nf, struct filter_wanted *w, struct err *e) must_check;

/* The same in legacy iptables (filter_legacy.c). */
int filter_legacy_add(struct filter_wanted *w, const char *more_chain,
		      const struct owner_tag *owner, struct err *e) must_check;
int filter_legacy_check(struct filter_wanted *w, struct err *e) must_check;

/* Remove the rules of a chain that choose() wants to go; it is told whose each is. */
typedef bool filter_choose_fn(const struct nft_rule *rule, void *arg);
int filter_legacy_remove(uint8_t family, const char *chain, filter_choose_fn *choose, void *arg,
			 struct err *e) must_check;

/*
 * For those who look: a rule was met. Notes it as there, or gives true: it is a former pod's, and has
 * to go.
 *
 * owner  NULL: whoever owns it
 */
bool filter_meet(struct filter_wanted *w, const struct nft_rule *rule,
		 const struct owner_tag *owner);

/* Set e if something was not there. where: "legacy " or "". */
int filter_complete(const struct filter_wanted *w, const char *where, struct err *e) must_check;

#endif
