/* ipam/lease_take: taking leases, and taking that back. */
#include "lease_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/compiler.h"

static void assert_refuses(const char *id, const char *requested, enum err_code code,
			   const char *msg)
{
	struct err e = {0};
	struct ip ip;

	assert_int_equal(take(id, LEASE_ROUND_ROBIN, requested, &ip, &e), -1);
	assert_string_equal(e.msg, msg);
	assert_int_equal(e.code, code);
}

static void lowest(void **state)
{
	struct stat st;

	(void)state;
	assert_takes("c1", LEASE_LOWEST, NULL, "10.1.2.2");
	assert_takes("c2", LEASE_LOWEST, NULL, "10.1.2.3");
	releases("c1", NULL);
	assert_takes("c3", LEASE_LOWEST, NULL, "10.1.2.2");
	assert_content("10.1.2.2", "c3\r\neth0");
	assert_int_equal(stat(in_store("10.1.2.2"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(exists("last_reserved_ip.0"));
}

static void round_robin(void **state)
{
	(void)state;
	assert_takes("c1", LEASE_ROUND_ROBIN, NULL, "10.1.2.2");
	assert_content("last_reserved_ip.0", "10.1.2.2");
	releases("c1", NULL);
	assert_takes("c2", LEASE_ROUND_ROBIN, NULL, "10.1.2.3");
	put("last_reserved_ip.0", "10.1.2.253");
	assert_takes("c3", LEASE_ROUND_ROBIN, NULL, "10.1.2.254");
	assert_takes("c4", LEASE_ROUND_ROBIN, NULL, "10.1.2.2");
	assert_takes("c5", LEASE_ROUND_ROBIN, NULL, "10.1.2.4");
	assert_content("last_reserved_ip.0", "10.1.2.4"); /* shorter than what was there */
}

static void marks_that_are_none(void **state)
{
	static const char *const marks[] = {"", "10.1.2.9\n", "10.9.9.9", "fd00::1", "garbage"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(marks); i++) {
		put("last_reserved_ip.0", marks[i]);
		assert_takes("c1", LEASE_ROUND_ROBIN, NULL, "10.1.2.2");
		assert_content("last_reserved_ip.0", "10.1.2.2");
		releases("c1", NULL);
	}
	unlink(in_store("last_reserved_ip.0"));
	assert_int_equal(symlink("/nonexistent", in_store("last_reserved_ip.0")), 0);
	assert_takes("c1", LEASE_ROUND_ROBIN, NULL, "10.1.2.2");
	assert_content("last_reserved_ip.0", "10.1.2.2");
	releases("c1", NULL);
	unlink(in_store("last_reserved_ip.0"));
	assert_int_equal(mkfifo(in_store("last_reserved_ip.0"), 0600), 0);
	assert_takes("c1", LEASE_ROUND_ROBIN, NULL, "10.1.2.2");
	assert_content("last_reserved_ip.0", "10.1.2.2");
}

static void exhausted(void **state)
{
	cleanup_store struct lease_store s = opened();
	struct lease_owner other = {"c2", "eth0"};
	struct err e = {0};
	struct ip ip;

	(void)state;
	for (int order = LEASE_LOWEST; order <= LEASE_ROUND_ROBIN; order++) {
		put("10.1.3.2", "c1\r\neth0");
		assert_int_equal(
			lease_take(&s, &other, &net30, 1, (enum lease_order)order, NULL, &ip, &e),
			-1);
		assert_int_equal(e.code, ERR_TRY_AGAIN);
		assert_string_equal(e.msg,
				    "no IP addresses available in range set: 10.1.3.1-10.1.3.2");
		assert_false(exists("last_reserved_ip.1"));
		err_clear(&e);
	}
}

static void a_pool_of_gateways_is_exhausted(void **state)
{
	cleanup_store struct lease_store s = opened();
	struct ip_range r;
	struct range_set set = pool(&r, "10.1.4.0/24", "10.1.4.1", "10.1.4.1");
	struct err e = {0};
	unsigned count;
	struct ip ip;

	(void)state;
	assert_int_equal(lease_take(&s, &owner, &set, 0, LEASE_LOWEST, NULL, &ip, &e), -1);
	assert_int_equal(e.code, ERR_TRY_AGAIN);
	err_clear(&e);
	assert_int_equal(lease_free(&s, &set, 1, &count, &e), 0);
	assert_int_equal(count, 0);
}

static void one_lease_of_a_pool_for_each_owner(void **state)
{
	struct err e = {0};
	struct ip ip;

	(void)state;
	put("10.1.2.7", "c1\r\neth0");
	assert_int_equal(take("c1", LEASE_ROUND_ROBIN, NULL, &ip, &e), -1);
	assert_int_equal(e.code, ERR_STATE);
	assert_ip(ip, "10.1.2.7");
	assert_string_equal(
		e.msg, "10.1.2.7 has been allocated to c1, duplicate allocation is not allowed");
	assert_refuses("c1", "10.1.2.8", ERR_STATE,
		       "10.1.2.7 has been allocated to c1, duplicate allocation is not allowed");
	assert_false(exists("last_reserved_ip.0"));

	/* Another interface, another container, another pool: all fine. */
	put("10.1.2.7", "c1\r\neth1");
	assert_takes("c1", LEASE_LOWEST, NULL, "10.1.2.2");
	put("10.1.3.2", "c2\r\neth0");
	assert_takes("c2", LEASE_LOWEST, NULL, "10.1.2.3");
	/* A lease of old names no interface. */
	put("10.1.2.9", "c3\n");
	assert_refuses("c3", NULL, ERR_STATE,
		       "10.1.2.9 has been allocated to c3, duplicate allocation is not allowed");
}

static void requested(void **state)
{
	(void)state;
	assert_takes("c1", LEASE_ROUND_ROBIN, "10.1.2.77", "10.1.2.77");
	assert_content("last_reserved_ip.0", "10.1.2.77");
	assert_refuses("c2", "10.1.2.77", ERR_STATE,
		       "requested IP address 10.1.2.77 is not available in range set "
		       "10.1.2.1-10.1.2.254");
	assert_refuses("c2", "10.1.2.1", ERR_STATE, "requested ip 10.1.2.1 is subnet's gateway");
	assert_refuses("c2", "10.1.2.255", ERR_STATE,
		       "requested IP address 10.1.2.255 is not available in range set "
		       "10.1.2.1-10.1.2.254");
	assert_content("last_reserved_ip.0", "10.1.2.77");
}

static void put_litter(const char *name, unsigned kind)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static char zeros[100], much[8192];
	int fd;

	switch (kind) {
	case 0:
		return put(name, "");
	case 1:
		return put_bytes(name, zeros, sizeof(zeros));
	case 2:
		return put(name, "c 1\r\neth0");
	case 3:
		return put(name, "two words");
	case 4:
		return put(name, "c1\neth0"); /* no version ever wrote it so */
	case 5:
		memset(much, 'a', sizeof(much));
		return put_bytes(name, much, sizeof(much));
	case 6:
		assert_int_equal(symlink("10.1.2.99", in_store(name)), 0);
		return;
	case 7:
		assert_int_equal(mkfifo(in_store(name), 0600), 0);
		return;
	default:
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", in_store(name));
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fd, (const void *)&address, sizeof(address)), 0);
		close(fd);
	}
}

