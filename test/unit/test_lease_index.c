/*
 * The index against the directory: it is believed as long as nobody else has been there, and no
 * longer.
 */
#include "store_fixture.h"

#include <sys/wait.h>

#include "ipam/lease_index.h"

static struct ip_range range;

static struct lease_owner numbered(unsigned i)
{
	static char text[4][32];
	char *id = text[i % 4];

	snprintf(id, sizeof(text[0]), "container%u", i);
	return (struct lease_owner){id, "eth0"};
}

/* Take one lease in a store opened for it. Gives false when there is none left. */
static bool take(const struct range_set *set, unsigned i, enum lease_order order, struct ip *ip)
{
	cleanup_store struct lease_store s = opened();
	struct lease_owner owner = numbered(i);
	struct err e = {0};

	return lease_take(&s, &owner, set, 0, order, NULL, ip, &e) == 0;
}

static void release(unsigned i, const struct ip *hint)
{
	cleanup_store struct lease_store s = opened();
	struct lease_owner owner = numbered(i);
	struct err e = {0};

	if (lease_release(&s, &owner, hint, hint != NULL, &e))
		fail_msg("%s", e.msg);
}

static const char *taken(const struct range_set *set, unsigned i)
{
	static char text[IP_TEXT];
	struct ip ip;

	assert_true(take(set, i, LEASE_LOWEST, &ip));
	return ip_format(text, &ip);
}

/* Is the index that is there found true, without a look at the directory? */
static bool is_true(void)
{
	cleanup_store struct lease_store s = opened();

	lease_index_find(&s);
	return s.index != NULL;
}

static struct timespec directory_time(void)
{
	struct stat st;

	assert_int_equal(stat(net_dir, &st), 0);
	return st.st_mtim;
}

/* What others do to the directory in a way that does not show. */
static void set_directory_time(struct timespec time)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time};

	assert_int_equal(utimensat(AT_FDCWD, net_dir, times, 0), 0);
}

static void test_it_is_used(void **state)
{
	struct range_set set = pool(&range, "10.1.2.0/24", NULL, NULL);
	struct timespec time;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_string_equal(taken(&set, 1), "10.1.2.2");
	assert_true(is_true());
	time = directory_time();
	put("10.1.2.3", "other\r\neth0");
	unlink(in_store("10.1.2.2"));
	set_directory_time(time);
	assert_true(is_true());
	{
		cleanup_store struct lease_store s = opened();
		struct ip gone = ip_of("10.1.2.2"), new = ip_of("10.1.2.3");

		lease_index_find(&s);
		assert_false(lease_index_is_free(s.index, &gone));
		assert_true(lease_index_is_free(s.index, &new));
	}
}

static void test_others_are_noticed(void **state)
{
	struct range_set set = pool(&range, "10.1.2.0/24", NULL, NULL);

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_string_equal(taken(&set, 1), "10.1.2.2");
	put("10.1.2.3", "other\r\neth0");
	assert_false(is_true());
	assert_string_equal(taken(&set, 2), "10.1.2.4");
	assert_true(is_true());
	unlink(in_store("10.1.2.2"));
	assert_false(is_true());
	assert_string_equal(taken(&set, 3), "10.1.2.2");
	assert_int_equal(rename(in_store("10.1.2.4"), in_store("10.1.2.9")), 0);
	assert_false(is_true());
	assert_string_equal(taken(&set, 4), "10.1.2.4");
}

/* A lease that appears although the index knew of none is not overwritten, nor given twice. */
static void test_a_wrong_index_does_no_harm(void **state)
{
	struct range_set set = pool(&range, "10.1.2.0/24", NULL, NULL);
	struct timespec time;
	struct ip ip;

	(void)state;
	assert_string_equal(taken(&set, 1), "10.1.2.2");
	time = directory_time();
	put("10.1.2.3", "other\r\neth0");
	set_directory_time(time);
	assert_true(take(&set, 2, LEASE_LOWEST, &ip));
	assert_ip(ip, "10.1.2.4");
	assert_content("10.1.2.3", "other\r\neth0");
}

