/* ipam/lease_file: whose lease is it, from any bytes. */
#include "unit.h"

#include "base/compiler.h"
#include "ipam/lease_file.h"

struct text {
	const char *bytes;
	size_t n;
};
#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

static bool parse(struct lease_owner *owner, struct text t)
{
	static char buf[LEASE_TEXT_MAX];

	memcpy(buf, t.bytes, t.n);
	buf[t.n] = 'x'; /* the byte behind is the parser's to write */
	return lease_text_parse(owner, buf, t.n);
}

static void owners(void **state)
{
	static const struct {
		struct text text;
		const char *container_id, *ifname;
	} cases[] = {
		{TEXT("c1\r\neth0"), "c1", "eth0"},
		{TEXT("c1\r\neth0\n"), "c1", "eth0"},
		{TEXT("  c1\r\neth0 \t\r\n"), "c1", "eth0"},
		{TEXT("a.b_c-D9\r\nnet1.5"), "a.b_c-D9", "net1.5"},
		{TEXT("c1"), "c1", ""},
		{TEXT("c1\n"), "c1", ""},
		{TEXT("c1\r\n"), "c1", ""},
		{TEXT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\neth0"),
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "eth0"},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lease_owner owner;

		if (!parse(&owner, cases[i].text))
			fail_msg("case %u must have an owner", i);
		assert_string_equal(owner.container_id, cases[i].container_id);
		assert_string_equal(owner.ifname, cases[i].ifname);
	}
}

static void no_owners(void **state)
{
	static const struct text cases[] = {
		TEXT(""),
		TEXT("\n"),
		TEXT(" \r\n "),
		TEXT("\0"),
		TEXT("\0\0\0\0\0\0\0\0"),
		TEXT("c1\0\r\neth0"),
		TEXT("c1\r\neth0\0"),
		TEXT("c1\neth0"),
		TEXT("two words"),
		TEXT("c 1\r\neth0"),
		TEXT("c1\r\neth 0"),
		TEXT("c1\r\neth0\r\nmore"),
		TEXT("c1\r\nsixteen-letters-"),
		TEXT("../c1\r\neth0"),
		TEXT("\xff\xfe"),
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lease_owner owner;

		if (parse(&owner, cases[i]))
			fail_msg("case %u must have no owner", i);
	}
}

/* What a full disk or a power cut leaves is any beginning of the text: never another's lease. */
static void cut_off_anywhere(void **state)
{
	static const char whole[] = "container-1\r\neth0";
	struct lease_owner want = {"container-1", "eth0"};

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		struct lease_owner owner;
		bool some = parse(&owner, (struct text){whole, n});

		if (n == sizeof(whole) - 1)
			assert_int_equal(lease_ownership(&owner, &want), OWNED_EXACTLY);
		else if (some)
			assert_int_not_equal(lease_ownership(&owner, &want), OWNED_EXACTLY);
	}
}

static void ownership(void **state)
{
	static const struct {
		struct lease_owner lease;
		enum ownership want;
	} cases[] = {
		{{"c1", "eth0"}, OWNED_EXACTLY}, {{"c1", ""}, OWNED_BY_ID},
		{{"c1", "eth1"}, NOT_OWNED},	 {{"c11", "eth0"}, NOT_OWNED},
		{{"c", "eth0"}, NOT_OWNED},	 {{"C1", "eth0"}, NOT_OWNED},
	};
	struct lease_owner owner = {"c1", "eth0"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(lease_ownership(&cases[i].lease, &owner), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners),
		cmocka_unit_test(no_owners),
		cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(ownership),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
