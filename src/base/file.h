/*
 * Small files and descriptors.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"

/* A descriptor that is closed when its scope ends: cleanup_fd int fd = openat(...); */
#define cleanup_fd on_scope_exit(file_close)
void file_close(int *fd);
/* Hand *fd over: gives it and leaves -1 behind. */
int take_fd(int *fd);

/*
 * Read from fd to its end, at most max bytes, retrying EINTR.
 *
 * buf  max bytes
 *
 * Gives the count, or -1 with errno set; EFBIG if more than max bytes are there.
 */
ssize_t file_read_all(int fd, char *buf, size_t max);

/*
 * Read the whole file name, relative to the directory dir (or AT_FDCWD), without following a
 * symbolic link in its last component and without blocking on a FIFO.
 *
 * buf  size bytes; NUL-terminated on success
 *
 * Gives the count, or -1 with errno set; EFBIG if it does not fit.
 */
ssize_t file_read(int dir, const char *name, char *buf, size_t size);

/* Write all n bytes. Gives 0, or -1 with errno set. */
int file_write_all(int fd, const char *buf, size_t n) must_check;

/* For what may be forgotten at a reboot. Who needs it makes it, with mode 0700. */
#define RUN_DIR "/run/cnibox"

/*
 * Open a file in there, by its full path, without following a symbolic link in its last component and
 * without blocking on a FIFO. With O_CREAT in flags, file (mode 0600) and directory are made if they
 * are missing. Gives the descriptor, or -1 with errno set.
 */
int run_file_open(const char *path, int flags);

/* What is behind the name of the file that is to take a file's place. */
#define FILE_BESIDE ".new"

/*
 * Replace (or make) the file name by content, so that a reader sees the old or the new one whole:
 * a file beside it, then a rename. Gives 0, or -1 with e set (ERR_IO); then nothing is left
 * behind. A kill can leave the file beside it, which the next call takes up.
 */
int file_replace(const char *path, mode_t mode, const char *content, size_t n,
		 struct err *e) must_check;

/*
 * Call take(name, arg) for every entry of an open directory, until it gives -1 with e set. Gives 0,
 * or -1 with e set (ERR_IO naming path, which is for messages only).
 */
int file_each(int dir, const char *path, int (*take)(const char *name, void *arg, struct err *e),
	      void *arg, struct err *e) must_check;

/*
 * Set the times of the file name in the directory dir, not following a symbolic link; NULL: of the
 * directory itself. times as for utimensat: last access, last change; NULL: now. The system call
 * itself, as libc's is 400 bytes longer. Gives 0, or -1 with errno set.
 */
int file_stamp(int dir, const char *name, const struct timespec times[]) must_check;

/* mkdir -p. Gives 0, or -1 with e set (ERR_IO), naming the directory that could not be made. */
int file_make_directories(const char *path, mode_t mode, struct err *e) must_check;

#endif
