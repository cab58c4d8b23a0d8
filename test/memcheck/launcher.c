/*
 * Stands where cnibox does in the system tests, and becomes valgrind's memcheck with cnibox in it,
 * under the name that it was called by: so it is copied and linked to as cnibox would be. (`valgrind
 * --trace-children` would look into every program that a test starts, and cnibox would not be the
 * file that tests know it by.)
 *
 * findings.py makes PLACE, and reads what is reported there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACE "/mnt"
#ifdef __aarch64__
#define TOOL "/usr/libexec/valgrind/memcheck-arm64-linux"
#else
#define TOOL "/usr/libexec/valgrind/memcheck-amd64-linux"
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "memcheck launcher: %s: %s\n", what, strerror(errno));
	exit(98);
}

/*
 * A filter for system calls would be valgrind's, too, which has to make others than the program does.
 * So the kernel has none to offer, from here on.
 */
static void refuse_filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	/* Refused: who executed this one has done it. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 || errno == EINVAL)
		return;
	/* Not root. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("refuse filters");
}

/* Is the first file of that name in CNI_PATH this one? */
static int is_self(const char *path, const char *name)
{
	struct stat self, st;
	char file[PATH_MAX];

	if (stat("/proc/self/exe", &self))
		die("/proc/self/exe");
	for (;; path++) {
		size_t n = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, name);
		if (n && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			return st.st_dev == self.st_dev && st.st_ino == self.st_ino;
		path += n;
		if (!*path)
			return 0;
	}
}

/*
 * An IPAM plugin that is the same file as the program is not executed but called. Under valgrind
 * that file is not this one: so let it find its own first, where it would find itself.
 */
static void let_find_itself(const char *name)
{
	const char *path = getenv("CNI_PATH");
	char *longer;

	if (!path || !is_self(path, name))
		return;
	if (asprintf(&longer, PLACE "/ipam/%s:%s", name, path) < 0 || setenv("CNI_PATH", longer, 1))
		die("CNI_PATH");
}

/* The program's path, with the last part of the name that this one was called by: valgrind makes it argv[0]. */
static const char *program(const char *called)
{
	const char *slash = called ? strrchr(called, '/') : NULL;
	const char *name = slash ? slash + 1 : called;
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), PLACE "/bin/%s", name && *name ? name : "cnibox");
	if (symlink("cnibox", path) && errno != EEXIST)
		die(path);
	return path;
}

/* By what cnibox knows itself. */
__attribute__((used)) static const char marker[] = "cnibox-multicall-binary";

static void copy_self(const char *dir)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char file[PATH_MAX], beside[PATH_MAX];
	struct stat st;
	int to;

	snprintf(file, sizeof(file), "%s/cnibox", dir);
	snprintf(beside, sizeof(beside), "%s/cnibox.launcher", dir);
	to = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (from < 0 || to < 0 || fstat(from, &st) ||
	    sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size || fchmod(to, 0755) ||
	    rename(beside, file))
		die(file);
}

/*
 * `cnibox install` copies the file that it is itself: valgrind has it believe that it is the program
 * alone, which nobody would look at from then on. So that this one is put into its place: a child
 * goes on, and is waited for.
 */
static void install_self(char **words)
{
	const char *dir = "/opt/cni/bin";
	pid_t child;
	int status;

	for (; *words; words++) {
		if (**words != '-')
			dir = *words;
		else if (strcmp(*words, "--force") != 0 && strcmp(*words, "-f") != 0)
			return;
	}
	child = fork();
	if (child == 0)
		return;
	if (child < 0 || waitpid(child, &status, 0) < 0)
		die("install");
	if (!WIFEXITED(status))
		raise(WTERMSIG(status));
	if (WEXITSTATUS(status) == 0)
		copy_self(dir);
	exit(WEXITSTATUS(status));
}

/* A byte for each process that is looked at. */
static void count(void)
{
	int fd = open(PLACE "/count", O_WRONLY | O_APPEND | O_CLOEXEC);

	if (write(fd, ".", 1) != 1)
		die(PLACE "/count");
	close(fd);
}

/* The option for it. It is no standard descriptor, also if the caller closed those. */
static const char *open_log(void)
{
	int fd = open(PLACE "/reports/memcheck", O_WRONLY | O_APPEND | O_CLOEXEC);
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD, 200);
	static char option[32];

	if (high < 0)
		die(PLACE "/reports/memcheck");
	close(fd);
	snprintf(option, sizeof(option), "--log-fd=%d", high);
	return option;
}

int main(int argc, char **argv)
{
	const char *options[] = {
		"valgrind",
		"--command-line-only=yes", /* no .valgrindrc */
		"--quiet",		   /* only what is wrong */
		open_log(),
		"--error-exitcode=99",
		"--sim-hints=lax-ioctls", /* no word on those that it does not know */
		"--track-origins=yes", /* musl's functions cannot be unwound: who made it says more */
		"--vgdb=no",	       /* no FIFO in /tmp */
		"--read-inline-info=no", /* takes longer than the program runs */
		program(argv[0]),
	};
	char **words = calloc(ARRAY_SIZE(options) + (size_t)argc + 1, sizeof(*words));

	if (!words)
		die("memory");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		words[i] = (char *)options[i];
	for (int i = 1; i < argc; i++)
		words[ARRAY_SIZE(options) + (size_t)i - 1] = argv[i];
	count();
	if (argc > 1 && strcmp(argv[1], "install") == 0)
		install_self(argv + 2);
	let_find_itself("host-local");
	let_find_itself("static");
	refuse_filters();
	setenv("VALGRIND_LAUNCHER", "/usr/bin/valgrind", 1);
	setenv("TMPDIR", PLACE "/tmp", 1); /* where nobody looks for what a test leaves */
	execv(TOOL, words);
	die(TOOL);
}
