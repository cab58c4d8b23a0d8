/* base/file: whole reads and writes, atomic replacement. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char dir[] = "/tmp/cnibox-test-XXXXXX";
static int dirfd_;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return chdir(dir);
}

static unsigned count_entries(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static int remove_dir(void **state)
{
	DIR *d = opendir(dir);

	(void)state;
	for (struct dirent *entry; d && (entry = readdir(d));)
		unlinkat(dirfd_, entry->d_name, 0);
	if (d)
		closedir(d);
	close(dirfd_);
	return chdir("/") || rmdir(dir);
}

static void put(const char *name, const char *text, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, text, n), 0);
	close(fd);
}

static void test_read_bounds(void **state)
{
	char buf[8];

	(void)state;
	put("f", "1234567", 7);
	memset(buf, '~', sizeof(buf));
	assert_int_equal(file_read(dirfd_, "f", buf, sizeof(buf)), 7);
	assert_string_equal(buf, "1234567");
	assert_int_equal(file_read(AT_FDCWD, "f", buf, sizeof(buf)), 7);

	put("f", "12345678", 8);
	assert_int_equal(file_read(dirfd_, "f", buf, sizeof(buf)), -1);
	assert_int_equal(errno, EFBIG);

	put("f", "", 0);
	assert_int_equal(file_read(dirfd_, "f", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");

	put("f", "a\0b", 3);
	assert_int_equal(file_read(dirfd_, "f", buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "a\0b", 4);
}

static void test_read_refuses_what_is_no_file(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(file_read(dirfd_, "missing", buf, sizeof(buf)), -1);
	assert_int_equal(errno, ENOENT);
	put("f", "x", 1);
	assert_int_equal(symlink("f", "link"), 0);
	assert_int_equal(file_read(dirfd_, "link", buf, sizeof(buf)), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(file_read(dirfd_, ".", buf, sizeof(buf)), -1);
	assert_int_equal(errno, EISDIR);
	/* A FIFO without a writer: opening it must not wait for one. */
	assert_int_equal(mkfifo("fifo", 0600), 0);
	alarm(10);
	assert_int_equal(file_read(dirfd_, "fifo", buf, sizeof(buf)), 0);
	alarm(0);
}

/* A pipe gives what was written in pieces, then its end. */
static void test_read_all_of_a_pipe_in_pieces(void **state)
{
	char buf[64];
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	if (fork() == 0) {
		for (int i = 0; i < 10; i++) {
			if (write(p[1], "abcde", 5) != 5)
				_exit(1);
			usleep(1000);
		}
		_exit(0);
	}
	close(p[1]);
	assert_int_equal(file_read_all(p[0], buf, sizeof(buf)), 50);
	close(p[0]);
	wait(NULL);
}

/* Into a pipe smaller than the text, with a reader that takes its time. */
static void test_write_all_to_a_slow_pipe(void **state)
{
	static char sent[300000], got[300001];
	int p[2];

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i % 251);
	assert_int_equal(pipe(p), 0);
	if (fork() == 0) {
		close(p[0]);
		_exit(file_write_all(p[1], sent, sizeof(sent)) ? 1 : 0);
	}
	close(p[1]);
	usleep(5000);
	assert_int_equal(file_read_all(p[0], got, sizeof(got)), sizeof(sent));
	assert_memory_equal(got, sent, sizeof(sent));
	close(p[0]);
	wait(NULL);
}

