/*
 * install: copies this very file into a directory of CNI plugins and links every applet's name to
 * it. All checks come first, so that a refusal changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applet.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/say.h"
#include "base/version.h"
#include "commands/command.h"

#define DIRECTORY      "/opt/cni/bin"
#define BINARY	       "cnibox"
#define SIZE_MAX_BYTES (7u << 20) /* above any build of cnibox; two fit into the arena */

/* What tells a build of cnibox, of whatever version, from any other program. */
static const char marker[] = "cnibox-multicall-binary";

/* The whole file, in the arena; NULL when it cannot be read (errno set; EINVAL: no file, or too long). */
static char *read_file(const char *path, size_t *n, struct err *e)
{
	cleanup_fd int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got;
	char *bytes;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size > SIZE_MAX_BYTES) {
		errno = EINVAL;
		return NULL;
	}
	bytes = arena_take((size_t)st.st_size + 1, e);
	got = bytes ? file_read_all(fd, bytes, (size_t)st.st_size) : -1;
	*n = (size_t)got;
	return got < 0 ? NULL : bytes;
}

/* May path be replaced: is nothing there, not even behind a link, or cnibox? */
static bool replaceable(const char *path, struct err *e)
{
	size_t n, mark = arena_mark();
	const char *bytes = read_file(path, &n, e);
	bool free_or_ours = !bytes && errno == ENOENT;

	if (bytes)
		free_or_ours = memmem(bytes, n, marker, sizeof(marker) - 1) != NULL;
	else if (errno != ENOENT && errno != EINVAL)
		err_sys(e, ERR_IO, "look at", errno, "%s", path);
	arena_back(mark);
	return free_or_ours;
}

static int check(const char *dir, const char *name, bool force, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return err_sys(e, ERR_IO, "link", ENAMETOOLONG, "%s/%s", dir, name);
	if (force || replaceable(path, e))
		return 0;
	err_set(e, ERR_STATE, NULL, "%s is there, and is not cnibox", path);
	err_hint(e, "nothing was changed; --force replaces it");
	return -1;
}

/* A symbolic link that is there whole or not at all. The directory is locked. */
static int link_name(const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int sys;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (snprintf(temporary, sizeof(temporary), "%s" FILE_BESIDE, path) >=
	    (int)sizeof(temporary))
		return err_sys(e, ERR_IO, "link", ENAMETOOLONG, "%s", path);
	unlink(temporary); /* of one that was killed */
	if (symlink(BINARY, temporary) || rename(temporary, path)) {
		sys = errno;
		unlink(temporary);
		return err_sys(e, ERR_IO, "link", sys, "%s", path);
	}
	say("%s -> %s\n", path, BINARY);
	return 0;
}

static int install(const char *dir, bool force, struct err *e)
{
	cleanup_fd int lock = -1;
	char path[PATH_MAX];
	size_t n;
	char *bytes = read_file("/proc/self/exe", &n, e);

	if (!bytes) {
		err_sys(e, ERR_IO, "read this program", errno, "/proc/self/exe");
		err_hint(e, "is /proc mounted?");
		return -1;
	}
	if (file_make_directories(dir, 0755, e))
		return -1;
	lock = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX))
		return err_sys(e, ERR_IO, "lock directory", errno, "%s", dir);
	if (check(dir, BINARY, force, e))
		return -1;
	for (unsigned i = 0; i < applet_count; i++)
		if (!applets[i]->no_link && check(dir, applets[i]->name, force, e))
			return -1;
	snprintf(path, sizeof(path), "%s/%s", dir, BINARY);
	if (file_replace(path, 0755, bytes, n, e))
		return -1;
	say("%s: cnibox %s, %zu bytes\n", path, CNIBOX_VERSION, n);
	for (unsigned i = 0; i < applet_count; i++)
		if (!applets[i]->no_link && link_name(dir, applets[i]->name, e))
			return -1;
	return 0;
}

static int run(char **argv, struct err *e)
{
	static const struct command_option options[] = {
		{"--force", 'f', false}, {"-f", 'f', false}, {0}};
	struct command_words words = {.at = argv + 1};
	const char *dir = NULL;
	bool force = false;
	int o;

	while ((o = command_next(&words, options, e)) >= 0) {
		if (o == 'f')
			force = true;
		else if (!dir)
			dir = words.value;
		else
			return err_set(e, ERR_USAGE, NULL, "'%s' is too much", words.value);
	}
	return e->code ? -1 : install(dir ? dir : DIRECTORY, force, e);
}

const struct applet applet_install = {
	.name = "install",
	.summary = "copies cnibox into a plugin directory and links the applets there",
	.help = "usage: cnibox install [--force] [DIR]\n"
		"\n"
		"Copies this file to DIR/cnibox (default " DIRECTORY
		") and makes a symbolic link to it\n"
		"for every applet. A file of such a name that is not cnibox is refused, and then\n"
		"nothing is changed.\n"
		"\n"
		"  --force   replace other files, too\n"
		"\n"
		"Example:\n"
		"  cnibox install /opt/cni/bin\n",
	.no_link = true,
	.run = run,
};