static void litter_counts_as_free(void **state)
{
	(void)state;
	put("10.1.2.99", "victim\r\neth0");
	for (unsigned kind = 0; kind < 9; kind++) {
		struct stat st;

		put_litter("10.1.2.2", kind);
		assert_takes("c1", LEASE_LOWEST, NULL, "10.1.2.2");
		assert_content("10.1.2.2", "c1\r\neth0");
		assert_int_equal(lstat(in_store("10.1.2.2"), &st), 0);
		assert_true(S_ISREG(st.st_mode));
		releases("c1", NULL);

		put_litter("10.1.2.2", kind);
		assert_takes("c1", LEASE_ROUND_ROBIN, "10.1.2.2", "10.1.2.2");
		releases("c1", "10.1.2.2");
		unlink(in_store("last_reserved_ip.0"));
	}
	assert_content("10.1.2.99", "victim\r\neth0");
}

static void a_directory_counts_as_taken(void **state)
{
	(void)state;
	mkdir(net_dir, 0755);
	assert_int_equal(mkdir(in_store("10.1.2.2"), 0700), 0);
	assert_takes("c1", LEASE_LOWEST, NULL, "10.1.2.3");
	releases("c1", "10.1.2.2");
	assert_false(exists("10.1.2.3"));
	assert_true(exists("10.1.2.2"));
}

