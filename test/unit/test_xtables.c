/*
 * netfilter/xt_table: legacy tables as bytes, against what iptables-legacy left in the kernel.
 */
#include "xt_golden.h"

/* --- check ------------------------------------------------------------------------------------ */

static void test_good(void **state)
{
	(void)state;
	for (unsigned i = 0; i < golden_count; i++) {
		struct xt_table t = copy_of(&goldens[i], goldens[i].size, 0);

		assert_true(good(&t));
		free(t.entries);
	}
}

/* Whatever is behind the cut is another's memory. */
static void test_cut_at_every_byte(void **state)
{
	(void)state;
	for (unsigned i = 0; i < golden_count; i++)
		for (uint32_t size = 1; size < goldens[i].size; size++) {
			struct xt_table t = copy_of(&goldens[i], size, 0);

			assert_false(good(&t));
			for (t.count = 0; t.count < goldens[i].info.num_entries; t.count++)
				if (good(&t))
					assert_int_equal(size % XT_ENTRY_ALIGN, 0);
			free(t.entries);
		}
}

/* All that is ever done to a table, done to this one. */
static void use(struct xt_table *t)
{
	struct xt_rule rule = {
		.source = subnet(t->family), .what = XT_DO_MASQUERADE, .mark = XT_MARK};
	uint16_t ports[XT_PORTS_MAX];
	struct owner_tag tag;
	struct nft_rule read;

	xt_number(t);
	for (unsigned hook = 0; hook < XT_HOOKS; hook++) {
		if (!(t->hooks & 1u << hook))
			continue;
		for (uint32_t at = t->begin[hook]; at <= t->policy[hook]; at = xt_next(t, at)) {
			xt_read(&read, t, hook, at);
			xt_equal(t, at, &rule);
			xt_origin(t, at);
			xt_mark(t, at);
			assert_true(strlen(read.target) < XT_FUNCTION_MAXNAMELEN);
			assert_true(xt_ports(t, at, ports) <= XT_PORTS_MAX);
			xt_owner(t, at, &tag);
		}
		xt_insert(t, t->begin[hook], &rule);
		xt_insert(t, t->policy[hook], &rule);
		xt_remove(t, t->begin[hook]);
	}
	xt_chain_make(t, "MINE");
	rule.parts = &xt_parts;
	rule.what = XT_DO_JUMP;
	rule.chain = "MINE";
	xt_insert(t, 0, &rule);
	xt_chain_remove(t, "USER");
	xt_chain_remove(t, "MINE");
}

static void test_every_byte_wrong(void **state)
{
	static const unsigned char flips[] = {0x01, 0x08, 0x80, 0xff};
	unsigned accepted = 0;

	(void)state;
	for (unsigned i = 0; i < golden_count; i++) {
		const struct golden *g = &goldens[i];

		if (strcmp(g->name, "busy") != 0 && strcmp(g->name, "outside") != 0)
			continue;
		for (uint32_t at = 0; at < g->size; at++)
			for (unsigned f = 0; f < ARRAY_SIZE(flips); f++) {
				struct xt_table t = copy_of(g, g->size, 0);

				t.entries[at] ^= flips[f];
				if (good(&t)) {
					t.entries = realloc(t.entries,
							    g->size + 2 * XT_HOOKS * XT_RULE_MAX);
					assert_non_null(t.entries);
					use(&t);
					accepted++;
				}
				free(t.entries);
			}
	}
	assert_true(accepted > 0);
}

static void test_hooks_that_lead_nowhere(void **state)
{
	const struct golden *g = find(4, "busy");
	struct xt_table t = copy_of(g, g->size, 0);

	(void)state;
	for (uint32_t at = 0; at < g->size + 16; at++) {
		struct xt_table wrong = t;

		wrong.policy[FORWARD] = at;
		/* An entry that looks like a policy, behind the chain's begin, may well be one. */
		assert_true(!good(&wrong) || (at >= t.begin[FORWARD] && xt_is_policy(&t, at)));
		wrong = t;
		wrong.begin[FORWARD] = at;
		/* Anywhere before its policy would do for what is done here. */
		assert_true(!good(&wrong) || at <= t.policy[FORWARD]);
	}
	t.hooks |= 1u << XT_HOOKS;
	assert_false(good(&t));
	free(t.entries);
}

/* --- read ------------------------------------------------------------------------------------- */

static const char *side_words(const struct nft_match_address *m)
{
	static char text[2][PREFIX_TEXT + 2];
	static unsigned turn;
	char *out = text[turn++ % 2];

	if (!m->set)
		return "-";
	out[0] = '!';
	prefix_format(out + m->negated, &m->prefix);
	return out;
}

