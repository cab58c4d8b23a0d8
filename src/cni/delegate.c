#include "cni/delegate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "cni/error.h"

/* A file that is just being written to cannot be executed. It is tried as often as libcni tries. */
#define BUSY_TRIES 6
#define BUSY_PAUSE 200000000L /* ns */

static const char command_name[] = "CNI_COMMAND=";

/* --- finding ----------------------------------------------------------------------------------- */

/*
 * This very file, by the path that the kernel was given to execute: /proc/self/exe is ten times as
 * dear, as there the kernel first makes a directory for the process.
 */
static bool is_same(const struct stat *file)
{
	const char *path = (const char *)getauxval(AT_EXECFN);
	struct stat self;

	return path && stat(path, &self) == 0 && self.st_dev == file->st_dev &&
	       self.st_ino == file->st_ino;
}

/* The directories as the Go library lists them: with spaces between. sys: why one was not searched. */
static int not_found(const char *type, const char *path, int sys, struct err *e)
{
	char *list = arena_text(path, strlen(path), e);

	if (!list)
		return -1;
	for (char *p = list; *p; p++)
		if (*p == ':')
			*p = ' ';
	err_sys(e, ERR_ENV, NULL, sys, "failed to find plugin \"%s\" in path [%s]", type, list);
	err_hint(e, "CNI_PATH names the directories; 'cnibox install' puts cnibox's plugins there");
	return -1;
}

int delegate_find(struct delegate *d, const struct cni_request *rq, const char *type, struct err *e)
{
	const char *next = rq->path;
	int sys = 0;

	*d = (struct delegate){.type = type};
	if (!*type)
		return err_set(e, ERR_CONFIG, NULL, "no plugin name provided");
	if (strchr(type, '/') || strcmp(type, ".") == 0 || strcmp(type, "..") == 0)
		return err_set(e, ERR_CONFIG, NULL, "invalid plugin name: %s", type);
	do {
		size_t n = strcspn(next, ":");
		struct stat st;

		d->path = arena_format(e, "%.*s/%s", (int)n, next, type);
		if (!d->path)
			return -1;
		if (n && stat(d->path, &st)) {
			if (errno != ENOENT && errno != ENOTDIR)
				sys = errno;
		} else if (n && S_ISREG(st.st_mode)) {
			d->is_self = is_same(&st);
			return 0;
		}
		next = next[n] ? next + n + 1 : NULL;
	} while (next);
	return not_found(type, rq->path, sys, e);
}

/* --- executing --------------------------------------------------------------------------------- */

/* This process's environment with another CNI_COMMAND. */
static char **environment(enum cni_verb verb, struct err *e)
{
	char *word = arena_format(e, "%s%s", command_name, cni_verb_text(verb));
	char **copy;
	size_t n = 0, at = 0;

	while (environ[n])
		n++;
	copy = arena_take((n + 2) * sizeof(*copy), e);
	if (!copy || !word)
		return NULL;
	copy[at++] = word;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], command_name, strlen(command_name)) != 0)
			copy[at++] = environ[i];
	return copy;
}

/* The request's bytes in a file without a name: nobody has to feed them while output is read. */
static int open_input(const struct cni_request *rq, struct err *e)
{
	int fd = memfd_create("request", MFD_CLOEXEC);

	if (fd >= 0 && file_write_all(fd, rq->text, rq->text_len) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	err_sys(e, ERR_IO, "hand on the network configuration", errno, "memfd");
	file_close(&fd);
	return -1;
}

/* The child. What keeps it from becoming the plugin is said as a plugin says it. */
static _Noreturn void become(const struct delegate *d, char **env, int in, int out,
			     enum cni_version v)
{
	static const struct timespec pause = {.tv_nsec = BUSY_PAUSE};
	char *argv[] = {(char *)d->path, NULL};
	struct err e = {0};
	char text[2048];
	sigset_t none;
	long n;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0) {
		for (int i = 0; i < BUSY_TRIES; i++) {
			execve(d->path, argv, env);
			if (errno != ETXTBSY)
				break;
			nanosleep(&pause, NULL);
		}
	}
	err_sys(&e, ERR_DELEGATE, "execute plugin", errno, "%s", d->path);
	n = cni_error_write(&e, v, text, sizeof(text));
	_exit(n < 0 || file_write_all(STDOUT_FILENO, text, (size_t)n) ? 2 : 1);
}

static int wait_for(pid_t child, int *status)
{
	while (waitpid(child, status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

static int judge(const struct delegate *d, int status, const char *out, size_t len, struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (cni_error_read(e, out, len))
		return -1;
	if (WIFSIGNALED(status))
		return err_set(e, ERR_DELEGATE, "call plugin", "%s was killed by signal %d",
			       d->path, WTERMSIG(status));
	return err_set(e, ERR_DELEGATE, "call plugin",
		       "%s failed with no error message: exit status %d", d->path,
		       WEXITSTATUS(status));
}

/* Gives the child's process ID with *out the end to read from, or -1 with e set. */
static pid_t start(const struct delegate *d, const struct cni_request *rq, enum cni_verb verb,
		   int *out, struct err *e)
{
	cleanup_fd int in = open_input(rq, e);
	char **env = environment(verb, e);
	int ends[2];
	pid_t child;

	if (in < 0 || !env)
		return -1;
	if (pipe2(ends, O_CLOEXEC))
		return err_sys(e, ERR_IO, "call plugin", errno, "pipe");
	child = _Fork(); /* fork's locks are for threads, of which there are none */
	if (child == 0)
		become(d, env, in, ends[1], rq->version);
	if (child < 0)
		err_sys(e, ERR_IO, "call plugin", errno, "fork");
	file_close(&ends[1]);
	*out = ends[0];
	if (child < 0)
		file_close(out);
	return child;
}

int delegate_run(const struct delegate *d, const struct cni_request *rq, enum cni_verb verb,
		 const char **out, size_t *len, struct err *e)
{
	char *text = arena_take(JSON_TEXT_MAX + 1, e);
	cleanup_fd int from = -1;
	int status, read_error;
	ssize_t n;
	pid_t child;

	if (!text)
		return -1;
	/* A runtime may leave it ignored to us; then nobody could learn how the child ended. */
	signal(SIGCHLD, SIG_DFL);
	child = start(d, rq, verb, &from, e);
	if (child < 0)
		return -1;
	n = file_read_all(from, text, JSON_TEXT_MAX);
	read_error = errno;
	file_close(&from);
	if (wait_for(child, &status))
		return err_sys(e, ERR_IO, "call plugin", errno, "wait for %s", d->path);
	log_trace("%s %s: status %d", cni_verb_text(verb), d->path, status);
	if (n < 0 && read_error == EFBIG)
		return err_set(e, ERR_DELEGATE, "call plugin", "%s printed more than %u bytes",
			       d->path, JSON_TEXT_MAX);
	if (n < 0)
		return err_sys(e, ERR_IO, "call plugin", read_error, "read from %s", d->path);
	*out = text;
	*len = (size_t)n;
	return judge(d, status, text, *len, e);
}
