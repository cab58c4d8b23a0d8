/*
 * net/xt_table: legacy tables as bytes, against what iptables-legacy left in the kernel
 * (golden/record-xtables.py).
 */
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

static uint32_t unhex(unsigned char *bytes, uint32_t max, const char *hex)
{
	size_t n = 0;

	for (; hex[2 * n] && n < max; n++) {
		char byte[3] = {hex[2 * n], hex[2 * n + 1], '\0'};

		bytes[n] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return (uint32_t)n;
}

static int read_goldens(void **state)
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
static struct xt_table copy_of(const struct golden *g, uint32_t size, uint32_t more)
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

static struct xt_table table(int family, const char *name)
{
	const struct golden *g = find(family, name);

	return copy_of(g, g->size, 16 * XT_RULE_MAX);
}

static bool good(const struct xt_table *t)
{
	struct err e = {0};

	if (xt_check(t, &e) == 0)
		return true;
	assert_int_equal(e.code, ERR_STATE);
	return false;
}

/* Equal but for what the kernel writes itself (counters, comefrom) and for our mark. */
static void assert_same(struct xt_table *got, struct xt_table *want)
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

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	return p;
}

static struct prefix network(int family)
{
	return prefix(family == 4 ? "10.244.0.0/16" : "fd00:10:244::/48");
}

static struct prefix subnet(int family)
{
	return prefix(family == 4 ? "10.244.0.0/24" : "fd00:10:244::/64");
}

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

/* --- chains ----------------------------------------------------------------------------------- */

static void append(struct xt_table *t, const char *chain, const struct xt_rule *rule)
{
	struct xt_rule whole = *rule;
	struct xt_chain c;

	whole.parts = &xt_parts;
	assert_true(xt_chain(t, chain, &c));
	xt_insert(t, c.end, &whole);
	assert_false(t->full);
}

static struct ip pod_ip(int family)
{
	struct ip ip;

	assert_true(ip_parse(&ip, family == 4 ? "10.244.0.2" : "fd00:10:244::2"));
	return ip;
}

/* Made in any order, the chains stand where iptables-legacy puts them. */
static void make_chains(struct xt_table *t)
{
	assert_true(xt_chain_make(t, "POD"));
	assert_true(xt_chain_make(t, "SHARED"));
	assert_true(xt_chain_make(t, "A-CHAIN"));
	assert_false(xt_chain_make(t, "POD"));
	assert_false(xt_chain_make(t, "OUTPUT"));
}

static void fill_chains(struct xt_table *t, int family)
{
	static const uint16_t ports[] = {8080, 9090};
	static const struct {
		uint8_t proto;
		uint16_t port;
	} mapped[] = {{6, 8080}, {17, 53}, {132, 9}};

	append(t, "PREROUTING",
	       &(struct xt_rule){.local = true, .what = XT_DO_JUMP, .chain = "SHARED"});
	append(t, "OUTPUT",
	       &(struct xt_rule){
		       .state = XT_STATE_DNAT, .comment = "a comment", .what = XT_DO_ACCEPT});
	append(t, "POSTROUTING", &(struct xt_rule){.marked = 0x2000, .what = XT_DO_MASQUERADE});
	append(t, "POD",
	       &(struct xt_rule){
		       .source = subnet(family), .not_source = true, .what = XT_DO_RETURN});
	append(t, "POD", &(struct xt_rule){.in = "eth0", .not_in = true, .what = XT_DO_RETURN});
	append(t, "POD",
	       &(struct xt_rule){.source = subnet(family),
				 .proto = 6,
				 .port = 8080,
				 .what = XT_DO_JUMP,
				 .chain = "A-CHAIN"});
	for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++)
		append(t, "POD",
		       &(struct xt_rule){.proto = mapped[i].proto,
					 .port = mapped[i].port,
					 .what = XT_DO_DNAT,
					 .to = pod_ip(family),
					 .to_port = 80});
	append(t, "A-CHAIN", &(struct xt_rule){.what = XT_DO_MARK, .bits = 0x2000});
	append(t, "SHARED",
	       &(struct xt_rule){.proto = 6,
				 .ports = ports,
				 .port_count = 2,
				 .comment = "whose",
				 .what = XT_DO_JUMP,
				 .chain = "POD"});
}

static void test_chains_as_if_typed(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_table t = table(family, "nat"), typed = table(family, "ports");

		make_chains(&t);
		assert_true(good(&t));
		fill_chains(&t, family);
		assert_same(&t, &typed);
	}
}

