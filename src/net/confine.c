#include "net/confine.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"

/* --- capabilities ------------------------------------------------------------------------------ */

#define CAP(name) (1ull << CAP_##name)

/*
 * PTRACE: /proc/PID/ns/net of a process that has capabilities which this one has given up. DAC: the
 * store and that namespace may be another user's.
 */
const uint64_t confine_plugin = CAP(NET_ADMIN) | CAP(NET_RAW) | CAP(SYS_ADMIN) | CAP(SYS_PTRACE) |
				CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH);

#define WORDS _LINUX_CAPABILITY_U32S_3

static struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

void confine_rights(uint64_t keep)
{
	struct __user_cap_data_struct has[WORDS], want[WORDS];

	for (unsigned i = 0; i < WORDS; i++) {
		want[i].effective = want[i].permitted = (uint32_t)(keep >> (32 * i));
		want[i].inheritable = 0;
	}
	syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul);
	if (syscall(SYS_capset, &header, want) == 0 || syscall(SYS_capget, &header, has))
		return;
	/* It had fewer: in a container, or not as root. */
	for (unsigned i = 0; i < WORDS; i++) {
		want[i].permitted &= has[i].permitted;
		want[i].effective &= has[i].effective;
	}
	syscall(SYS_capset, &header, want);
}

/* --- system calls ------------------------------------------------------------------------------ */

#ifdef __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE AUDIT_ARCH_X86_64
#endif

/* Opening without writing, creating or truncating; O_DIRECTORY is a bit of O_TMPFILE. */
#define OPEN_TO_WRITE (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

#define ANY 0xff

/* What a client calls; with an argument of which the bits of mask must be value. */
static const struct rule {
	uint16_t call;
	uint8_t argument; /* ANY: whatever they are */
	uint32_t mask, value;
} rules[] = {
	{SYS_read, ANY, 0, 0},
	{SYS_write, ANY, 0, 0},
	{SYS_close, ANY, 0, 0},
	{SYS_fstat, ANY, 0, 0},
	{SYS_newfstatat, ANY, 0, 0},
	{SYS_faccessat, ANY, 0, 0},
	{SYS_getdents64, ANY, 0, 0},
	{SYS_openat, 2, OPEN_TO_WRITE, O_RDONLY},
	{SYS_ioctl, 1, UINT32_MAX, TIOCGWINSZ}, /* isatty */
	{SYS_socket, 0, UINT32_MAX, AF_INET},
	{SYS_socket, 0, UINT32_MAX, AF_INET6},
	{SYS_connect, ANY, 0, 0},
	{SYS_sendto, ANY, 0, 0},
	{SYS_recvfrom, ANY, 0, 0},
	{SYS_setsockopt, ANY, 0, 0},
	{SYS_getsockopt, ANY, 0, 0},
	{SYS_getsockname, ANY, 0, 0},
	{SYS_ppoll, ANY, 0, 0},
	{SYS_nanosleep, ANY, 0, 0},
	{SYS_clock_nanosleep, ANY, 0, 0},
	{SYS_clock_gettime, ANY, 0, 0},
	{SYS_getpid, ANY, 0, 0}, /* the log */
	{SYS_getrandom, ANY, 0, 0},
	{SYS_rt_sigprocmask, ANY, 0, 0},
	{SYS_rt_sigaction, ANY, 0, 0},
	{SYS_rt_sigreturn, ANY, 0, 0},
	{SYS_rt_sigtimedwait, ANY, 0, 0},
	{SYS_restart_syscall, ANY, 0, 0},
	{SYS_exit_group, ANY, 0, 0},
#ifdef SYS_poll
	{SYS_poll, ANY, 0, 0},
	{SYS_access, ANY, 0, 0},
	{SYS_stat, ANY, 0, 0},
#endif
};

/* Of a rule at most, and beside them: the architecture's check and the end. */
#define INSTRUCTIONS (6 * ARRAY_SIZE(rules) + 6)

struct program {
	struct sock_filter code[INSTRUCTIONS];
	unsigned short len;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t if_not)
{
	p->code[p->len++] = (struct sock_filter){code, 0, if_not, k};
}

static void put_load(struct program *p, size_t offset)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0);
}

static void put_rule(struct program *p, const struct rule *r)
{
	bool any = r->argument == ANY;

	put(p, BPF_JMP | BPF_JEQ | BPF_K, r->call, any ? 1 : 5);
	if (!any) {
		put_load(p, offsetof(struct seccomp_data, args[r->argument]));
		put(p, BPF_ALU | BPF_AND | BPF_K, r->mask, 0);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, r->value, 1);
	}
	put(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	if (!any)
		put_load(p, offsetof(struct seccomp_data, nr));
}

static void confine_calls(void)
{
	static struct program p;
	struct sock_fprog program = {.filter = p.code};

	put_load(&p, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 2);
	put_load(&p, offsetof(struct seccomp_data, nr));
	put(&p, BPF_JMP | BPF_JA, 1, 0);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		put_rule(&p, &rules[i]);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0);
	program.len = p.len;
	syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

void confine_client(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	syscall(SYS_prctl, PR_SET_DUMPABLE, 0ul);
	confine_rights(0);
	if (!IS_SANITIZED)
		confine_calls();
}
