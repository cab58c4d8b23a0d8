/*
 * The rules of legacy_hostport.h, in the order in which they are to be there. Shared by the files that
 * implement it.
 */
#ifndef NETFILTER_LEGACY_HOSTPORT_RULES_H
#define NETFILTER_LEGACY_HOSTPORT_RULES_H

#include "netfilter/hostport.h"
#include "netfilter/reference_portmap.h"

#define LEGACY_SETMARK "CNI-HOSTPORT-SETMARK"
#define LEGACY_MASQ    "CNI-HOSTPORT-MASQ"

/* One of the reference's comments; longer ones are cut as it cuts them. */
#define LEGACY_COMMENT_MAX 255

/* What is wanted; rules for it borrow from here. */
struct legacy_order {
	struct owner_tag tag;
	const struct hostport_settings *set;
	const struct hostport *list;
	unsigned count;
	char chain[REFERENCE_CHAIN]; /* the container's */
	char comment[LEGACY_COMMENT_MAX + 1];

	bool fresh; /* the chain is new: nothing in it needs looking for */
	unsigned changes, missing;
	struct err *e;
};

struct legacy_order legacy_order(const struct owner *owner, const struct hostport_settings *set,
				 const struct hostport *list, unsigned count);

/* Called for each rule; first: before what is in the chain, else behind. */
typedef void legacy_meet_fn(struct xt_table *t, struct legacy_order *o, const char *chain,
			    bool first, const struct xt_rule *rule);
void legacy_meet_all(struct xt_table *t, struct legacy_order *o, legacy_meet_fn *meet);

/* Is the rule in the chain, and nobody else's? */
bool legacy_find(const struct xt_table *t, const char *chain, const struct xt_rule *rule);

#endif
