/* net/owner: tags and texts. */
#include "unit.h"

#include "netfilter/owner.h"

static void test_tags(void **state)
{
	const struct owner owner = {"mynet", "c1", "eth0"};
	static const struct owner others[] = {
		{"mynet", "c1", "eth1"}, {"mynet", "c2", "eth0"},  {"mynetc", "1", "eth0"},
		{"mynet", "c1e", "th0"}, {"mynet2", "c1", "eth0"},
	};
	struct owner_tag tag = owner_tag(&owner), again = owner_tag(&owner);

	(void)state;
	assert_true(owner_tag_equal(&tag, &again));
	assert_true(owner_tag_of_network(&tag, "mynet"));
	assert_false(owner_tag_of_network(&tag, "mynet2"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct owner_tag other = owner_tag(&others[i]);
		struct owner_choice own = owner_only(&tag);

		assert_false(owner_tag_equal(&tag, &other));
		assert_true(own.choose(&tag, "", own.arg));
		assert_false(own.choose(&other, "", own.arg));
	}
}

static void test_text(void **state)
{
	char long_id[300], text[OWNER_TEXT];
	struct owner owner = {"mynet", "c1", "eth0"};

	(void)state;
	assert_string_equal(owner_text(text, &owner), "eth0 of container c1 in network mynet");
	memset(long_id, 'x', sizeof(long_id));
	long_id[sizeof(long_id) - 1] = '\0';
	owner.container_id = long_id;
	assert_int_equal(strlen(owner_text(text, &owner)), OWNER_TEXT - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
