/* net/owner, and names that are derived from attachments. */
#include "unit.h"

#include <stdlib.h>

#include "net/names.h"
#include "net/owner.h"

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

/* printf mynetc1 | sha512sum */
static void test_reference_hash(void **state)
{
	char ifb[13], chain[22];

	(void)state;
	names_reference_hash(ifb, sizeof(ifb), "mynet", "c1");
	assert_string_equal(ifb, "f0bca4ac77cd");
	names_reference_hash(chain, sizeof(chain), "myn", "etc1");
	assert_string_equal(chain, "f0bca4ac77cde1bf2f3da");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_reference_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
