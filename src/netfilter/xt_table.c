#include "netfilter/xt_table.h"

#include <linux/netfilter/x_tables.h>
#include <string.h>

#include "netfilter/xt_layout.h"
#include "netfilter/xtables.h"

/* --- check ------------------------------------------------------------------------------------ */

static bool aligned(uint32_t n)
{
	return n % XT_ENTRY_ALIGN == 0;
}

/* Do the matches fill what is between head and target? */
static bool matches_fit(const unsigned char *entry, uint32_t at, uint32_t end)
{
	while (at < end) {
		struct xt_entry_match match;

		if (end - at < sizeof(match))
			return false;
		memcpy(&match, entry + at, sizeof(match));
		if (match.u.match_size < sizeof(match) || match.u.match_size > end - at ||
		    !memchr(match.u.user.name, '\0', sizeof(match.u.user.name)))
			return false;
		at += match.u.match_size;
	}
	return true;
}

static bool target_fits(const unsigned char *entry, uint32_t target, uint32_t next)
{
	struct xt_entry_target t;

	if (next - target < sizeof(t))
		return false;
	memcpy(&t, entry + target, sizeof(t));
	if (t.u.target_size < sizeof(t) || t.u.target_size > next - target ||
	    strnlen(t.u.user.name, sizeof(t.u.user.name)) == sizeof(t.u.user.name))
		return false;
	return *t.u.user.name || t.u.target_size >= sizeof(struct xt_standard_target);
}

static bool entry_fits(const struct xt_table *t, uint32_t at)
{
	const struct xt_layout *l = xt_layout(t);
	const unsigned char *entry = t->entries + at;
	uint32_t left = t->size - at, target, next;
	int32_t verdict;

	if (left < l->head)
		return false;
	target = xt_target_at(t, at);
	next = xt_next(t, at) - at;
	if (target < l->head || next > left || target > next || !aligned(next) ||
	    !aligned(target) || !matches_fit(entry, l->head, target) ||
	    !target_fits(entry, target, next))
		return false;
	return !xt_verdict(t, at, &verdict) || verdict < 0 || (uint32_t)verdict < t->size;
}

/* A bit for every place at which an entry can begin. */
static unsigned char begun[XTABLES_BYTES / XT_ENTRY_ALIGN / 8 + 1];

static void note_begin(uint32_t at)
{
	begun[at / XT_ENTRY_ALIGN / 8] |= (unsigned char)(1u << at / XT_ENTRY_ALIGN % 8);
}

static bool is_begin(uint32_t at)
{
	return aligned(at) && begun[at / XT_ENTRY_ALIGN / 8] >> at / XT_ENTRY_ALIGN % 8 & 1;
}

/* Does every jump lead to an entry, and not into the midst of one? */
static bool jumps_fit(const struct xt_table *t)
{
	int32_t verdict;

	for (uint32_t at = 0; at < t->size; at = xt_next(t, at))
		if (xt_verdict(t, at, &verdict) && verdict >= 0 && !is_begin((uint32_t)verdict))
			return false;
	return true;
}

/* Offsets of the hooks that are met in their order, as the entries go by. */
static void meet(const struct xt_table *t, uint32_t at, unsigned *begins, unsigned *policies)
{
	for (unsigned hook = 0; hook < XT_HOOKS; hook++) {
		if (!(t->hooks & 1u << hook))
			continue;
		if (t->begin[hook] == at)
			*begins |= 1u << hook;
		if (t->policy[hook] == at && *begins & 1u << hook && xt_is_policy(t, at))
			*policies |= 1u << hook;
	}
}

int xt_check(const struct xt_table *t, struct err *e)
{
	static const char doing[] = "read a table of iptables";
	unsigned begins = 0, policies = 0;
	uint32_t at = 0, count = 0;

	if (t->size > XTABLES_BYTES)
		return err_set(e, ERR_STATE, doing, "it has %u bytes", t->size);
	memset(begun, 0, t->size / XT_ENTRY_ALIGN / 8 + 1);
	for (; at < t->size; at = xt_next(t, at), count++) {
		if (!entry_fits(t, at))
			return err_set(e, ERR_STATE, doing, "the entry at byte %u is malformed",
				       at);
		note_begin(at);
		meet(t, at, &begins, &policies);
	}
	if (count != t->count)
		return err_set(e, ERR_STATE, doing, "%u entries instead of %u", count, t->count);
	if (t->hooks >> XT_HOOKS || policies != t->hooks)
		return err_set(e, ERR_STATE, doing, "a hook leads to no entry");
	if (!jumps_fit(t))
		return err_set(e, ERR_STATE, doing, "a jump leads to no entry");
	return 0;
}

/* --- change ----------------------------------------------------------------------------------- */

/*
 * Bytes were put in at an offset (delta > 0), or taken out there: what lay behind it has moved.
 * A chain that begins just there, and an entry without a target, which goes on just there, now
 * have the new entry next; a policy just there has made room for it.
 */
static void move_offsets(struct xt_table *t, uint32_t at, uint32_t delta)
{
	for (unsigned hook = 0; hook < XT_HOOKS; hook++) {
		if (!(t->hooks & 1u << hook))
			continue;
		if (t->begin[hook] > at)
			t->begin[hook] += delta;
		if (t->policy[hook] >= at)
			t->policy[hook] += delta;
	}
	for (uint32_t i = 0; i < t->size; i = xt_next(t, i)) {
		int32_t verdict;

		if (xt_verdict(t, i, &verdict) && verdict > 0 && (uint32_t)verdict > at)
			xt_set_verdict(t, i, verdict + (int32_t)delta);
	}
}

/* For each entry that comes, what its counters take, old and new (xtables.c). */
#define ENTRY_COST 32

void xt_put(struct xt_table *t, uint32_t at, const unsigned char *bytes, uint32_t n,
	    unsigned entries)
{
	uint32_t cost = n + entries * ENTRY_COST;

	t->full |= cost > t->room;
	if (t->full)
		return;
	t->room -= cost;
	memmove(t->entries + at + n, t->entries + at, t->size - at);
	memcpy(t->entries + at, bytes, n);
	t->size += n;
	t->count += entries;
	move_offsets(t, at, n);
}

uint32_t xt_insert(struct xt_table *t, uint32_t at, const struct xt_rule *rule)
{
	_Alignas(8) unsigned char bytes[XT_RULE_MAX];
	uint32_t n = xt_build(bytes, t, rule);

	xt_put(t, at, bytes, n, 1);
	return t->full ? at : at + n;
}

void xt_cut(struct xt_table *t, uint32_t from, uint32_t to)
{
	for (uint32_t at = from; at < to; at = xt_next(t, at))
		t->count--;
	memmove(t->entries + from, t->entries + to, t->size - to);
	t->size -= to - from;
	move_offsets(t, from, from - to);
}

void xt_remove(struct xt_table *t, uint32_t at)
{
	xt_cut(t, at, xt_next(t, at));
}

/* --- counters --------------------------------------------------------------------------------- */

void xt_number(struct xt_table *t)
{
	uint64_t number = 0;

	for (uint32_t at = 0; at < t->size; at = xt_next(t, at)) {
		number++;
		memcpy(t->entries + at + xt_layout(t)->counters, &number, sizeof(number));
	}
}

uint32_t xt_origin(const struct xt_table *t, uint32_t at)
{
	uint64_t number;

	memcpy(&number, t->entries + at + xt_layout(t)->counters, sizeof(number));
	return (uint32_t)number;
}
