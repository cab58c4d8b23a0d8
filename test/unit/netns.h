/*
 * For unit tests that need the kernel: a network namespace of their own, and other programs to
 * look at it with. Only root can have one; as anybody else the tests are skipped, and say so.
 */
#ifndef UNIT_NETNS_H
#define UNIT_NETNS_H

#include "unit.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX 65536

/* For setup: into a fresh namespace. The one before goes away, for nothing is left in it. */
static inline int enter_netns(void)
{
	return geteuid() == 0 ? unshare(CLONE_NEWNET) : 0;
}

/* cmocka takes a skip in a test for one, in a setup for a failure. */
static void if_root(void **state)
{
	CMUnitTestFunction test = (CMUnitTestFunction)*state;

	if (geteuid() != 0) {
		print_message("# SKIP: a network namespace needs root\n");
		skip();
	}
	test(state);
}
#define NETNS_TEST(f, setup, teardown)                                                             \
	{                                                                                          \
#f, if_root, setup, teardown, (void *)(f)                                          \
	}

/* iptables keeps a lock in /run, which need not exist and is not ours. */
static int private_run(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("none", "/run", "tmpfs", 0, NULL);
}

/* Run a shell command, which must succeed. */
static inline void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* What a command prints, both streams; it must succeed. In one of eight buffers, taken in turn. */
static inline const char *output(const char *command)
{
	static char buffers[8][OUTPUT_MAX];
	static unsigned turn;
	char *buf = buffers[turn++ % 8];
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "{ %s; } 2>&1", command);
	f = popen(line, "r");
	assert_non_null(f);
	buf[fread(buf, 1, OUTPUT_MAX - 1, f)] = '\0';
	if (pclose(f) != 0)
		fail_msg("%s: %s", command, buf);
	return buf;
}

/*
 * Run act(i) in n processes that begin at the same moment; each has a netlink socket of its own to
 * open. All must exit with 0.
 */
static inline void side_by_side(int n, int (*act)(int i))
{
	int gate[2];
	int status;
	pid_t pids[64];
	char c;

	assert_int_equal(pipe(gate), 0);
	assert_in_range(n, 1, 64);
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] > 0)
			continue;
		close(gate[1]);
		_exit(read(gate[0], &c, 1) != 0 || act(i) != 0);
	}
	close(gate[0]);
	close(gate[1]); /* which they all see */
	for (int i = 0; i < n; i++) {
		/* Each by its number: there are also children that close a socket (netlink/linger.h). */
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

#endif
