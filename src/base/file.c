#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void file_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

ssize_t file_read_all(int fd, char *buf, size_t max)
{
	size_t got = 0;
	char more;

	for (;;) {
		ssize_t n = got < max ? read(fd, buf + got, max - got) : read(fd, &more, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return (ssize_t)got;
		if (got == max) {
			errno = EFBIG;
			return -1;
		}
		got += (size_t)n;
	}
}

int run_file_open(const char *path, int flags)
{
	int fd;

	flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	fd = openat(AT_FDCWD, path, flags, 0600);
	if (fd < 0 && errno == ENOENT && flags & O_CREAT &&
	    (mkdir(RUN_DIR, 0700) == 0 || errno == EEXIST))
		fd = openat(AT_FDCWD, path, flags, 0600);
	return fd;
}

ssize_t file_read(int dir, const char *name, char *buf, size_t size)
{
	cleanup_fd int fd =
		openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = file_read_all(fd, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int file_write_all(int fd, const char *buf, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, buf, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		buf += done;
		n -= (size_t)done;
	}
	return 0;
}

/*
 * The file that is to take path's place: empty, and ours alone. One of that name which a killed
 * process has left is taken up. Gives its descriptor, or -1 with errno set.
 */
static int open_beside(char beside[static PATH_MAX], const char *path)
{
	struct stat ours, named;
	int locked;

	if (snprintf(beside, PATH_MAX, "%s" FILE_BESIDE, path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (;;) {
		cleanup_fd int fd =
			openat(AT_FDCWD, beside,
			       O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

		if (fd < 0)
			return -1;
		while ((locked = flock(fd, LOCK_EX)) && errno == EINTR)
			;
		if (locked || fstat(fd, &ours))
			break;
		/* Whoever had the lock before us has given it its name, or removed it. */
		if (lstat(beside, &named) || named.st_ino != ours.st_ino)
			continue;
		if (ftruncate(fd, 0) == 0)
			return take_fd(&fd);
		break;
	}
	unlink(beside);
	return -1;
}

int file_replace(const char *path, mode_t mode, const char *content, size_t n, struct err *e)
{
	char beside[PATH_MAX];
	cleanup_fd int fd = open_beside(beside, path);
	int sys;

	if (fd < 0)
		return err_sys(e, ERR_IO, "write file", errno, "create a file beside %s", path);
	if (file_write_all(fd, content, n) || fchmod(fd, mode) || fsync(fd) ||
	    rename(beside, path)) {
		sys = errno;
		unlink(beside);
		return err_sys(e, ERR_IO, "write file", sys, "%s", path);
	}
	return 0;
}

int file_make_directories(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];
	struct stat st;

	if (!*path || snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return err_sys(e, ERR_IO, "make directory", *path ? ENAMETOOLONG : ENOENT, "\"%s\"",
			       path);
	for (char *slash = part; slash; *slash = '/') {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(part, mode) && (errno != EEXIST || stat(part, &st)))
			return err_sys(e, ERR_IO, "make directory", errno, "%s", part);
		if (!slash)
			break;
	}
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_sys(e, ERR_IO, "make directory", ENOTDIR, "%s", path);
	return 0;
}

/*
 * The system call itself: opendir would take memory from malloc. struct dirent is laid out as the
 * kernel's linux_dirent64 on 64-bit machines, in musl and in glibc.
 */
int file_each(int dir, const char *path, int (*take)(const char *name, void *arg, struct err *e),
	      void *arg, struct err *e)
{
	union {
		char bytes[32768];
		struct dirent align;
	} buf;
	long n;

	while ((n = syscall(SYS_getdents64, dir, &buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent *d = (const void *)(buf.bytes + at);

			if (take(d->d_name, arg, e))
				return -1;
			at += d->d_reclen;
		}
	}
	return n < 0 ? err_sys(e, ERR_IO, "read directory", errno, "%s", path) : 0;
}

int file_stamp(int dir, const char *name, const struct timespec times[])
{
	return (int)syscall(SYS_utimensat, dir, name, times, name ? AT_SYMLINK_NOFOLLOW : 0);
}
