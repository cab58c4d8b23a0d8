/*
 * A container runtime that does nothing but call plugins, and time each call as a whole: fork,
 * exec, the configuration through a pipe, standard output read until it is closed, wait.
 *
 *	runtime ROUND AT_ONCE EACH SETTLE_MS CHAIN...
 *	runtime keep PODS CHAIN
 *
 * CHAIN is a directory with what a network consists of: the plugins, 0.plugin, 1.plugin ... (links
 * into bin), for each its configuration, 0.conf, 1.conf ..., and in bin what CNI_PATH leads to.
 *
 * A round, of which the number is given, adds AT_ONCE pods to the network of each chain and then
 * removes them, all at the same time, each in a network namespace that is new. With EACH above 1,
 * AT_ONCE workers have that many pods each, one after the other: ADD, DEL, ADD ... The chains take
 * turns in who begins and in whom they come after. Prints for each pod a line of JSON: chain, round,
 * and for ADD and DEL the nanoseconds from the first fork to the last wait, those of processor time,
 * and the largest resident size in KiB; and for each chain how long it took until all pods were added
 * (EACH above 1: added and removed).
 *
 * With "keep", pods are added one after the other, stay, and nothing is printed.
 *
 * Run it in a network and a mount namespace that go with it: it leaves a mount in /run/netns for
 * every pod, as taking a namespace down is work that the kernel would do beside the next call.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHAINS_MAX  8
#define PLUGINS_MAX 8
#define TEXT_MAX    ((size_t)65536)
#define EACH_MAX    64

struct plugin {
	char path[PATH_MAX];
	char *conf;
	size_t len;
};

struct chain {
	const char *name;
	char path[PATH_MAX]; /* CNI_PATH */
	struct plugin plugin[PLUGINS_MAX];
	int plugins;
};

/* What a verb cost, of one pod and all plugins of the chain. */
struct cost {
	uint64_t ns, cpu_ns, rss_kib;
};

static struct chain chains[CHAINS_MAX];
static int chain_count;

/* The result of the last plugin, which the next gets as prevResult. */
static char result[TEXT_MAX];

