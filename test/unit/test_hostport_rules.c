/* net/hostport_rules and net/nft_set: maps, elements and rules as nft sends them. */
#include "nft_golden.h"

#include "base/compiler.h"
#include "netfilter/hostport_table.h"
#include "netfilter/nft_read.h"

#define TCP 6
#define UDP 17

static struct hostport_settings settings(const char *pod)
{
	return (struct hostport_settings){.pod = prefix(pod), .snat = true, .mark = 0x2000};
}

static struct ip ip(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(&ip, text));
	return ip;
}

/* The op-th message that is built, as a rule. */
static struct nft_rule rule_of(struct nl_batch *b, unsigned op)
{
	struct nft_rule rule;

	assert_true(nft_read_rule(&rule, built(b, op)));
	return rule;
}

/* --- rules ------------------------------------------------------------------------------------ */

static void test_rules_are_nfts(void **state)
{
	struct hostport_settings four = settings("10.244.0.2/24"), six = settings("fd00::2/64");
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	put_hostport_rules(&b, &four, "old", false);
	assert_int_equal(b.ops, 3);
	assert_expressions(built(&b, 0), golden_rule("set-mark"));
	assert_expressions(built(&b, 2), golden_rule("dnat"));

	nl_batch_init(&b);
	put_hostport_rules(&b, &four, "olds", true);
	assert_expressions(built(&b, 0), golden_rule("dnat-address"));

	nl_batch_init(&b);
	put_hostport_rules(&b, &six, "olds", true);
	assert_int_equal(b.ops, 2); /* nothing comes from 127.0.0.1 */
	assert_expressions(built(&b, 0), golden_rule("dnat-address6"));

	nl_batch_init(&b);
	put_hostport_base(&b, 4);
	assert_int_equal(b.ops, 3);
	assert_expressions(built(&b, 0), golden_rule("local"));
	assert_expressions(built(&b, 1), golden_rule("local"));

	nl_batch_init(&b);
	put_hostport_masquerade(&b, 4, 0x2000);
	assert_expressions(built(&b, 0), golden_rule("masquerade-mark"));
}

/* Whatever comes first in a chain is put in last. */
static void test_order(void **state)
{
	struct hostport_settings set = settings("10.244.0.2/24");
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	put_hostport_rules(&b, &set, "m", false);
	for (unsigned i = 0; i < b.ops; i++)
		assert_true(built(&b, i)->nlmsg_flags & NLM_F_APPEND);
	assert_string_equal(b.label[2], "map ports of the host");
	nl_batch_init(&b);
	put_hostport_rules(&b, &set, "m", true);
	for (unsigned i = 0; i < b.ops; i++)
		assert_false(built(&b, i)->nlmsg_flags & NLM_F_APPEND);
	assert_string_equal(b.label[0], "map ports of the host");
}

static void test_what_settings_leave_out(void **state)
{
	struct hostport_settings set = settings("10.244.0.2/24");
	struct nl_batch b;

	(void)state;
	set.masquerade_all = true;
	nl_batch_init(&b);
	put_hostport_rules(&b, &set, "m", false);
	assert_int_equal(b.ops, 2);
	assert_false(rule_of(&b, 0).source.set);
	set.snat = false;
	nl_batch_init(&b);
	put_hostport_rules(&b, &set, "m", false);
	assert_int_equal(b.ops, 1);
}

static void test_conditions(void **state)
{
	const struct hostport_condition conditions[] = {
		{.what = HOSTPORT_SOURCE, .negated = true, .prefix = prefix("192.0.2.0/24")},
		{.what = HOSTPORT_DESTINATION, .prefix = prefix("10.0.0.1/32")},
		{.what = HOSTPORT_IN, .ifname = "eth0"},
	};
	struct hostport_settings set = settings("10.244.0.2/24");
	struct nl_batch b;

	(void)state;
	set.conditions = conditions;
	set.condition_count = ARRAY_SIZE(conditions);
	set.masquerade_all = true;
	nl_batch_init(&b);
	put_hostport_rules(&b, &set, "m", false);
	for (unsigned i = 0; i < b.ops; i++) {
		struct nft_rule rule = rule_of(&b, i);

		assert_true(rule.source.set && rule.source.negated);
		assert_true(prefix_equal(&rule.source.prefix, &conditions[0].prefix));
		assert_true(prefix_equal(&rule.destination.prefix, &conditions[1].prefix));
		assert_string_equal(rule.iifname.name, "eth0");
	}
}

/* --- maps and elements ------------------------------------------------------------------------ */

static void test_map_names(void **state)
{
	struct hostport_settings set = settings("10.244.0.2/24"), other = settings("10.244.0.9/24");
	char a[NFT_SET_NAME], b[NFT_SET_NAME];

	(void)state;
	hostport_map_name(a, &set, false);
	hostport_map_name(b, &other, false);
	assert_string_equal(a, b); /* pods of one subnet share it */
	assert_memory_equal(a, "ports-", 6);
	assert_int_equal(strlen(a), 24);
	hostport_map_name(b, &set, true);
	assert_memory_equal(b, "addresses-", 10);
	other = settings("10.245.0.9/24");
	hostport_map_name(b, &other, false);
	assert_string_not_equal(a, b);
	other = set;
	other.mark = 1;
	hostport_map_name(b, &other, false);
	assert_string_not_equal(a, b);
	other = set;
	other.snat = false;
	hostport_map_name(b, &other, false);
	assert_string_not_equal(a, b);
}

