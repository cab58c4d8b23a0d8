#include "netlink/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "config.h"

/* Grace periods take 4 to 8 ms. So long after a removal none is worth a child; and so long one waits. */
#define FREED_MS  25
#define LINGER_MS 40

/* The moments at which children end are so far apart. */
#define APART_MS 250

static void close_all(unsigned from, unsigned to)
{
	if (from > to || syscall(SYS_close_range, from, to, 0u) == 0)
		return;
	for (unsigned fd = from; fd <= to && fd < 1024; fd++)
		close((int)fd);
}

pid_t nl_fork(struct nl_sock *held)
{
	pid_t child = _Fork(); /* fork's locks are for threads, of which there are none */
	int fd = held ? held->fd : -1;

	if (child > 0 && held)
		held->held = true;
	if (child != 0)
		return child;
	if (fd > 0)
		close_all(0, (unsigned)fd - 1);
	close_all((unsigned)fd + 1, ~0u);
	if (chdir("/"))
		_exit(1);
	return 0;
}

static int64_t ms_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

static int64_t now_ms(clockid_t clock)
{
	struct timespec now = clock_now(clock);

	return ms_of(&now);
}

void nl_note_removal(void)
{
	if (HAS_MEMORY && utimensat(AT_FDCWD, RUN_DIR, NULL, AT_SYMLINK_NOFOLLOW) &&
	    errno == ENOENT)
		mkdir(RUN_DIR, 0700);
}

bool nl_removal_noted(void)
{
	struct stat note;

	return HAS_MEMORY && stat(RUN_DIR, &note) == 0 &&
	       now_ms(CLOCK_REALTIME) - ms_of(&note.st_mtim) < FREED_MS;
}

_Noreturn void nl_linger(const struct nl_sock *held, int status)
{
	if (held && held->fd >= 0) {
		int64_t now = now_ms(CLOCK_MONOTONIC);
		int64_t wait = LINGER_MS + APART_MS - (now + LINGER_MS) % APART_MS;

		nanosleep(&(struct timespec){.tv_nsec = (long)wait * 1000000}, NULL);
	}
	_exit(status);
}
