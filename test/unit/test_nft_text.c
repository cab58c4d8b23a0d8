/* net/nft_text, net/nft_value: a rule reads as nft lists it. */
#include "rules_golden.h"

#include "base/compiler.h"
#include "netfilter/nft_text.h"

#define TEXTS "test/unit/golden/rules.txt"

/* What is not shown, and says so. */
static bool is_beyond(const char *name)
{
	static const char *const names[] = {"limit",	"length",  "status",	  "mark-set",
					    "in-maybe", "in-vmap", "return-maybe"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static const char *text_of(const char *name, size_t size)
{
	static char text[400];
	const struct nft_kept_rule *found = NULL;

	empty_ruleset(NULL);
	keep(name);
	for (struct nft_kept_chain *c = dump.chains; c; c = c->next) {
		if (!c->first)
			continue;
		found = c->first;
		nft_text_rule(text, size, &dump, &c->chain, found);
	}
	assert_non_null(found);
	return text;
}

static void test_as_nft_lists_it(void **state)
{
	FILE *f = fopen(TEXTS, "r");
	char line[512];
	unsigned seen = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *blank = strchr(line, ' ');
		const char *text, *expected = blank + 1;

		assert_non_null(blank);
		*blank = '\0';
		blank[strcspn(blank + 1, "\n") + 1] = '\0';
		if (is_beyond(line))
			expected = "a rule that cannot be shown, handle 0";
		text = text_of(line, 400);
		if (strcmp(text, expected) != 0)
			fail_msg("%s: '%s' instead of '%s'", line, text, expected);
		seen++;
	}
	fclose(f);
	assert_int_equal(seen, 56);
}

static void test_cut_to_size(void **state)
{
	(void)state;
	assert_string_equal(text_of("exact", 20), "ip saddr 10.244.0.2");
	assert_string_equal(text_of("exact", 12), "ip saddr 10");
	assert_string_equal(text_of("exact", 1), "");
}

static void test_broken_off_anywhere(void **state)
{
	char text[400];

	(void)state;
	for (unsigned i = 0; i < golden_count; i++) {
		const struct nlmsghdr *h =
			find_message(&goldens[i], NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE);

		for (uint32_t len = sizeof(struct nlmsghdr); h && len <= h->nlmsg_len; len++) {
			struct nlmsghdr *cut = malloc(len);
			struct nft_kept_chain *c;
			struct verdict v;
			struct packet p = request();
			struct err e = {0};

			assert_non_null(cut);
			memcpy(cut, h, len);
			cut->nlmsg_len = len;
			empty_ruleset(NULL);
			assert_int_equal(nft_dump_take(&dump, cut, &e), 0);
			free(cut);
			for (c = dump.chains; c; c = c->next) {
				nft_eval_chain(&dump, c, &p, &v);
				if (c->first)
					nft_text_rule(text, sizeof(text), &dump, &c->chain,
						      c->first);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_nft_lists_it),
		cmocka_unit_test(test_cut_to_size),
		cmocka_unit_test(test_broken_off_anywhere),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