static void compare_map(uint8_t family, const char *name, bool by_address, const char *golden)
{
	const struct nlattr *ours[NFTA_SET_ID + 1], *theirs[NFTA_SET_ID + 1];
	struct nl_batch b;

	nl_batch_init(&b);
	put_hostport_map(&b, family, name, by_address);
	nl_attrs_of(ours, NFTA_SET_ID, built(&b, 0), sizeof(struct nfgenmsg));
	nl_attrs_of(theirs, NFTA_SET_ID,
		    message(golden, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET),
		    sizeof(struct nfgenmsg));
	for (unsigned i = NFTA_SET_NAME; i <= NFTA_SET_ID; i++) {
		size_t a_len, b_len;
		const void *x = nl_data(ours[i], &a_len), *y = nl_data(theirs[i], &b_len);

		assert_int_equal(a_len, b_len);
		if (x)
			assert_memory_equal(x, y, a_len);
	}
}

static void test_maps_are_nfts(void **state)
{
	(void)state;
	compare_map(4, "ports", false, "map");
	compare_map(6, "addresses", true, "map6");
}

static int take_element(const struct nft_element *x, void *arg, struct err *e)
{
	(void)e;
	*(struct nft_element *)arg = *x;
	return 0;
}

/* The only element in a message about elements. */
static struct nft_element element_of(const struct nlmsghdr *h)
{
	struct nft_element element = {.key = NULL};
	struct err e = {0};

	assert_int_equal(nft_read_elements(h, take_element, &element, &e), 0);
	assert_non_null(element.key);
	return element;
}

static void compare_element(const struct hostport *p, const char *pod, const char *golden)
{
	struct nft_element theirs =
		element_of(message(golden, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM));
	uint8_t key[NFT_KEY_MAX], data[NFT_KEY_MAX];
	uint32_t key_len = hostport_key(key, p);
	struct ip address = ip(pod);
	uint32_t data_len = hostport_data(data, &address, p->pod);
	struct hostport back;

	assert_int_equal(key_len, theirs.len);
	assert_memory_equal(key, theirs.key, key_len);
	assert_int_equal(data_len, theirs.data_len);
	assert_memory_equal(data, theirs.data, data_len);
	assert_string_equal(theirs.comment, "x");
	assert_false(theirs.owned);
	assert_true(hostport_from_key(&back, address.family, p->address.family != 0, key, key_len));
	assert_true(back.proto == p->proto && back.host == p->host &&
		    ip_equal(&back.address, &p->address));
}

static void test_elements_are_nfts(void **state)
{
	const struct hostport any = {.proto = TCP, .host = 8080, .pod = 80};
	const struct hostport one = {
		.proto = TCP, .host = 8080, .pod = 80, .address = ip("fd00::1")};

	(void)state;
	compare_element(&any, "10.244.0.2", "element");
	compare_element(&one, "fd00:10:244::2", "element6");
}

static void test_deletion_is_nfts(void **state)
{
	const struct hostport p = {.proto = UDP, .host = 53};
	const struct nft_at at = {NFPROTO_IPV4, "h", NULL};
	const struct nlmsghdr *theirs =
		message("delete-element", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM);
	uint8_t key[NFT_KEY_MAX];
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	nft_element(&b, "x", &at, NFT_DELETE, "old",
		    &(struct nft_element){.key = key, .len = hostport_key(key, &p)});
	assert_int_equal(built(&b, 0)->nlmsg_type, theirs->nlmsg_type);
	assert_int_equal(built(&b, 0)->nlmsg_len, theirs->nlmsg_len);
	assert_memory_equal(built(&b, 0) + 1, theirs + 1, theirs->nlmsg_len - sizeof(*theirs));
}

static void test_owner_of_an_element(void **state)
{
	const struct owner owner = {"mynet", "c1", "eth0"};
	const struct hostport p = {.proto = TCP, .host = 1};
	const struct nft_at at = {NFPROTO_IPV4, "h", NULL};
	struct owner_tag tag = owner_tag(&owner);
	struct nft_element element;
	uint8_t key[NFT_KEY_MAX];
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	nft_element(&b, "x", &at, NFT_ADD, "m",
		    &(struct nft_element){.key = key,
					  .len = hostport_key(key, &p),
					  .data = key,
					  .data_len = 8,
					  .comment = "whose it is",
					  .owned = true,
					  .tag = tag});
	element = element_of(built(&b, 0));
	assert_true(element.owned && owner_tag_equal(&element.tag, &tag));
	assert_string_equal(element.comment, "whose it is");
}

static void test_keys_of_other_shapes(void **state)
{
	uint8_t key[NFT_KEY_MAX] = {0};
	struct hostport p;

	(void)state;
	assert_true(hostport_from_key(&p, 4, false, key, 8));
	assert_false(hostport_from_key(&p, 4, false, key, 12));
	assert_false(hostport_from_key(&p, 4, true, key, 8));
	assert_true(hostport_from_key(&p, 4, true, key, 12));
	assert_false(hostport_from_key(&p, 6, true, key, 12));
	assert_true(hostport_from_key(&p, 6, true, key, 24));
	assert_false(hostport_from_key(&p, 6, false, key, 0));
}

static void test_texts(void **state)
{
	static const struct {
		struct hostport port;
		const char *text;
	} cases[] = {
		{{.proto = TCP, .host = 80}, "tcp 80"},
		{{.proto = UDP, .host = 53, .address = {4, {192, 0, 2, 1}}}, "udp 53 of 192.0.2.1"},
		{{.proto = 132, .host = 65535}, "sctp 65535"},
	};
	char text[HOSTPORT_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(hostport_text(text, &cases[i].port), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_are_nfts),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_what_settings_leave_out),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_map_names),
		cmocka_unit_test(test_maps_are_nfts),
		cmocka_unit_test(test_elements_are_nfts),
		cmocka_unit_test(test_deletion_is_nfts),
		cmocka_unit_test(test_owner_of_an_element),
		cmocka_unit_test(test_keys_of_other_shapes),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