static void die(const char *what)
{
	fprintf(stderr, "runtime: %s: %s\n", what, strerror(errno));
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

/* --- chains ----------------------------------------------------------------------------------- */

static int read_plugin(struct plugin *p, const char *dir, int i)
{
	static char text[TEXT_MAX];
	char target[256];
	ssize_t n;
	FILE *f;

	snprintf(p->path, sizeof(p->path), "%s/%d.conf", dir, i);
	f = fopen(p->path, "re");
	if (!f)
		return -1;
	p->len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[p->len] = '\0';
	p->conf = strdup(text);
	if (!p->conf || *p->conf != '{')
		die(p->path);
	/* The link's target, as a plugin may go by the name it is called under. */
	snprintf(text, sizeof(text), "%s/%d.plugin", dir, i);
	n = readlink(text, target, sizeof(target) - 1);
	if (n < 0)
		die(text);
	target[n] = '\0';
	if (snprintf(p->path, sizeof(p->path), "%s/%s", dir, target) >= (int)sizeof(p->path))
		die(text);
	return 0;
}

static void read_chain(const char *dir)
{
	struct chain *c = &chains[chain_count++];

	c->name = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
	snprintf(c->path, sizeof(c->path), "%s/bin", dir);
	while (c->plugins < PLUGINS_MAX &&
	       read_plugin(&c->plugin[c->plugins], dir, c->plugins) == 0)
		c->plugins++;
	if (c->plugins == 0)
		die(dir);
}

/* --- one call --------------------------------------------------------------------------------- */

/* The configuration with the last result in it: behind its first brace. */
static size_t write_request(char *out, const struct plugin *p)
{
	if (!*result)
		return (size_t)snprintf(out, 2 * TEXT_MAX, "%s", p->conf);
	return (size_t)snprintf(out, 2 * TEXT_MAX, "{\"prevResult\":%s,%s", result, p->conf + 1);
}

/* Read all that the plugin says. What it says last is kept if it says anything. */
static void read_answer(int fd, char *answer)
{
	size_t got = 0;
	ssize_t n;

	while ((n = read(fd, answer + got, TEXT_MAX - 1 - got)) > 0)
		got += (size_t)n;
	answer[got] = '\0';
}

static uint64_t nanoseconds(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

/* A plugin that is several processes shows only the first one's peak. */
static void add_usage(struct cost *c, const struct rusage *before)
{
	struct rusage after;

	getrusage(RUSAGE_CHILDREN, &after);
	c->cpu_ns += nanoseconds(after.ru_utime) + nanoseconds(after.ru_stime) -
		     nanoseconds(before->ru_utime) - nanoseconds(before->ru_stime);
	if ((uint64_t)after.ru_maxrss > c->rss_kib)
		c->rss_kib = (uint64_t)after.ru_maxrss;
}

static void call(const struct plugin *p, bool keeps_result, struct cost *c)
{
	static char request[2 * TEXT_MAX], answer[TEXT_MAX];
	size_t len = write_request(request, p);
	posix_spawn_file_actions_t files;
	struct rusage before;
	int in[2], out[2], status;
	uint64_t start;
	pid_t pid;

	getrusage(RUSAGE_CHILDREN, &before);
	start = now();
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe");
	/* As runtimes do: the child gets no copy of our memory, whose size would count as its own. */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
	errno = posix_spawn(&pid, p->path, &files, NULL, (char *[]){(char *)p->path, NULL},
			    environ);
	if (errno)
		die(p->path);
	posix_spawn_file_actions_destroy(&files);
	close(in[0]);
	close(out[1]);
	/* It need not be read: the floor's process does without. */
	if (write(in[1], request, len) < 0 && errno != EPIPE)
		die("write");
	close(in[1]);
	read_answer(out[0], answer);
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	c->ns += now() - start;
	add_usage(c, &before);
	if (status != 0) {
		fprintf(stderr, "runtime: %s %s: status %#x\n%s\n", p->path, getenv("CNI_COMMAND"),
			(unsigned)status, answer);
		exit(1);
	}
	if (keeps_result)
		memcpy(result, answer, sizeof(answer));
}

static struct cost add(const struct chain *c)
{
	struct cost cost = {0};

	setenv("CNI_COMMAND", "ADD", 1);
	*result = '\0';
	for (int i = 0; i < c->plugins; i++)
		call(&c->plugin[i], true, &cost);
	return cost;
}

static struct cost del(const struct chain *c)
{
	struct cost cost = {0};

	setenv("CNI_COMMAND", "DEL", 1);
	for (int i = c->plugins - 1; i >= 0; i--)
		call(&c->plugin[i], false, &cost);
	return cost;
}

/* --- pods ------------------------------------------------------------------------------------- */

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

/* Wait until the parent lets all go at once; say so when that is awaited. */
static void await_start(int ready, int go)
{
	char c = 0;

	if (write(ready, &c, 1) != 1 || read(go, &c, 1) < 0)
		die("start");
}

static void print_cost(const char *verb, const struct cost *c)
{
	printf("\"%s\": {\"ns\": %llu, \"cpu_ns\": %llu, \"rss_kib\": %llu}", verb,
	       (unsigned long long)c->ns, (unsigned long long)c->cpu_ns,
	       (unsigned long long)c->rss_kib);
}

#define NETNS "/run/netns/cni-"

struct pod {
	char netns[96]; /* a path, which ends in the container's ID */
	struct cost added, removed;
};

static void make_pod(struct pod *p, const struct chain *c, long round, long worker, long number)
{
	snprintf(p->netns, sizeof(p->netns), NETNS "%s-%ld-%ld-%ld", c->name, round, worker,
		 number);
	make_netns(p->netns);
}

static void name_pod(const struct pod *p, const struct chain *c)
{
	setenv("CNI_CONTAINERID", p->netns + strlen(NETNS), 1);
	setenv("CNI_NETNS", p->netns, 1);
	setenv("CNI_PATH", c->path, 1);
}

/* With one pod only, start[1] is awaited between ADD and DEL. */
static void live(const struct chain *c, struct pod *pods, long each, int ready, const int start[2])
{
	await_start(ready, start[0]);
	for (long i = 0; i < each; i++) {
		name_pod(&pods[i], c);
		pods[i].added = add(c);
		if (each == 1)
			await_start(ready, start[1]);
		pods[i].removed = del(c);
	}
	if (each > 1)
		await_start(ready, start[1]);
}

/* A worker, in a process of its own that ends with its parent. */
static void work(const struct chain *c, long round, long worker, long each, int ready,
		 const int start[2])
{
	static struct pod pods[EACH_MAX];
	char line[512];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (long i = 0; i < each; i++)
		make_pod(&pods[i], c, round, worker, i);
	live(c, pods, each, ready, start);
	setvbuf(stdout, line, _IOFBF, sizeof(line));
	for (long i = 0; i < each; i++) {
		printf("{\"chain\": \"%s\", \"round\": %ld, ", c->name, round);
		print_cost("add", &pods[i].added);
		printf(", ");
		print_cost("del", &pods[i].removed);
		printf("}\n");
		fflush(stdout);
	}
	_exit(0);
}

static void await_all(int ready, long pods)
{
	char c;

	for (long i = 0; i < pods; i++)
		if (read(ready, &c, 1) != 1)
			exit(1); /* it has said why */
}

static void serve(const struct chain *c, long round, long workers, long each, long settle_ms)
{
	int ready[2], add_start[2], del_start[2], status;
	uint64_t start, taken;

	if (pipe2(ready, O_CLOEXEC) || pipe2(add_start, O_CLOEXEC) || pipe2(del_start, O_CLOEXEC))
		die("pipe");
	for (long i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid > 0)
			continue;
		close(ready[0]);
		close(add_start[1]);
		close(del_start[1]);
		work(c, round, i, each, ready[1], (int[]){add_start[0], del_start[0]});
	}
	close(ready[1]);
	await_all(ready[0], workers);
	settle(settle_ms);
	start = now();
	close(add_start[1]);
	await_all(ready[0], workers);
	taken = now() - start;
	settle(settle_ms);
	close(del_start[1]);
	for (long i = 0; i < workers; i++)
		if (wait(&status) < 0 || status != 0)
			exit(1);
	printf("{\"chain\": \"%s\", \"round\": %ld, \"all_ns\": %llu}\n", c->name, round,
	       (unsigned long long)taken);
	fflush(stdout);
	close(ready[0]);
	close(add_start[0]);
	close(del_start[0]);
}

/*
 * Whose turn is the i-th of a round. Every other round goes backwards: whom one comes after may make a
 * difference, as the kernel remembers for the next what it has looked up.
 */
static const struct chain *turn(long round, long i)
{
	long first = round / 2 % chain_count;

	return &chains[(first + (round % 2 ? chain_count - i : i)) % chain_count];
}

static int keep(long pods, const char *dir)
{
	const struct chain *c = &chains[0];
	static struct pod pod;

	read_chain(dir);
	for (long i = 0; i < pods; i++) {
		make_pod(&pod, c, 0, 0, i);
		name_pod(&pod, c);
		add(c);
	}
	return 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: runtime ROUND AT_ONCE EACH SETTLE_MS CHAIN... (each: %d at most; %d chains)\n"
		"       runtime keep PODS CHAIN\n",
		EACH_MAX, CHAINS_MAX);
	return 2;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && strcmp(argv[1], "keep") == 0)
		return keep(strtol(argv[2], NULL, 10), argv[3]);
	if (argc < 6 || argc - 5 > CHAINS_MAX || strtol(argv[3], NULL, 10) > EACH_MAX)
		return usage();
	long round = strtol(argv[1], NULL, 10), workers = strtol(argv[2], NULL, 10);
	long each = strtol(argv[3], NULL, 10), settle_ms = strtol(argv[4], NULL, 10);

	for (int i = 5; i < argc; i++)
		read_chain(argv[i]);
	for (int i = 0; i < chain_count; i++)
		serve(turn(round, i), round, workers, each, settle_ms);
	return 0;
}
