/*
 * A legacy table of iptables (ip_tables.h, ip6_tables.h of the kernel) as bytes in memory: walk it,
 * put rules into it, take rules out. No socket.
 *
 * A table is one run of entries. An entry is a fixed head with addresses and interfaces, then
 * matches, then a target; jumps are offsets from the run's begin, and so is where each hook begins
 * and where its policy stands. What is not understood here is carried along untouched.
 */
#ifndef NET_XT_TABLE_H
#define NET_XT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "net/nft_read.h"

#define XT_HOOKS 5 /* NF_INET_NUMHOOKS */

struct xt_table {
	uint8_t family;				    /* 4 or 6 */
	unsigned char *entries;			    /* borrowed; aligned to 8 */
	uint32_t size;				    /* in bytes */
	uint32_t count;				    /* entries */
	uint32_t hooks;				    /* bits of the hooks that it has: NF_INET_* */
	uint32_t begin[XT_HOOKS], policy[XT_HOOKS]; /* offsets, per hook */
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
 * is that hook's policy. handle is the offset; ours, whether it carries a mark of ours.
 */
void xt_read(struct nft_rule *rule, const struct xt_table *t, unsigned hook, uint32_t at);

/* The only rules that cnibox writes. */
struct xt_rule {
	struct prefix source, destination; /* family 0: any */
	bool outside;			   /* destination is negated */
	const char *not_out;		   /* "! -o NAME"; NULL: any; borrowed */
	bool masquerade;		   /* else accept */
	uint32_t mark;
};

/*
 * Rules are marked in nfcache, which the kernel has carried along unread since Linux 2.6, libiptc,
 * too; iptables neither prints nor compares it. iptables-restore clears it: such a rule is its
 * writer's.
 */
#define XT_MARK_MASK 0xff000000u
#define XT_MARK	     0xcb000000u
uint32_t xt_mark(const struct xt_table *t, uint32_t at);

/* Is it that rule, byte for byte but for counters and mark? */
bool xt_equal(const struct xt_table *t, uint32_t at, const struct xt_rule *rule);

/* Longest rule that xt_insert makes. */
#define XT_RULE_MAX 256

/*
 * Put a rule before the entry at an offset within the hook's chain (its policy's, to append). Gives
 * the offset behind the rule. The caller sees to room for XT_RULE_MAX bytes.
 */
uint32_t xt_insert(struct xt_table *t, uint32_t at, const struct xt_rule *rule);

/* Take the rule at an offset out. */
void xt_remove(struct xt_table *t, uint32_t at);

/*
 * Where each entry came from, for its counters: xt_number notes the places, xt_origin gives the
 * one of an entry, from 1 on, or 0 for one that was inserted since. The notes are kept in the
 * entries' own counters, which the kernel clears in a table that it is given.
 */
void xt_number(struct xt_table *t);
uint32_t xt_origin(const struct xt_table *t, uint32_t at);

#endif
