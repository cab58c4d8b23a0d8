/*
 * Opening the store: directories, lock, and what a reboot leaves. The leases are in lease.c.
 */
#include "ipam/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "ipam/lease_index.h"

#define KERNEL_BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Gives 0; 1 if there is no such directory and none is to be made; -1 with e set. */
static int open_directory(struct lease_store *s, const char *path, bool make, struct err *e)
{
	struct stat st;

	s->dir = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0 && errno == ENOENT) {
		if (!make)
			return 1;
		if (file_make_directories(path, 0755, e)) {
			err_prefix(e, "make lease store");
			return -1;
		}
		s->dir = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (s->dir < 0)
		return err_sys(e, ERR_IO, "open lease store", errno, "%s", path);
	if (fstat(s->dir, &st) == 0 && st.st_mode & S_IWOTH) {
		err_set(e, ERR_IO, "open lease store", "anybody may write to %s", path);
		err_hint(e, "look at what is in it, then: chmod o-w %s", path);
		file_close(&s->dir);
		return -1;
	}
	return 0;
}

/* The lock that lease_store_hold has taken; -1: none. */
static int held = -1;

/* Is it the same file? Gives 1 or 0; -1 when that cannot be told: to wait for it may be for ever. */
static int is_held(int lock)
{
	struct stat a, b;

	if (held < 0)
		return 0;
	if (fstat(held, &a) || fstat(lock, &b))
		return -1;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The mode and the blocking wait are the reference plugin's. */
static int take_lock(struct lease_store *s, struct err *e)
{
	int ours;

	s->lock = openat(s->dir, "lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			 0750);
	if (s->lock < 0)
		return err_sys(e, ERR_IO, "lock lease store", errno, "open %s/lock", s->path);
	ours = is_held(s->lock);
	if (ours < 0)
		return err_sys(e, ERR_IO, "lock lease store", errno, "%s/lock", s->path);
	if (ours)
		return 0;
	while (flock(s->lock, LOCK_EX))
		if (errno != EINTR)
			return err_sys(e, ERR_IO, "lock lease store", errno, "%s/lock", s->path);
	return 0;
}

/* The text of a boot_id file without its newline; false if there is none. */
static bool read_boot_id(int dir, const char *name, char *buf, size_t size)
{
	if (file_read(dir, name, buf, size) <= 0)
		return false;
	buf[strcspn(buf, "\r\n")] = '\0';
	return *buf;
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* When this boot began, by today's clock. */
static struct timespec boot_time(void)
{
	struct timespec now = clock_now(CLOCK_REALTIME), up = clock_now(CLOCK_BOOTTIME);

	now.tv_sec -= up.tv_sec + (now.tv_nsec < up.tv_nsec);
	now.tv_nsec += (now.tv_nsec < up.tv_nsec ? 1000000000 : 0) - up.tv_nsec;
	return now;
}

static int release_earlier_boot(struct lease_store *s, struct err *e)
{
	struct timespec boot = boot_time();
	struct stat mark, st;

	if (lease_index_load(s, e))
		return -1;
	if (fstatat(s->dir, "boot_id", &mark, AT_SYMLINK_NOFOLLOW))
		return err_sys(e, ERR_IO, "read boot ID", errno, "%s/boot_id", s->path);
	for (unsigned i = 0; i < lease_index_count(s->index); i++) {
		struct lease *l = lease_index_entry(s->index, i);
		char name[IP_TEXT];

		if (!l->ip.family ||
		    fstatat(s->dir, ip_format(name, &l->ip), &st, AT_SYMLINK_NOFOLLOW) ||
		    S_ISDIR(st.st_mode))
			continue;
		if (later(&st.st_mtim, &mark.st_mtim) && later(&st.st_mtim, &boot))
			continue; /* the reference plugin's, of this boot: see store.h */
		if (lease_index_remove(s, l, e))
			return -1;
	}
	log_line("%s: released the leases of an earlier boot", s->path);
	return 0;
}

/*
 * Release what an earlier boot left, and only then say that the leases are of this one: a crash
 * between the two repeats the first. Without a mark nothing is known of the leases, and they stay.
 */
static int check_boot(struct lease_store *s, bool make, struct err *e)
{
	char now[64], then[64];
	char *path;
	bool known = read_boot_id(s->dir, "boot_id", then, sizeof(then));
	size_t n;

	if (!known && !make)
		return 0;
	if (!read_boot_id(AT_FDCWD, KERNEL_BOOT_ID, now, sizeof(now) - 1))
		return 0; /* no /proc here */
	if (known && strcmp(now, then) == 0)
		return 0;
	if (known && release_earlier_boot(s, e))
		return -1;
	path = arena_format(e, "%s/boot_id", s->path);
	n = strlen(now);
	now[n++] = '\n';
	return path ? file_replace(path, 0600, now, n, e) : -1;
}

/* As lease_store_open_existing; make: make what is not there. */
static int open_store(struct lease_store *s, const char *data_dir, const char *network, bool make,
		      struct err *e)
{
	char *path = arena_format(e, "%s/%s", data_dir, network);
	int r;

	*s = (struct lease_store)LEASE_STORE_CLOSED;
	s->path = path;
	if (!path)
		return -1;
	r = open_directory(s, path, make, e);
	if (r)
		return r < 0 ? -1 : 0;
	if (take_lock(s, e) || check_boot(s, make, e)) {
		lease_store_close(s);
		return -1;
	}
	return 1;
}

int lease_store_open(struct lease_store *s, const char *data_dir, const char *network,
		     struct err *e)
{
	return open_store(s, data_dir, network, true, e) < 0 ? -1 : 0;
}

int lease_store_open_existing(struct lease_store *s, const char *data_dir, const char *network,
			      struct err *e)
{
	return open_store(s, data_dir, network, false, e);
}

bool lease_store_holds(void)
{
	return held >= 0;
}

int lease_store_hold(const char *data_dir, const char *network, struct err *e)
{
	cleanup_store struct lease_store s = LEASE_STORE_CLOSED;
	int there = lease_store_open_existing(&s, data_dir, network, e);

	lease_store_let_go();
	if (there > 0)
		held = take_fd(&s.lock);
	return there < 0 ? -1 : 0;
}

void lease_store_let_go(void)
{
	file_close(&held);
}

void lease_store_close(struct lease_store *s)
{
	lease_index_close(s);
	file_close(&s->lock);
	file_close(&s->dir);
}
