/* ipam/store: directories, lock, boot mark. */
#include "store_fixture.h"

#include <sys/file.h>
#include <time.h>

#include "base/compiler.h"

#define OTHER_BOOT "11111111-2222-3333-4444-555555555555\n"

static const char *this_boot(void)
{
	static char id[64];

	assert_true(file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, sizeof(id)) > 0);
	return id;
}

static void set_time(const char *name, time_t when)
{
	struct timespec t[2] = {{.tv_sec = when}, {.tv_sec = when}};

	assert_int_equal(utimensat(AT_FDCWD, in_store(name), t, AT_SYMLINK_NOFOLLOW), 0);
}

static void makes_what_is_missing(void **state)
{
	struct lease_store s;
	struct err e = {0};
	struct stat st;
	char deep[128];

	(void)state;
	snprintf(deep, sizeof(deep), "%s/a/b//c", data_dir);
	assert_int_equal(lease_store_open(&s, deep, "net", &e), 0);
	assert_int_equal(stat(s.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	lease_store_close(&s);
	s = opened();
	assert_int_equal(stat(in_store("lock"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(st.st_size, 0);
	assert_content("boot_id", this_boot());
	lease_store_close(&s);
	lease_store_close(&s); /* harmless */
}

static void names_what_is_in_the_way(void **state)
{
	struct lease_store s;
	struct err e = {0};
	char want[128];

	(void)state;
	snprintf(want, sizeof(want), "%s/file", data_dir);
	close(open(want, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(lease_store_open(&s, want, "net", &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_non_null(strstr(e.msg, want));
	assert_non_null(strstr(e.msg, "Not a directory"));
	assert_int_equal(s.dir, -1);
	assert_int_equal(s.lock, -1);
}

static void existing_makes_nothing(void **state)
{
	struct lease_store s;
	struct err e = {0};

	(void)state;
	assert_int_equal(lease_store_open_existing(&s, data_dir, "net", &e), 0);
	lease_store_close(&s);
	assert_false(exists(""));
	put("10.1.2.2", "c1\r\neth0");
	assert_int_equal(lease_store_open_existing(&s, data_dir, "net", &e), 1);
	lease_store_close(&s);
	assert_false(exists("boot_id"));
}

static void holds_the_lock(void **state)
{
	struct lease_store s = opened();
	cleanup_fd int fd = open(in_store("lock"), O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_true(fcntl(s.dir, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(s.lock, F_GETFD) & FD_CLOEXEC);
	lease_store_close(&s);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
}

static void a_fifo_for_a_lock_does_not_hang(void **state)
{
	struct lease_store s;

	(void)state;
	mkdir(net_dir, 0755);
	assert_int_equal(mkfifo(in_store("lock"), 0600), 0);
	s = opened();
	lease_store_close(&s);
}

static void without_a_mark_leases_stay(void **state)
{
	static const char *const marks[] = {NULL, "", "\n"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(marks); i++) {
		struct lease_store s;

		put("10.1.2.2", "c1\r\neth0");
		unlink(in_store("boot_id"));
		if (marks[i])
			put("boot_id", marks[i]);
		s = opened();
		assert_true(exists("10.1.2.2"));
		assert_content("boot_id", this_boot());
		lease_store_close(&s);
	}
}

static void of_this_boot_leases_stay(void **state)
{
	struct lease_store s;

	(void)state;
	put("10.1.2.2", "c1\r\neth0");
	put("boot_id", this_boot());
	s = opened();
	assert_true(exists("10.1.2.2"));
	lease_store_close(&s);
}

static void a_reboot_releases_all_leases_and_nothing_else(void **state)
{
	struct lease_store s;

	(void)state;
	put("10.1.2.2", "c1\r\neth0");
	put("fd00::2", "c1\r\neth0");
	put("10.1.2.3", ""); /* no lease, and no loss */
	put("last_reserved_ip.0", "10.1.2.3");
	put("somebody's notes", "c1\r\neth0");
	assert_int_equal(mkdir(in_store("10.1.2.4"), 0700), 0);
	put("boot_id", OTHER_BOOT);
	s = opened();
	assert_false(exists("10.1.2.2"));
	assert_false(exists("fd00::2"));
	assert_false(exists("10.1.2.3"));
	assert_true(exists("10.1.2.4"));
	assert_content("last_reserved_ip.0", "10.1.2.3");
	assert_true(exists("somebody's notes"));
	assert_content("boot_id", this_boot());
	lease_store_close(&s);
}

static void a_reboot_shows_to_verbs_that_make_nothing_too(void **state)
{
	struct lease_store s;
	struct err e = {0};

	(void)state;
	put("10.1.2.2", "c1\r\neth0");
	put("boot_id", OTHER_BOOT);
	assert_int_equal(lease_store_open_existing(&s, data_dir, "net", &e), 1);
	assert_false(exists("10.1.2.2"));
	lease_store_close(&s);
}

/*
 * cnibox, a reboot, the reference plugin, cnibox again: the leases that the second has given are
 * of pods that live.
 */
static void what_others_gave_since_the_boot_stays(void **state)
{
	struct lease_store s;
	time_t now = time(NULL);

	(void)state;
	put("10.1.2.2", "ours\r\neth0");
	put("10.1.2.3", "theirs-before-boot\r\neth0");
	put("10.1.2.4", "theirs-after-boot\r\neth0");
	put("boot_id", OTHER_BOOT);
	set_time("10.1.2.2", 1000);
	set_time("boot_id", 1000);
	set_time("10.1.2.3", 2000);
	set_time("10.1.2.4", now);
	s = opened();
	assert_false(exists("10.1.2.2"));
	assert_false(exists("10.1.2.3"));
	assert_true(exists("10.1.2.4"));
	lease_store_close(&s);
}

static void a_lease_of_ours_renews_the_mark(void **state)
{
	struct lease_store s = opened();
	struct lease_owner owner = {"c1", "eth0"};
	struct stat mark, lease;
	struct err e = {0};
	struct ip_range r;
	struct range_set set = pool(&r, "10.1.2.0/24", NULL, NULL);
	struct ip ip;

	(void)state;
	set_time("boot_id", 1000);
	assert_int_equal(lease_take(&s, &owner, &set, 0, LEASE_LOWEST, NULL, &ip, &e), 0);
	assert_int_equal(stat(in_store("boot_id"), &mark), 0);
	assert_int_equal(stat(in_store("10.1.2.2"), &lease), 0);
	assert_true(mark.st_mtim.tv_sec > lease.st_mtim.tv_sec ||
		    (mark.st_mtim.tv_sec == lease.st_mtim.tv_sec &&
		     mark.st_mtim.tv_nsec >= lease.st_mtim.tv_nsec));
	lease_store_close(&s);
}

#define test(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(makes_what_is_missing),
		test(names_what_is_in_the_way),
		test(existing_makes_nothing),
		test(holds_the_lock),
		test(a_fifo_for_a_lock_does_not_hang),
		test(without_a_mark_leases_stay),
		test(of_this_boot_leases_stay),
		test(a_reboot_releases_all_leases_and_nothing_else),
		test(a_reboot_shows_to_verbs_that_make_nothing_too),
		test(what_others_gave_since_the_boot_stays),
		test(a_lease_of_ours_renews_the_mark),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
