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
#include <unistd.h>

#define OUTPUT_MAX 65536

/* Setup of a test: into a fresh namespace. The one before goes away, for nothing is left in it. */
static int enter_netns(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: a network namespace needs root\n");
		skip();
	}
	return unshare(CLONE_NEWNET);
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

/* What a command prints, both streams; it must succeed. In one of four buffers, taken in turn. */
static inline const char *output(const char *command)
{
	static char buffers[4][OUTPUT_MAX];
	static unsigned turn;
	char *buf = buffers[turn++ % 4];
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

#endif
