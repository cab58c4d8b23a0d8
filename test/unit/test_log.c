/* base/log: one line per event, whole, whatever is in it; never in the way. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

static char dir[] = "/tmp/cnibox-test-XXXXXX";
static char path[64], old[64];
static char content[1 << 20];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(old, sizeof(old), "%s/log.1", dir);
	unsetenv("DEBUG");
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	unlink(old);
	return rmdir(dir);
}

/* The log keeps its file and level for the life of a process, so each case has one of its own. */
static void in_a_child(void (*work)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static const char *read_log(const char *name)
{
	if (file_read(AT_FDCWD, name, content, sizeof(content)) < 0)
		content[0] = '\0';
	return content;
}

/* The text of a line behind "TIME WHO[PID] "; its head is checked here. */
static const char *body(const char *line)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ box[";
	size_t i;

	for (i = 0; form[i]; i++) {
		if (form[i] == 'd')
			assert_in_range(line[i], '0', '9');
		else
			assert_int_equal(line[i], form[i]);
	}
	line = strstr(line + i, "] ");
	assert_non_null(line);
	return line + 2;
}

/* The C library's calendar says that this is now. */
static void assert_now(const char *line)
{
	struct tm tm = {0};
	time_t age;

	assert_non_null(strptime(line, "%Y-%m-%dT%H:%M:%S", &tm));
	age = time(NULL) - timegm(&tm);
	assert_true(age >= 0 && age < 60);
}

static void log_two_lines(void)
{
	log_open(path, "box");
	log_line("first %d", 1);
	log_line("second: \t{\n  \"a\": \x7f\x01\xc3\xa4}\n");
	log_trace("not asked for");
}

static void test_lines(void **state)
{
	const char *line;

	(void)state;
	in_a_child(log_two_lines);
	line = read_log(path);
	assert_now(line);
	line = body(line);
	assert_memory_equal(line, "first 1\n", 8);
	line = body(line + 8);
	assert_string_equal(line, "second: ?{   \"a\": ??\xc3\xa4} \n");
}

static void log_traces(void)
{
	log_open(path, "box");
	log_trace("traced %s", "yes");
	if (!log_tracing())
		_exit(1);
}

static void log_no_traces(void)
{
	log_open(path, "box");
	log_trace("traced");
	if (log_tracing())
		_exit(1);
}

static void test_debug(void **state)
{
	static const char *const off[] = {"", "0", "-1", "no"};

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		setenv("DEBUG", off[i], 1);
		in_a_child(log_no_traces);
		assert_string_equal(read_log(path), "");
	}
	setenv("DEBUG", "1", 1);
	in_a_child(log_traces);
	assert_string_equal(body(read_log(path)), "traced yes\n");
}

static void log_without_file(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	dup2(fd, STDERR_FILENO);
	log_line("nowhere");
	log_open("/proc/no such directory/log", "box");
	log_line("nowhere");
	log_trace("to standard error");
}

static void test_traces_without_a_file(void **state)
{
	(void)state;
	setenv("DEBUG", "2", 1);
	in_a_child(log_without_file);
	assert_string_equal(body(read_log(path)), "to standard error\n");
}

static void log_long_lines(void)
{
	static char text[20000];

	memset(text, 'x', sizeof(text) - 1);
	log_open(path, "box");
	for (size_t n = 8000; n < 8300; n += 3) {
		text[n] = '\0';
		log_line("%s", text);
		text[n] = 'x';
	}
	log_line("%s", text);
}

/* A line that is too long is clipped and still ends in a newline. */
static void test_long_lines(void **state)
{
	unsigned lines = 0;
	const char *p;

	(void)state;
	in_a_child(log_long_lines);
	for (p = read_log(path); *p; lines++) {
		const char *end = strchr(p, '\n');

		assert_non_null(end);
		assert_in_range(end - p, 8000, 8191);
		assert_int_equal(*body(p), 'x');
		p = end + 1;
	}
	assert_int_equal(lines, 101);
}

static void log_after_rotation(void)
{
	log_open(path, "box");
	log_line("new");
}

static void test_rotation(void **state)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	(void)state;
	assert_int_equal(ftruncate(fd, LOG_SIZE_MAX), 0);
	close(fd);
	in_a_child(log_after_rotation);
	in_a_child(log_after_rotation);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, LOG_SIZE_MAX);
	assert_memory_equal(body(strchr(read_log(path), '\n') + 1), "new\n", 5);
}

/* What cannot be written must neither fail nor hang the caller. */
static void test_files_that_cannot_be_logs(void **state)
{
	(void)state;
	alarm(10);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody reads it */
	in_a_child(log_after_rotation);
	unlink(path);
	assert_int_equal(symlink(old, path), 0);
	in_a_child(log_after_rotation);
	assert_int_equal(access(old, F_OK), -1);
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	in_a_child(log_after_rotation);
	rmdir(path);
	alarm(0);
}

static void log_a_hundred_lines(void)
{
	log_open(path, "box");
	for (int i = 0; i < 100; i++)
		log_line(
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

/* Plugins run side by side: their lines do not mix. */
static void test_two_writers(void **state)
{
	unsigned lines = 0;
	const char *p;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		log_a_hundred_lines();
		_exit(0);
	}
	in_a_child(log_a_hundred_lines);
	waitpid(pid, NULL, 0);
	for (p = read_log(path); *p; lines++) {
		const char *text = body(p);

		assert_int_equal(strspn(text, "a"), 72);
		assert_int_equal(text[72], '\n');
		p = text + 73;
	}
	assert_int_equal(lines, 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),	TEST(test_debug),    TEST(test_traces_without_a_file),
		TEST(test_long_lines),	TEST(test_rotation), TEST(test_files_that_cannot_be_logs),
		TEST(test_two_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
