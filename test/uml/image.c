/*
 * Init of the smallest node there is: an image of cnibox, its configurations, this program and the
 * kernel's modules; nothing else. It takes a kubelet's part: brings the node up, adds a pod, checks
 * it, removes it, with a kernel that at first lacks what that takes.
 *
 * What cnibox did is read from /proc. Prints TAP, then "image: N passed, M failed".
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASH_CNI  "/opt/cni/bin/bash-cni"
#define LOOPBACK  "/opt/cni/bin/loopback"
#define CNI_NODE  "/opt/cni/bin/cni-node"
#define CNI_CHECK "/opt/cni/bin/cni-check"
#define CONF	  "/etc/cni/net.d/10-bash-cni-plugin.conf"
#define DUAL	  "/etc/cni/net.d/20-dual-stack.conf"
#define DEFAULT	  "/etc/cni/net.d/30-masquerade.conf"
#define NETNS	  "/run/netns/pod"
#define LEASE	  "/var/lib/cni/networks/mynet/10.244.0.2"
#define GATEWAY	  "10.244.0.1"
#define POD	  "10.244.0.2"

static unsigned passed, failed;
static char said[65536]; /* what the last program printed, both streams */

static void check(bool good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", passed + failed + 1, what);
	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("# the last program said: %s\n", said);
}

/* Set-up that must work: without it no check would mean anything. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s: %m\nimage: 0 passed, 1 failed\n", what);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(1);
}

/* --- the machine ------------------------------------------------------------------------------ */