/* The rules of the golden, in its order: what becomes of packets, from, to, interfaces, others. */
static void test_kinds(void **state)
{
	static const char *const actions[] = {
		[NFT_ACTION_NONE] = "none", [NFT_ACTION_ACCEPT] = "accept",
		[NFT_ACTION_DROP] = "drop", [NFT_ACTION_REJECT] = "reject",
		[NFT_ACTION_JUMP] = "jump", [NFT_ACTION_MASQUERADE] = "masquerade",
		[NFT_ACTION_SNAT] = "snat", [NFT_ACTION_TARGET] = "target",
	};
	static const char *const kinds[] = {
		"accept - - .", "drop - - .",	 "reject - - .", "drop - - .",	 "target - - .",
		"none - - .",	"jump - - .",	 "jump - - .",	 "target - - .", "accept N - .",
		"accept - N .", "accept !N - .", "drop - !N .",	 "accept N N .", "accept - - o",
		"drop - - i",	"drop - - i",	 "drop - - i",	 "drop - - o",	 "drop - - .",
		"drop - - o",
	};

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_table t = table(family, "kinds");
		uint32_t at = t.begin[FORWARD];
		char n[PREFIX_TEXT], want[256], got[256];
		struct prefix p = network(family);

		prefix_format(n, &p);
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++, at = xt_next(&t, at)) {
			struct nft_rule r;
			size_t used = 0;

			for (const char *k = kinds[i]; *k; k++) {
				const char letter[] = {*k, '\0'};

				used += (size_t)snprintf(want + used, sizeof(want) - used, "%s",
							 *k == 'N' ? n : letter);
			}
			xt_read(&r, &t, FORWARD, at);
			snprintf(got, sizeof(got), "%s %s %s %s", actions[r.action],
				 side_words(&r.source), side_words(&r.destination),
				 r.other			    ? "o"
				 : r.iifname.name || r.oifname.name ? "i"
								    : ".");
			assert_string_equal(got, want);
			assert_false(r.ours);
		}
		assert_int_equal(at, t.policy[FORWARD]);
		free(t.entries);
	}
}

/* --- change ----------------------------------------------------------------------------------- */

static uint32_t before_reject(const struct xt_table *t)
{
	struct nft_rule r;
	uint32_t at = t->begin[FORWARD];

	for (xt_read(&r, t, FORWARD, at); r.action != NFT_ACTION_REJECT;
	     xt_read(&r, t, FORWARD, at))
		at = xt_next(t, at);
	return at;
}

/* Put in, it is what iptables-legacy made of the same rules; taken out, what was there before. */
static void test_accepts_as_if_typed(void **state)
{
	static const char *const names[] = {"empty", "busy", "dropping"};

	(void)state;
	for (int family = 4; family <= 6; family += 2)
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
			struct prefix p = network(family);
			struct xt_rule from = {.source = p, .mark = XT_MARK | 7};
			struct xt_rule to = {.destination = p, .mark = XT_MARK};
			struct xt_table t = table(family, names[i]);
			struct xt_table before = table(family, names[i]), typed;
			char plus[16];
			uint32_t at = i == 2 ? before_reject(&t) : t.policy[FORWARD], second;
			struct nft_rule r;

			snprintf(plus, sizeof(plus), "%s+", names[i]);
			typed = table(family, plus);
			second = xt_insert(&t, at, &from);
			xt_insert(&t, second, &to);
			assert_true(xt_equal(&t, at, &from) && xt_equal(&t, second, &to));
			assert_true(xt_equal(&typed, at, &from) && !xt_equal(&typed, at, &to));
			assert_int_equal(xt_mark(&t, at), XT_MARK | 7);
			xt_read(&r, &t, FORWARD, at);
			assert_true(r.ours && r.action == NFT_ACTION_ACCEPT);
			{
				struct xt_table again =
					copy_of(find(family, names[i]), before.size, 1024);

				xt_insert(&again, at, &to);
				xt_insert(&again, at, &from);
				assert_same(&again, &typed);
			}
			xt_remove(&t, second);
			xt_remove(&t, at);
			assert_same(&t, &before);
		}
}

static void test_masquerade_as_if_typed(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_rule all = {.source = subnet(family),
				      .out = "cni0",
				      .not_out = true,
				      .what = XT_DO_MASQUERADE};
		struct xt_rule outside = {.source = subnet(family),
					  .destination = network(family),
					  .not_destination = true,
					  .what = XT_DO_MASQUERADE};
		struct xt_table t = table(family, "nat"), typed = table(family, "all");

		xt_insert(&t, t.policy[POSTROUTING], &all);
		assert_same(&t, &typed);
		t = table(family, "nat");
		typed = table(family, "outside");
		xt_insert(&t, t.policy[POSTROUTING], &outside);
		assert_false(xt_equal(&t, t.begin[POSTROUTING], &all));
		assert_same(&t, &typed);
	}
}

/* Counters find their way: each entry knows its old place, the new ones know none. */
static void test_origins(void **state)
{
	struct xt_table t = table(4, "busy");
	struct xt_rule rule = {.source = network(4)};
	uint32_t inserted = t.policy[FORWARD], removed = t.begin[FORWARD], want = 0;

	(void)state;
	xt_number(&t);
	xt_insert(&t, inserted, &rule);
	inserted -= xt_next(&t, removed) - removed;
	xt_remove(&t, removed);
	for (uint32_t at = 0; at < t.size; at = xt_next(&t, at)) {
		if (at == removed)
			want++;
		assert_int_equal(xt_origin(&t, at), at == inserted ? 0 : ++want);
	}
	assert_int_equal(want, find(4, "busy")->info.num_entries);
	free(t.entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_every_byte_wrong),
		cmocka_unit_test(test_hooks_that_lead_nowhere),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_accepts_as_if_typed),
		cmocka_unit_test(test_masquerade_as_if_typed),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