static void test_replace(void **state)
{
	struct err e = {0};
	struct stat st;
	char buf[16];

	(void)state;
	assert_int_equal(file_replace("conf", 0640, "first", 5, &e), 0);
	assert_int_equal(stat("conf", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_replace("conf", 0644, "second", 6, &e), 0);
	assert_int_equal(stat("conf", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_read(dirfd_, "conf", buf, sizeof(buf)), 6);
	assert_string_equal(buf, "second");
	assert_int_equal(count_entries(), 1);
	assert_int_equal(e.code, 0);
}

/* What a process that was killed has left beside it is taken up, and is not there any more. */
static void test_replace_beside_leftovers(void **state)
{
	struct err e = {0};
	char buf[32];

	(void)state;
	put("conf" FILE_BESIDE, "half of something long", 22);
	assert_int_equal(file_replace("conf", 0644, "whole", 5, &e), 0);
	assert_int_equal(e.code, 0);
	assert_int_equal(file_read(dirfd_, "conf", buf, sizeof(buf)), 5);
	assert_int_equal(count_entries(), 1);
}

/* Who waits for another that replaces the same file does not write into what that one has made. */
static void test_two_replace(void **state)
{
	struct err e = {0};
	char buf[32];
	pid_t child;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		child = fork();
		assert_int_equal(
			file_replace("conf", 0644, child ? "parent" : "a child", child ? 6 : 7, &e),
			0);
		if (child == 0)
			_exit(0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_true(file_read(dirfd_, "conf", buf, sizeof(buf)) > 0);
		assert_true(strcmp(buf, "parent") == 0 || strcmp(buf, "a child") == 0);
		assert_int_equal(count_entries(), 1);
	}
}

static void test_failed_replace_leaves_nothing(void **state)
{
	const struct rlimit small = {.rlim_cur = 4, .rlim_max = RLIM_INFINITY};
	struct rlimit before;
	struct err e = {0};
	char buf[16];

	(void)state;
	assert_int_equal(file_replace("missing/conf", 0644, "x", 1, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_int_equal(e.sys, ENOENT);
	assert_non_null(strstr(e.msg, "missing/conf"));

	/* A directory in its place cannot be replaced. */
	err_clear(&e);
	assert_int_equal(mkdir("conf", 0755), 0);
	assert_int_equal(file_replace("conf", 0644, "x", 1, &e), -1);
	assert_int_equal(e.sys, EISDIR);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(rmdir("conf"), 0);

	/* The write fails midway, as on a full disk. */
	err_clear(&e);
	put("conf", "old", 3);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_replace("conf", 0644, "new content", 11, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(e.sys, EFBIG);
	assert_int_equal(file_read(dirfd_, "conf", buf, sizeof(buf)), 3);
	assert_string_equal(buf, "old");
	assert_int_equal(count_entries(), 1);
}

static void test_path_too_long(void **state)
{
	static char path[PATH_MAX + 10];
	struct err e = {0};

	(void)state;
	for (size_t n = PATH_MAX - 20; n < PATH_MAX + 5; n++) {
		memset(path, 'a', n);
		path[n] = '\0';
		err_clear(&e);
		assert_int_equal(file_replace(path, 0644, "x", 1, &e), -1);
		assert_int_equal(e.sys, ENAMETOOLONG);
	}
}

static void test_descriptors(void **state)
{
	int kept, taken;

	(void)state;
	{
		cleanup_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		cleanup_fd int other = open("/dev/null", O_RDONLY | O_CLOEXEC);

		kept = other;
		taken = take_fd(&fd);
		assert_int_equal(fd, -1);
	}
	assert_int_equal(fcntl(kept, F_GETFD), -1);
	assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
	file_close(&taken);
	assert_int_equal(taken, -1);
	file_close(&taken);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

static void test_directories(void **state)
{
	static const char *const good[] = {"a", "a/b/c", "a/b/c/", "x//y", "./a", "/"};
	static const char *const made[] = {"a/b/c", "a/b", "a", "x/y", "x"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(file_make_directories(good[i], 0755, &e), 0);
	assert_int_equal(file_make_directories("", 0755, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		assert_int_equal(rmdir(made[i]), 0);
}

static void test_file_in_the_way(void **state)
{
	static const char *const bad[] = {"file", "file/a", "file/a/b"};

	(void)state;
	put("file", "", 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};

		assert_int_equal(file_make_directories(bad[i], 0755, &e), -1);
		assert_int_equal(e.code, ERR_IO);
		assert_int_equal(e.sys, ENOTDIR);
		assert_non_null(strstr(e.msg, "file"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_bounds),
		TEST(test_read_refuses_what_is_no_file),
		TEST(test_read_all_of_a_pipe_in_pieces),
		TEST(test_write_all_to_a_slow_pipe),
		TEST(test_replace),
		TEST(test_replace_beside_leftovers),
		TEST(test_two_replace),
		TEST(test_failed_replace_leaves_nothing),
		TEST(test_path_too_long),
		TEST(test_descriptors),
		TEST(test_directories),
		TEST(test_file_in_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
