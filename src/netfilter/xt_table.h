/*
 * A legacy table of iptables (ip_tables.h, ip6_tables.h of the kernel) as bytes in memory: walk it,
 * put rules into it, take rules out. No socket.
 *
 * A table is one run of entries. An entry is a fixed head with addresses and interfaces, then
 * matches, then a target; jumps are offsets from the run's begin, and so is where each hook begins
 * and where its policy stands. What is not understood here is carried along untouched.
 */
#ifndef NETFILTER_XT_TABLE_H
#define NETFILTER_XT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "netfilter/nft_read.h"
#include "netfilter/xt_state.h"

#define XT_HOOKS 5 /* NF_INET_NUMHOOKS */

struct xt_table {
	uint8_t family;				    /* 4 or 6 */
	unsigned char *entries;			    /* borrowed; aligned to 8 */
	uint32_t size;				    /* in bytes */
	uint32_t count;				    /* entries */
	uint32_t hooks;				    /* bits of the hooks that it has: NF_INET_* */
	uint32_t begin[XT_HOOKS], policy[XT_HOOKS]; /* offsets, per hook */
	uint32_t room;				    /* bytes that may come to it */
	bool full;				    /* something was left out that had no room */
};

/*
 * Check every length and offset of bytes that came from outside. All the functions below trust a
 * table that has passed. Gives 0, or -1 with e set (ERR_STATE).
 */
int xt_check(const struct xt_table *t, struct err *e) must_check;

/* Offset of the entry behind the one at an offset. A hook's: from begin up to policy, which it is. */
uint32_t xt_next(const struct xt_table *t, uint32_t at);

/*
 * What the entry does, in the words that nft_read.h has for rules. A return in the chain of a hook
 * is that hook's policy. handle is the offset; ours, whether it carries a mark of ours; chain is
 * left for the caller to fill in. A match's data are where they are, aligned to eight.
 */
void xt_read(struct nft_rule *rule, const struct xt_table *t, unsigned hook, uint32_t at);

/*
 * What cnibox's rules are made of. Texts are borrowed; family 0, NULL and 0: no such condition.
 *
 * A program that needs but rules which accept or masquerade by addresses and interfaces does without
 * all the rest: it has no parts.
 */
extern const struct xt_parts xt_parts;

struct xt_rule {
	const struct xt_parts *parts; /* &xt_parts, or NULL */
	struct prefix source, destination;
	bool not_source, not_destination;
	const char *in, *out;
	bool not_in, not_out;
	uint8_t proto;
	uint16_t port;	       /* of destination */
	const uint16_t *ports; /* several of them, XT_PORTS_MAX at most */
	unsigned port_count;
	bool local;	 /* -m addrtype --dst-type LOCAL */
	uint32_t marked; /* -m mark: has these bits */
	enum xt_state state;
	const char *comment;
	enum {
		XT_DO_ACCEPT,
		XT_DO_DROP,
		XT_DO_RETURN,
		XT_DO_JUMP, /* to chain, which must be there */
		XT_DO_MASQUERADE,
		XT_DO_MARK, /* set bits */
		XT_DO_DNAT, /* to address and to_port; Linux 4.18 */
	} what;
	const char *chain;
	uint32_t bits;
	struct ip to;
	uint16_t to_port;
	uint32_t mark;		       /* see below */
	const struct owner_tag *owner; /* of a rule without interfaces */
};
#define XT_PORTS_MAX 15 /* XT_MULTI_PORTS */

/*
 * Rules are marked in nfcache, which the kernel has carried along unread since Linux 2.6, libiptc,
 * too; iptables neither prints nor compares it. iptables-restore clears it: such a rule is its
 * writer's.
 */
#define XT_MARK_MASK 0xff000000u
#define XT_MARK	     0xcb000000u
uint32_t xt_mark(const struct xt_table *t, uint32_t at);

/*
 * A marked rule that has no condition on interfaces has room for its owner's tag where their names
 * would be: under a mask of zeros nobody reads them, and everybody carries them along. Others' rules
 * have none.
 */
bool xt_owner(const struct xt_table *t, uint32_t at, struct owner_tag *tag);

/* Is it that rule, byte for byte but for counters, comment, mark and owner? */
bool xt_equal(const struct xt_table *t, uint32_t at, const struct xt_rule *rule);

/* Of the entry's conditions: the protocol; 0: any. */
uint8_t xt_proto(const struct xt_table *t, uint32_t at);

/* A rule's list of ports; gives how many. */
unsigned xt_ports(const struct xt_table *t, uint32_t at, uint16_t ports[static XT_PORTS_MAX]);

/* Longest rule that there can be: all conditions of struct xt_rule. */
#define XT_RULE_MAX 1280

/*
 * Put a rule before the entry at an offset within a chain (its end's, to append). Gives the offset
 * behind the rule. Where there is no room, t->full is set instead, and stays.
 */
uint32_t xt_insert(struct xt_table *t, uint32_t at, const struct xt_rule *rule);

/* Take the rule at an offset out. */
void xt_remove(struct xt_table *t, uint32_t at);

/* A chain, built in or somebody's: its rules are from begin up to end, which is its policy or return. */
struct xt_chain {
	uint32_t begin, end;
};
bool xt_chain(const struct xt_table *t, const char *name, struct xt_chain *c);

/* The name of the chain whose rules begin at that offset; NULL: none does. Borrowed. */
const char *xt_chain_name(const struct xt_table *t, uint32_t begin);

/* Make a chain if it is not there. Gives whether it was made. */
bool xt_chain_make(struct xt_table *t, const char *name);

/* Remove a chain of somebody's and whatever jumps to it. Gives how many rules and chains went. */
unsigned xt_chain_remove(struct xt_table *t, const char *name);

/* Take out the rules of a chain that have to go. Gives how many; 0 also where there is no such chain. */
typedef bool xt_goes_fn(const struct xt_table *t, uint32_t at, void *arg);
unsigned xt_chain_sift(struct xt_table *t, const char *name, xt_goes_fn *goes, void *arg);

/* Does anything jump to it? */
bool xt_chain_used(const struct xt_table *t, const char *name);

/*
 * Where each entry came from, for its counters: xt_number notes the places, xt_origin gives the
 * one of an entry, from 1 on, or 0 for one that was inserted since. The notes are kept in the
 * entries' own counters, which the kernel clears in a table that it is given.
 */
void xt_number(struct xt_table *t);
uint32_t xt_origin(const struct xt_table *t, uint32_t at);

#endif