static void make_mounts(void)
{
	must(mount("none", "/proc", "proc", 0, NULL) == 0, "mount /proc");
	must(mount("none", "/run", "tmpfs", 0, NULL) == 0, "mount /run");
	must(mount("none", "/var", "tmpfs", 0, NULL) == 0, "mount /var");
	must(mount("none", "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, "make / read-only");
	must(mkdir("/run/netns", 0755) == 0, "make /run/netns");
}

static void load(const char *module, const char *parameters)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/modules/%s.ko", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && syscall(SYS_finit_module, fd, parameters, 0) == 0, path);
	close(fd);
}

/* Each after those that it needs. */
static const char *const for_bridge[] = {"llc", "stp", "bridge", NULL};
static const char *const for_iptables[] = {
	"x_tables",	"ip_tables", "iptable_filter", "nf_defrag_ipv4", "nf_defrag_ipv6",
	"nf_conntrack", "nf_nat",    "iptable_nat",    "xt_MASQUERADE",	 NULL,
};

static void load_all(const char *const *module)
{
	for (; *module; module++)
		load(*module, "");
}

/* A whole file as text; empty when it is not there. */
static const char *text_of(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, got = 0;

	while (fd >= 0 && (n = read(fd, text + got, sizeof(text) - 1 - (size_t)got)) > 0)
		got += n;
	text[got] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* --- programs --------------------------------------------------------------------------------- */

/* Run a program with input; gives its exit status and leaves what it printed in said. */
static int run(const char *input, const char *const *env, const char *const *argv)
{
	int in[2], out[2], status;
	ssize_t n, got = 0;
	pid_t child;

	must(pipe(in) == 0 && pipe(out) == 0, "pipe");
	child = fork();
	must(child >= 0, "fork");
	if (child == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		for (int fd = 3; fd < 16; fd++)
			close(fd);
		execve(argv[0], (char *const *)argv, (char *const *)env);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	must(write(in[1], input, strlen(input)) == (ssize_t)strlen(input), "write to a pipe");
	close(in[1]);
	while ((n = read(out[0], said + got, sizeof(said) - 1 - (size_t)got)) > 0)
		got += n;
	said[got] = '\0';
	close(out[0]);
	must(waitpid(child, &status, 0) == child, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A CNI call on the pod; result: of the ADD, for CHECK and DEL. */
static int call(const char *plugin, const char *verb, const char *file, const char *result)
{
	static char conf[2 * sizeof(said)];
	char command[64];
	const char *env[] = {command,		"CNI_CONTAINERID=pod1",	 "CNI_NETNS=/run/netns/pod",
			     "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin", NULL};
	const char *argv[] = {plugin, NULL};

	snprintf(command, sizeof(command), "CNI_COMMAND=%s", verb);
	snprintf(conf, sizeof(conf), "%s", text_of(file));
	if (result) {
		*strrchr(conf, '}') = '\0';
		snprintf(conf + strlen(conf), sizeof(conf) - strlen(conf), ", \"prevResult\": %s}",
			 result);
	}
	return run(conf, env, argv);
}

static int cni(const char *verb, const char *file, const char *result)
{
	return call(BASH_CNI, verb, file, result);
}

static int node(const char *verb, const char *file)
{
	const char *env[] = {NULL};
	const char *argv[] = {CNI_NODE, verb, "--conf", file, NULL};

	return run("", env, argv);
}

/* --- the pod, seen from within ---------------------------------------------------------------- */

static void make_pod(void)
{
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int file = open(NETNS, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);

	must(host >= 0 && file >= 0, "open namespaces");
	close(file);
	must(unshare(CLONE_NEWNET) == 0, "make a network namespace");
	must(mount("/proc/self/ns/net", NETNS, NULL, MS_BIND, NULL) == 0, "name it");
	must(setns(host, CLONE_NEWNET) == 0, "return from it");
	close(host);
}

/* Does a file, read in the pod, have these words? */
static bool in_pod(const char *path, const char *words)
{
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int pod = open(NETNS, O_RDONLY | O_CLOEXEC);
	bool found;

	must(pod >= 0 && setns(pod, CLONE_NEWNET) == 0, "enter the pod");
	found = strstr(text_of(path), words);
	must(setns(host, CLONE_NEWNET) == 0, "leave the pod");
	close(pod);
	close(host);
	return found;
}

/* A datagram from the pod to the gateway's address: does the node get it, from the pod's? */
static bool datagram_arrives(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(4789)};
	struct sockaddr_in from = {0};
	socklen_t n = sizeof(from);
	struct timeval patience = {.tv_sec = 2};
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int pod = open(NETNS, O_RDONLY | O_CLOEXEC);
	int here = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), inside;
	char byte = 0;
	bool came;

	inet_pton(AF_INET, GATEWAY, &to.sin_addr);
	must(pod >= 0 && setns(pod, CLONE_NEWNET) == 0, "enter the pod");
	inside = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(setns(host, CLONE_NEWNET) == 0, "leave the pod");
	setsockopt(here, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	came = bind(here, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	       sendto(inside, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1 &&
	       recvfrom(here, &byte, 1, 0, (struct sockaddr *)&from, &n) == 1 && byte == 'x' &&
	       from.sin_addr.s_addr == inet_addr(POD);
	close(inside);
	close(here);
	close(pod);
	close(host);
	return came;
}

/* --- what must be so -------------------------------------------------------------------------- */

static bool node_has_a_veth(void)
{
	return strstr(text_of("/proc/net/dev"), "veth");
}

static void without_modules(void)
{
	check(node("up", CONF) == 1 && strstr(said, "CONFIG_BRIDGE"),
	      "without a bridge module, cni-node up names CONFIG_BRIDGE");
	check(cni("ADD", CONF, NULL) == 1 && strstr(said, "CONFIG_BRIDGE"), "and so does an ADD");
	check(!there(LEASE), "which keeps no lease");
	check(node("status", DUAL) == 1 && strstr(said, "CONFIG_IPV6"),
	      "without an IPv6 module, a dual-stack network names CONFIG_IPV6");
}

static void without_veth(void)
{
	check(cni("ADD", CONF, NULL) == 1 && strstr(said, "CONFIG_VETH"),
	      "without a veth module, an ADD names CONFIG_VETH");
	check(!there(LEASE), "and keeps no lease");
}

static void without_ipv6(void)
{
	check(cni("ADD", DUAL, NULL) == 1 && strstr(said, "ipv6.disable=1"),
	      "with ipv6.disable=1, an ADD to a dual-stack network names that");
	check(!there(LEASE), "and keeps no lease");
}

static void without_rules(void)
{
	check(cni("ADD", DEFAULT, NULL) == 1 && strstr(said, "CONFIG_NF_TABLES"),
	      "without nfnetlink, an ADD that wants masquerade names CONFIG_NF_TABLES");
	check(!there(LEASE), "and keeps no lease");
}

static void node_comes_up(void)
{
	check(node("up", CONF) == 0, "cni-node up");
	check(strstr(text_of("/proc/net/dev"), "cni0:"), "there is cni0");
	check(strstr(text_of("/proc/net/fib_trie"), "|-- " GATEWAY), "with the gateway's address");
	check(text_of("/proc/sys/net/ipv4/ip_forward")[0] == '1', "and the node forwards");
	check(node("status", CONF) == 0, "cni-node status finds nothing missing");
}

static void pod_comes_and_goes(void)
{
	static char result[sizeof(said)];
	const char *no_env[] = {NULL};
	const char *ping[] = {CNI_CHECK, "--conf", CONF, "--netns", NETNS, NULL};

	check(call(LOOPBACK, "ADD", CONF, NULL) == 0, "loopback");
	check(in_pod("/proc/net/fib_trie", "|-- 127.0.0.1"), "raises lo");
	check(cni("ADD", CONF, NULL) == 0 && strstr(said, POD "/24"), "ADD gives " POD);
	memcpy(result, said, sizeof(said));
	check(in_pod("/proc/net/dev", "eth0:"), "the pod has eth0");
	check(in_pod("/proc/net/fib_trie", "|-- " POD), "with that address");
	/* Destination 0.0.0.0, gateway 10.244.0.1 as its bytes lie in memory. */
	check(in_pod("/proc/net/route", "eth0\t00000000\t0100F40A"), "and a default route");
	check(node_has_a_veth(), "its other end is on the node");
	check(there(LEASE), "the address is leased");
	check(datagram_arrives(), "a datagram from the pod reaches the node");
	check(cni("CHECK", CONF, result) == 0, "CHECK");
	check(run("", no_env, ping) == 0 && strstr(said, "Can ping own host"), "cni-check");
	check(cni("DEL", CONF, result) == 0, "DEL");
	check(!in_pod("/proc/net/dev", "eth0:") && !node_has_a_veth(), "the link is gone");
	check(!there(LEASE), "so is the lease");
	check(cni("DEL", CONF, result) == 0, "DEL once more");
}

/* The kernel has no nf_tables, but legacy iptables, which is enough for what the default is. */
static void with_iptables(void)
{
	check(node("up", DEFAULT) == 0, "with legacy iptables, cni-node up makes rules, too");
	check(strstr(text_of("/proc/net/ip_tables_names"), "nat"), "in the table nat");
	check(node("status", DEFAULT) == 0, "cni-node status finds nothing missing");
	check(cni("ADD", DEFAULT, NULL) == 0 && datagram_arrives(), "ADD");
	check(cni("DEL", DEFAULT, NULL) == 0 && !node_has_a_veth(), "DEL");
}

static void node_goes_down(void)
{
	check(node("down", CONF) == 0, "cni-node down");
	check(!strstr(text_of("/proc/net/dev"), "cni0:"), "cni0 is gone");
	check(text_of("/proc/sys/net/ipv4/ip_forward")[0] == '0', "and forwarding is off again");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("== cnibox alone, in User-Mode Linux");
	make_mounts();
	make_pod();
	without_modules();
	load("crc-ccitt", "");
	load("ipv6", "disable=1");
	load_all(for_bridge);
	without_veth();
	load("veth", "");
	without_ipv6();
	without_rules();
	node_comes_up();
	pod_comes_and_goes();
	load_all(for_iptables);
	with_iptables();
	node_goes_down();
	check(!there("/var/log") && !there("/bin") && !there("/dev/null"),
	      "all of it with no log, no shell, no /dev/null");
	printf("image: %u passed, %u failed\n", passed, failed);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