static void test_chains_are_removed(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_table t = table(family, "ports"), empty = table(family, "nat");
		struct xt_chain c;

		assert_true(xt_chain_used(&t, "A-CHAIN"));
		assert_int_equal(xt_chain_remove(&t, "POD"),
				 2 + 6 + 1); /* its ends, rules, a jump */
		assert_true(good(&t));
		assert_false(xt_chain_used(&t, "A-CHAIN"));
		assert_false(xt_chain(&t, "POD", &c));
		assert_int_equal(xt_chain_remove(&t, "POD"), 0);
		assert_int_equal(xt_chain_remove(&t, "SHARED"), 3);
		assert_int_equal(xt_chain_remove(&t, "A-CHAIN"), 3);
		assert_true(good(&t));
		xt_remove(&t, t.begin[NF_INET_LOCAL_OUT]);
		xt_remove(&t, t.begin[POSTROUTING]);
		assert_same(&t, &empty);
	}
}

static void test_what_stands_in_chains(void **state)
{
	uint16_t ports[XT_PORTS_MAX];
	struct xt_table t = table(4, "ports");
	struct nft_rule rule;
	struct xt_chain c;

	(void)state;
	assert_true(xt_chain(&t, "SHARED", &c));
	assert_string_equal(xt_chain_name(&t, c.begin), "SHARED");
	assert_null(xt_chain_name(&t, c.end));
	assert_int_equal(xt_next(&t, c.begin), c.end);
	xt_read(&rule, &t, POSTROUTING, c.begin);
	assert_true(rule.action == NFT_ACTION_JUMP);
	assert_string_equal(rule.target, "POD");
	assert_string_equal(rule.xt_comment, "whose");
	assert_int_equal(xt_proto(&t, c.begin), 6);
	assert_int_equal(xt_ports(&t, c.begin, ports), 2);
	assert_true(ports[0] == 8080 && ports[1] == 9090);
	assert_true(xt_chain(&t, "POD", &c));
	xt_read(&rule, &t, POSTROUTING, c.begin);
	assert_true(rule.action == NFT_ACTION_RETURN);
	assert_false(xt_chain(&t, "FORWARD", &c)); /* nat has none */
	assert_false(xt_chain(&t, "ERROR", &c));   /* the table's end */
	free(t.entries);
}

/* Nobody sees an owner who does not look for it: the rule is equal to one without. */
static void test_owners(void **state)
{
	const struct owner owner = {"mynet", "c1", "eth0"};
	struct owner_tag tag = owner_tag(&owner), found;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_table t = table(family, "nat");
		struct xt_rule rule = {.source = subnet(family), .mark = XT_MARK, .owner = &tag};
		uint32_t at = t.begin[POSTROUTING];
		struct nft_rule read;

		xt_insert(&t, at, &rule);
		assert_true(good(&t) && xt_owner(&t, at, &found) && owner_tag_equal(&found, &tag));
		xt_read(&read, &t, POSTROUTING, at);
		assert_true(read.owned && !read.iifname.name && !read.oifname.name);
		rule.owner = NULL;
		assert_true(xt_equal(&t, at, &rule));
		rule.comment = "is not compared";
		assert_true(xt_equal(&t, at, &rule));
		xt_insert(&t, at, &rule);
		assert_true(xt_equal(&t, at, &rule) && !xt_owner(&t, at, &found));
		rule.in = "eth0";
		rule.owner = &tag;
		assert_false(xt_equal(&t, at, &rule));
		xt_insert(&t, at, &rule); /* no room for it */
		assert_false(xt_owner(&t, at, &found));
		free(t.entries);
	}
}

static void test_no_room(void **state)
{
	const struct golden *g = find(4, "nat");
	struct xt_table t = copy_of(g, g->size, 512);
	struct xt_rule rule = {.source = subnet(4)};
	uint32_t at = t.begin[POSTROUTING], size;

	(void)state;
	for (unsigned i = 0; i < 16 && !t.full; i++)
		xt_insert(&t, at, &rule);
	assert_true(t.full && good(&t));
	size = t.size;
	xt_chain_make(&t, "POD");
	assert_int_equal(t.size, size);
	free(t.entries);
}

static void test_longest_rule_fits(void **state)
{
	static const uint16_t ports[XT_PORTS_MAX + 5];
	unsigned char bytes[XT_RULE_MAX];
	struct xt_table t = {.family = 6};
	char comment[400] = "";
	struct xt_rule rule = {
		.parts = &xt_parts,
		.source = network(6),
		.destination = network(6),
		.out = "a-name-too-long-for-a-link",
		.not_out = true,
		.proto = 132,
		.port = 80,
		.ports = ports,
		.port_count = ARRAY_SIZE(ports),
		.local = true,
		.marked = 1,
		.state = XT_STATE_DNAT,
		.comment = memset(comment, 'x', sizeof(comment) - 1),
		.what = XT_DO_DNAT,
	};

	(void)state;
	assert_in_range(xt_build(bytes, &t, &rule), 1, XT_RULE_MAX);
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
		cmocka_unit_test(test_chains_as_if_typed),
		cmocka_unit_test(test_chains_are_removed),
		cmocka_unit_test(test_what_stands_in_chains),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_longest_rule_fits),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
