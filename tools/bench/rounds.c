/*
 * Run two plugins in turn as a container runtime runs them, and time each whole process: fork,
 * exec, the configuration through a pipe, standard output read to its end, wait.
 *
 *	rounds COUNT SETTLE_MS CONFIGURATION CANDIDATE FLOOR
 *
 * A round is ADD and DEL of a pod by either, each pod in a network namespace that is new; odd
 * rounds begin with the candidate, even ones with the floor. Prints a line for each round: ADD and
 * DEL of the candidate, ADD and DEL of the floor, in nanoseconds. Run it in a network and a mount
 * namespace that go with it: it leaves a mount in /run/netns for every pod, as taking a namespace
 * down is work that the kernel would do beside the next measurement.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char conf[65536];
static size_t conf_len;
static char output[65536];

static void die(const char *what)
{
	fprintf(stderr, "rounds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void settle(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void read_conf(const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f)
		die(path);
	conf_len = fread(conf, 1, sizeof(conf), f);
	if (conf_len == 0 || conf_len == sizeof(conf))
		die("the configuration is empty or too long");
	fclose(f);
}

/* A new network namespace, bound to a path as runtimes do it. */
static void make_netns(const char *path)
{
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

	if (host < 0 || file < 0 || close(file) || unshare(CLONE_NEWNET) ||
	    mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) || setns(host, CLONE_NEWNET) ||
	    close(host))
		die(path);
}

/* One call of a plugin, from before the fork to after the wait; gives its time. */
static uint64_t call(const char *plugin, const char *verb, const char *id, const char *netns)
{
	int in[2], out[2], status;
	size_t got = 0;
	uint64_t start;
	ssize_t n;
	pid_t pid;

	setenv("CNI_COMMAND", verb, 1);
	setenv("CNI_CONTAINERID", id, 1);
	setenv("CNI_NETNS", netns, 1);
	start = now();
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(plugin, plugin, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	/* It need not be read: the floor's process does without. */
	if (write(in[1], conf, conf_len) < 0 && errno != EPIPE)
		die("write");
	close(in[1]);
	while ((n = read(out[0], output + got, sizeof(output) - 1 - got)) > 0)
		got += (size_t)n;
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	start = now() - start;
	output[got] = '\0';
	if (status != 0) {
		fprintf(stderr, "rounds: %s %s: status %#x\n%s\n", plugin, verb, (unsigned)status,
			output);
		exit(1);
	}
	return start;
}

struct timing {
	uint64_t add, del;
};

static struct timing serve(const char *plugin, char who, unsigned round, long settle_ms)
{
	char id[32], netns[64];
	struct timing t;

	snprintf(id, sizeof(id), "bench-%c-%u", who, round);
	snprintf(netns, sizeof(netns), "/run/netns/%s", id);
	make_netns(netns);
	settle(settle_ms);
	t.add = call(plugin, "ADD", id, netns);
	settle(settle_ms);
	t.del = call(plugin, "DEL", id, netns);
	return t;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fputs("usage: rounds COUNT SETTLE_MS CONFIGURATION CANDIDATE FLOOR\n", stderr);
		return 2;
	}
	unsigned count = (unsigned)strtoul(argv[1], NULL, 10);
	long settle_ms = strtol(argv[2], NULL, 10);

	read_conf(argv[3]);
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 1; i <= count; i++) {
		struct timing candidate, floor;

		if (i % 2) {
			candidate = serve(argv[4], 'a', i, settle_ms);
			floor = serve(argv[5], 'b', i, settle_ms);
		} else {
			floor = serve(argv[5], 'b', i, settle_ms);
			candidate = serve(argv[4], 'a', i, settle_ms);
		}
		printf("%llu %llu %llu %llu\n", (unsigned long long)candidate.add,
		       (unsigned long long)candidate.del, (unsigned long long)floor.add,
		       (unsigned long long)floor.del);
		fflush(stdout);
	}
	return 0;
}
