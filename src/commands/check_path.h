/*
 * The hooks of netfilter that a ping's packets pass, there and back, in the pod and on the node.
 * Shared by the files of cni-check that look at rules.
 */
#ifndef COMMANDS_CHECK_PATH_H
#define COMMANDS_CHECK_PATH_H

#include "commands/check.h"
#include "netfilter/rules.h"

/* The way of a packet and of its answer, as one looks at it from the pod, or from the node. */
struct check_path {
	struct check *c;
	enum check_kind kind;
	struct ip from, to;
	bool from_pod;
	struct link out;	/* by which the node sends it on; of a pod here, the other's port */
	bool reply;		/* the answer is looked at */
	bool rules_for_bridged; /* br_netfilter brings bridged packets before iptables */

	/* What was found. */
	struct verdict verdict;
	enum nft_hook hook;
	bool in_pod, of_reply;
};

/*
 * Walk the rules along the way there and back: p->verdict is the first that is certain to stop the
 * packet, else the first that may. Where the node has no route, nothing is walked.
 *
 * neighbour  of a pod here: the host end of its link, "" if that is not known
 */
int check_path_walk(struct check_path *p, const char *neighbour, struct err *e) must_check;

/* The node's rules. */
struct rules *check_host_rules(struct check *c);

/* Does br_netfilter bring bridged packets of that family before the rules of iptables? */
bool check_rules_for_bridged(uint8_t family);

/* A pod's address: this pod's, or the first that can be one's. False: there is none. */
bool check_pod_address(const struct check *c, unsigned family, struct ip *pod);
/* The address that stands for a kind that was not pinged. False: none can. */
bool check_stand_in(const struct pod_range *range, enum check_kind kind, struct ip *to);
/* Was an address of that kind and family pinged? */
bool check_any_target(const struct check *c, enum check_kind kind, uint8_t family);

/* "iptables-legacy " and the like before the name of such a table, "" before another's. */
const char *check_legacy_words(const struct verdict *v, uint8_t family);
/* The command that removes the rule of a verdict. */
void check_fix_by_removal(uint8_t family, const struct verdict *v, char fix[static CHECK_FIX]);

/* Masquerading that is missing or too much, in one family. */
int check_masquerade(struct check *c, unsigned family, struct err *e) must_check;

#endif
