/*
 * Legacy tables as iptables-legacy left them in the kernel (golden/record-xtables.py), and what tests of
 * them have in common.
 */
#ifndef XT_GOLDEN_H
#define XT_GOLDEN_H

#include "unit.h"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "netfilter/xt_layout.h"

#define GOLDEN	    "test/unit/golden/xtables.hex"
#define GOLDEN_MAX  32
#define ENTRIES_MAX 16384
#define FORWARD	    NF_INET_FORWARD
#define POSTROUTING NF_INET_POST_ROUTING

struct golden {
	char name[16];
	int family;
	struct ipt_getinfo info;
	uint32_t size;
	_Alignas(8) unsigned char entries[ENTRIES_MAX];
};

static struct golden goldens[GOLDEN_MAX];
static unsigned golden_count;

static inline uint32_t unhex(unsigned char *bytes, uint32_t max, const char *hex)
{
	size_t n = 0;

	for (; hex[2 * n] && n < max; n++) {
		char byte[3] = {hex[2 * n], hex[2 * n + 1], '\0'};

		bytes[n] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return (uint32_t)n;
}

static inline int read_goldens(void **state)
{
	static char info[256], entries[2 * ENTRIES_MAX + 1];
	FILE *f = fopen(GOLDEN, "r");
	struct golden *g = goldens;

	(void)state;
	if (!f)
		return -1;
	for (; fscanf(f, "%15s %d %255s %32768s", g->name, &g->family, info, entries) == 4; g++) {
		unhex((void *)&g->info, sizeof(g->info), info);
		g->size = unhex(g->entries, sizeof(g->entries), entries);
	}
	golden_count = (unsigned)(g - goldens);
	return fclose(f) || golden_count == 0;
}

/* A table in memory of its own, just as large as need be, so that ASan sees every step beyond. */
static inline struct xt_table copy_of(const struct golden *g, uint32_t size, uint32_t more)
{
	struct xt_table t = {
		.family = (uint8_t)g->family,
		.entries = malloc(size + more),
		.size = size,
		.room = more,
		.count = g->info.num_entries,
		.hooks = g->info.valid_hooks,
	};

	assert_non_null(t.entries);
	memcpy(t.entries, g->entries, size);
	memcpy(t.begin, g->info.hook_entry, sizeof(t.begin));
	memcpy(t.policy, g->info.underflow, sizeof(t.policy));
	return t;
}

static const struct golden *find(int family, const char *name)
{
	for (unsigned i = 0; i < golden_count; i++)
		if (goldens[i].family == family && strcmp(goldens[i].name, name) == 0)
			return &goldens[i];
	fail_msg("no %s in " GOLDEN, name);
	return NULL;
}

static inline struct xt_table table(int family, const char *name)
{
	const struct golden *g = find(family, name);

	return copy_of(g, g->size, 16 * XT_RULE_MAX);
}

static inline bool good(const struct xt_table *t)
{
	struct err e = {0};

	if (xt_check(t, &e) == 0)
		return true;
	assert_int_equal(e.code, ERR_STATE);
	return false;
}

/* Equal but for what the kernel writes itself (counters, comefrom) and for our mark. */
static inline void assert_same(struct xt_table *got, struct xt_table *want)
{
	const struct xt_layout *l = xt_layout(got);

	assert_int_equal(got->size, want->size);
	assert_int_equal(got->count, want->count);
	assert_memory_equal(got->begin, want->begin, sizeof(got->begin));
	assert_memory_equal(got->policy, want->policy, sizeof(got->policy));
	assert_true(good(got));
	for (uint32_t at = 0; at < got->size; at = xt_next(got, at)) {
		struct xt_table *both[] = {got, want};

		for (unsigned i = 0; i < ARRAY_SIZE(both); i++) {
			memset(both[i]->entries + at + l->nfcache, 0, 4);
			memset(both[i]->entries + at + l->next_offset + 2, 0,
			       l->head - l->next_offset - 2u);
		}
		assert_memory_equal(got->entries + at, want->entries + at, xt_next(got, at) - at);
	}
	free(got->entries);
	free(want->entries);
}

static inline struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	return p;
}

static inline struct prefix network(int family)
{
	return prefix(family == 4 ? "10.244.0.0/16" : "fd00:10:244::/48");
}

static inline struct prefix subnet(int family)
{
	return prefix(family == 4 ? "10.244.0.0/24" : "fd00:10:244::/64");
}

#endif
