/*
 * Chains of a legacy table. One that somebody made begins with an entry whose target is the error
 * that has its name, and ends with an entry that returns; the table ends with one more error.
 */
#include <linux/netfilter/x_tables.h>
#include <stddef.h>

#include "netfilter/xt_layout.h"

static const char *const built_in[XT_HOOKS] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					       "POSTROUTING"};

/* Bytes of the entry with a chain's name. */
static uint32_t head_size(const struct xt_table *t)
{
	return xt_layout(t)->head + (uint32_t)XT_ALIGN(sizeof(struct xt_error_target));
}

/* The name in the entry; NULL: it has none, or it is the table's last. */
static const char *name_in(const struct xt_table *t, uint32_t at)
{
	const char *name = (const char *)t->entries + at + xt_layout(t)->head +
			   offsetof(struct xt_error_target, errorname);

	if (xt_next(t, at) - at != head_size(t) || xt_next(t, at) == t->size ||
	    xt_target_at(t, at) != xt_layout(t)->head ||
	    strcmp(xt_target_name(t, at), XT_ERROR_TARGET) != 0 ||
	    !memchr(name, '\0', XT_FUNCTION_MAXNAMELEN))
		return NULL;
	return name;
}

const char *xt_chain_name(const struct xt_table *t, uint32_t begin)
{
	uint32_t at = begin - head_size(t);

	/* An offset that somebody else put in need not lead to an entry at all. */
	if (begin < head_size(t) || begin >= t->size || at % XT_ENTRY_ALIGN ||
	    xt_u16(t, at + xt_layout(t)->next_offset) != head_size(t) ||
	    xt_target_at(t, at) != xt_layout(t)->head)
		return NULL;
	return name_in(t, at);
}

bool xt_chain(const struct xt_table *t, const char *name, struct xt_chain *c)
{
	bool found = false;

	for (unsigned hook = 0; hook < XT_HOOKS; hook++) {
		if (!(t->hooks & 1u << hook) || strcmp(built_in[hook], name) != 0)
			continue;
		*c = (struct xt_chain){t->begin[hook], t->policy[hook]};
		return true;
	}
	for (uint32_t at = 0; at < t->size; at = xt_next(t, at)) {
		const char *its = name_in(t, at);

		if (found && (its || xt_next(t, at) == t->size))
			return true;
		if (found)
			c->end = at;
		if (its && strcmp(its, name) == 0) {
			c->begin = c->end = xt_next(t, at);
			found = true;
		}
	}
	return false;
}

bool xt_chain_make(struct xt_table *t, const char *name)
{
	_Alignas(8) unsigned char bytes[XT_RULE_MAX];
	struct xt_chain c;
	uint32_t at = 0;

	if (xt_chain(t, name, &c))
		return false;
	/* They are sorted, for those who look them up by halves: libiptc. */
	for (; xt_next(t, at) < t->size; at = xt_next(t, at)) {
		const char *its = name_in(t, at);

		if (its && strcmp(its, name) > 0)
			break;
	}
	xt_put(t, at, bytes, xt_build_chain(bytes, t, name), 2);
	return true;
}

unsigned xt_chain_sift(struct xt_table *t, const char *name, xt_goes_fn *goes, void *arg)
{
	uint32_t count = t->count;
	struct xt_chain c;

	if (!xt_chain(t, name, &c))
		return 0;
	for (uint32_t at = c.begin; at < c.end;) {
		uint32_t next = xt_next(t, at);

		if (goes(t, at, arg)) {
			xt_cut(t, at, next);
			c.end -= next - at;
		} else {
			at = next;
		}
	}
	return count - t->count;
}

static bool jumps_to(const struct xt_table *t, uint32_t at, uint32_t begin)
{
	int32_t verdict;

	return xt_verdict(t, at, &verdict) && verdict >= 0 && (uint32_t)verdict == begin;
}

bool xt_chain_used(const struct xt_table *t, const char *name)
{
	struct xt_chain c;

	if (!xt_chain(t, name, &c))
		return false;
	for (uint32_t at = 0; at < t->size; at = xt_next(t, at))
		if (jumps_to(t, at, c.begin))
			return true;
	return false;
}

unsigned xt_chain_remove(struct xt_table *t, const char *name)
{
	struct xt_chain c;
	uint32_t count = t->count;

	if (!xt_chain(t, name, &c))
		return 0;
	for (uint32_t at = 0; at < t->size;) {
		if (!jumps_to(t, at, c.begin)) {
			at = xt_next(t, at);
			continue;
		}
		xt_remove(t, at);
		xt_chain(t, name, &c); /* it may have moved */
	}
	xt_cut(t, c.begin - head_size(t), xt_next(t, c.end));
	return count - t->count;
}