static void test_killed_before_it_was_closed(void **state)
{
	struct range_set set = pool(&range, "10.1.2.0/24", NULL, NULL);
	struct ip ip;
	pid_t child;

	(void)state;
	assert_string_equal(taken(&set, 1), "10.1.2.2");
	child = fork();
	if (child == 0) {
		struct lease_owner owner = numbered(2);
		struct lease_store s = opened();
		struct err e = {0};

		if (lease_take(&s, &owner, &set, 0, LEASE_LOWEST, NULL, &ip, &e) == 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(exists("10.1.2.3"));
	assert_false(is_true());
	assert_string_equal(taken(&set, 3), "10.1.2.4");
	release(2, NULL);
	assert_string_equal(taken(&set, 4), "10.1.2.3");
}

static void test_the_lowest_free_one(void **state)
{
	struct range_set set = pool(&range, "10.1.2.0/24", NULL, NULL);
	struct ip three = ip_of("10.1.2.3");

	(void)state;
	for (unsigned i = 2; i < 10; i++)
		taken(&set, i);
	release(3, &three);
	release(6, NULL);
	assert_string_equal(taken(&set, 20), "10.1.2.3");
	assert_string_equal(taken(&set, 21), "10.1.2.6");
	assert_string_equal(taken(&set, 22), "10.1.2.10");
}

static void test_a_damaged_file_is_none(void **state)
{
	struct range_set set = pool(&range, "10.1.2.0/24", NULL, NULL);
	static const char *const damage[] = {
		"for f in /run/cnibox/*; do : > $f; done",
		"for f in /run/cnibox/*; do head -c 100 /dev/urandom > $f; done",
		"for f in /run/cnibox/*; do truncate -s 64 $f; done",
		"for f in /run/cnibox/*; do rm $f; mkdir $f; done",
		"for f in /run/cnibox/*; do rmdir $f; mkfifo $f; done",
		"for f in /run/cnibox/*; do rm $f; ln -s /etc/hostname $f; done",
		"rm -r /run/cnibox; : > /run/cnibox",
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (unsigned i = 0; i < ARRAY_SIZE(damage); i++) {
		char want[IP_TEXT];

		snprintf(want, sizeof(want), "10.1.2.%u", 2 * i + 2);
		assert_string_equal(taken(&set, 2 * i), want);
		if (system(damage[i]) != 0)
			fail_msg("%s", damage[i]);
		snprintf(want, sizeof(want), "10.1.2.%u", 2 * i + 3);
		assert_string_equal(taken(&set, 2 * i + 1), want);
	}
}

/* What a directory says, gone through as anybody would. */
static bool in_directory(const struct ip *ip)
{
	char name[IP_TEXT];

	return exists(ip_format(name, ip));
}

/*
 * Anything in any order, by us and by others, in a pool that grows past the room of the index and
 * is exhausted: what it says and what there is are the same at every step.
 */
static void test_at_random(void **state)
{
	struct range_set set = pool(&range, "10.1.0.0/20", NULL, NULL);
	unsigned seed = 1, here = 0;

	(void)state;
	for (unsigned step = 0; step < 6000; step++) {
		unsigned i = (seed = seed * 1103515245 + 12345) >> 16 & 2047;
		struct ip ip;

		switch (seed >> 8 & 7) {
		case 0:
			ip = ip_of("10.1.0.2");
			ip_add(&ip, i);
			if (in_directory(&ip)) {
				char name[IP_TEXT];

				unlink(in_store(ip_format(name, &ip)));
			}
			break;
		case 1:
			release(i, NULL);
			break;
		default:
			if (!take(&set, i, seed >> 27 ? LEASE_LOWEST : LEASE_ROUND_ROBIN, &ip))
				break;
			assert_true(in_directory(&ip));
			here++;
		}
		if (step % 500 == 499) {
			cleanup_store struct lease_store s = opened();
			struct err e = {0};

			assert_int_equal(lease_index_load(&s, &e), 0);
			ip = ip_of("10.1.0.1");
			for (unsigned n = 0; n < 4000; n++) {
				ip_add(&ip, 1);
				assert_int_equal(lease_index_is_free(s.index, &ip),
						 !in_directory(&ip));
			}
		}
	}
	assert_true(here > 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_is_used, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_others_are_noticed, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_a_wrong_index_does_no_harm, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_killed_before_it_was_closed, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_the_lowest_free_one, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_a_damaged_file_is_none, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_at_random, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