static void undo(void **state)
{
	cleanup_store struct lease_store s = opened();
	struct err e = {0};
	struct ip ip;

	(void)state;
	put("10.1.2.9", "c9\r\neth0");
	put("last_reserved_ip.0", "10.1.2.200");
	assert_int_equal(lease_take(&s, &owner, &net24, 0, LEASE_ROUND_ROBIN, NULL, &ip, &e), 0);
	assert_int_equal(lease_take(&s, &owner, &net30, 1, LEASE_ROUND_ROBIN, NULL, &ip, &e), 0);
	assert_content("last_reserved_ip.0", "10.1.2.201");
	assert_content("last_reserved_ip.1", "10.1.3.2");
	lease_undo(&s);
	assert_false(exists("10.1.2.201"));
	assert_false(exists("10.1.3.2"));
	assert_content("10.1.2.9", "c9\r\neth0");
	assert_content("last_reserved_ip.0", "10.1.2.200");
	assert_false(exists("last_reserved_ip.1"));
	lease_undo(&s); /* nothing is left to undo */
	assert_content("last_reserved_ip.0", "10.1.2.200");
}

/* A limit on file sizes stands for the full disk: writes fail, the rest works. */
static void a_failed_write_leaves_the_store_as_it_was(void **state)
{
	struct rlimit before, none;
	struct lease_store s;
	struct err e = {0};
	struct ip ip;

	(void)state;
	put("last_reserved_ip.0", "10.1.2.99");
	s = opened(); /* writes the boot mark */
	lease_store_close(&s);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &none);
	assert_int_equal(take("c1", LEASE_ROUND_ROBIN, NULL, &ip, &e), -1);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(e.code, ERR_IO);
	assert_non_null(strstr(e.msg, in_store("10.1.2.100")));
	assert_non_null(strstr(e.msg, strerror(EFBIG)));
	assert_false(exists("10.1.2.100"));
	assert_content("last_reserved_ip.0", "10.1.2.99");
}

static void a_mark_that_cannot_be_written_takes_the_lease_back(void **state)
{
	struct err e = {0};
	struct ip ip;

	(void)state;
	mkdir(net_dir, 0755);
	assert_int_equal(mkdir(in_store("last_reserved_ip.0"), 0700), 0);
	assert_int_equal(take("c1", LEASE_ROUND_ROBIN, NULL, &ip, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_non_null(strstr(e.msg, in_store("last_reserved_ip.0")));
	assert_false(exists("10.1.2.2"));
	assert_true(exists("last_reserved_ip.0"));
}

static void an_owner_beyond_all_measure(void **state)
{
	char id[2000];
	struct err e = {0};
	struct ip ip;

	(void)state;
	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(take(id, LEASE_LOWEST, NULL, &ip, &e), -1);
	assert_int_equal(e.code, ERR_ENV);
	assert_false(exists("10.1.2.2"));
}

static void a_pool_of_thousands(void **state)
{
	struct ip_range r;
	struct range_set set = pool(&r, "10.2.0.0/20", NULL, NULL);
	struct lease_owner who = {"late", "eth0"};
	struct err e = {0};
	struct ip ip = ip_of("10.2.0.2");
	char text[IP_TEXT];

	(void)state;
	for (unsigned i = 0; i < 4096 - 3; i++, ip_add(&ip, 1))
		if (i != 3000)
			put(ip_format(text, &ip), "c1\r\neth9");
	{
		cleanup_store struct lease_store s = opened();

		assert_int_equal(lease_take(&s, &who, &set, 0, LEASE_LOWEST, NULL, &ip, &e), 0);
		assert_ip(ip, "10.2.11.186");
	}
	{
		cleanup_store struct lease_store s = opened();

		who.container_id = "too-late";
		assert_int_equal(lease_take(&s, &who, &set, 0, LEASE_LOWEST, NULL, &ip, &e), -1);
		assert_int_equal(e.code, ERR_TRY_AGAIN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEASE_TEST(lowest),
		LEASE_TEST(round_robin),
		LEASE_TEST(marks_that_are_none),
		LEASE_TEST(exhausted),
		LEASE_TEST(a_pool_of_gateways_is_exhausted),
		LEASE_TEST(one_lease_of_a_pool_for_each_owner),
		LEASE_TEST(requested),
		LEASE_TEST(litter_counts_as_free),
		LEASE_TEST(a_directory_counts_as_taken),
		LEASE_TEST(undo),
		LEASE_TEST(a_failed_write_leaves_the_store_as_it_was),
		LEASE_TEST(a_mark_that_cannot_be_written_takes_the_lease_back),
		LEASE_TEST(an_owner_beyond_all_measure),
		LEASE_TEST(a_pool_of_thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
