/*
 * Run a program and, at one chosen point of it, kill it, fail its system call, have the kernel
 * refuse what it asks for, or have the kernel's answer be a refusal.
 *
 *	inject [-o FILE] [-p PROCESS] [-w WHAT] [-k CALL | -f CALL -e ERRNO | -r REQUEST -e ERRNO |
 *	       -a ANSWER -e ERRNO] PROGRAM [ARGUMENT]...
 *
 * All that the program forks and executes is followed and waited for. Processes, and each one's
 * system calls, requests and answers, are counted from 1 in their order; PROCESS 0 counts all
 * processes' together, and what is killed then is PROGRAM. Requests are netlink messages sent (but
 * for the begin and end of nf_tables' batches), answers are datagrams received that answer one.
 *
 *	-w  count only those calls (by number), or requests and answers (by type): how often others
 *	    come may depend on the time that something takes
 *	-k  SIGKILL before that call
 *	-f  the call is not made and fails (a close is made, and fails)
 *	-r  the message gets a type that does not exist, so the kernel does not do it; the answer says
 *	    ERRNO
 *	-a  the kernel has done it, but the answer says ERRNO
 *	-o  write a line "call|request|answer PROCESS NUMBER WHAT" for each; what an answer is, is
 *	    the type of the request that it answers
 *
 * Exit status: the program's, or 128 + the signal that ended it; 125 when this fails; 124 when the
 * point was not reached and the program succeeded.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "a call is made to fail by writing x86-64's registers"
#endif

#define TRACEES_MAX  1024 /* a Go plugin has some 10 threads and runs iptables a dozen times */
#define DATAGRAM_MAX 65536
#define PIECES_MAX   64
#define ASKED_MAX    1024 /* requests whose answers are still to come: of one batch */

#define NO_SUCH_TYPE 0xef /* of rtnetlink's; nf_tables' keep their subsystem in the upper byte */

enum kind { NOTHING, KILL, FAIL, REFUSE, ANSWER };

struct tracee {
	pid_t pid;
	unsigned number; /* 1: the program itself */
	unsigned calls, requests, answers;
	bool begun;   /* it is the program, not yet what executes it */
	bool failing; /* its call is being made to fail */
	long call;
	uint64_t args[6];
	struct user_regs_struct before; /* the call that fails */
	uint16_t asked[ASKED_MAX];	/* the type of request, by its sequence number */
};

static struct {
	enum kind kind;
	unsigned process;
	unsigned at;
	long only; /* -1: all are counted */
	int error;
	FILE *list;
	bool reached;
	pid_t program;
	pid_t refused;	   /* whose message was refused, */
	uint32_t sequence; /* and which */
} plan = {.process = 1, .only = -1};

static struct tracee tracees[TRACEES_MAX];
static unsigned live, numbers;
static struct tracee all; /* the counts of all */
static _Alignas(8) unsigned char datagram[DATAGRAM_MAX];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(125);
}

static struct tracee *tracee_of(pid_t pid)
{
	for (unsigned i = 0; i < live; i++)
		if (tracees[i].pid == pid)
			return &tracees[i];
	if (live == TRACEES_MAX) {
		errno = ENOMEM;
		die("too many processes at once");
	}
	numbers++;
	tracees[live] = (struct tracee){.pid = pid, .number = numbers, .begun = numbers > 1};
	return &tracees[live++];
}

static void forget(pid_t pid)
{
	struct tracee *t = tracee_of(pid);

	*t = tracees[--live];
}

/* --- memory and descriptors of the traced ----------------------------------------------------- */

static ssize_t peek(const struct tracee *t, uint64_t from, void *to, size_t n)
{
	struct iovec here = {to, n}, there = {(void *)(uintptr_t)from, n};

	return process_vm_readv(t->pid, &here, 1, &there, 1, 0);
}

static void poke(const struct tracee *t, uint64_t to, void *from, size_t n)
{
	struct iovec here = {from, n}, there = {(void *)(uintptr_t)to, n};

	if (process_vm_writev(t->pid, &here, 1, &there, 1, 0) != (ssize_t)n)
		die("write to the program's memory");
}

/* The protocol of a netlink socket; -1: it is another thing. */
static int netlink_protocol(const struct tracee *t, int fd)
{
	int process = (int)syscall(SYS_pidfd_open, t->pid, 0);
	int copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	int domain = 0, protocol = -1;
	socklen_t n = sizeof(int);

	if (copy >= 0 && getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
	    domain == AF_NETLINK)
		getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &protocol, &n);
	if (copy >= 0)
		close(copy);
	if (process >= 0)
		close(process);
	return protocol;
}

/* Where the bytes of a sendto, sendmsg, recvfrom or recvmsg lie; gives how many pieces. */
static size_t pieces(const struct tracee *t, struct iovec piece[static PIECES_MAX])
{
	struct msghdr m = {0};

	if (t->call == SYS_sendto || t->call == SYS_recvfrom || t->call == SYS_write ||
	    t->call == SYS_read) {
		piece[0] = (struct iovec){(void *)(uintptr_t)t->args[1], t->args[2]};
		return 1;
	}
	if (peek(t, t->args[1], &m, sizeof(m)) != sizeof(m) || (size_t)m.msg_iovlen > PIECES_MAX)
		return 0;
	if (peek(t, (uintptr_t)m.msg_iov, piece, (size_t)m.msg_iovlen * sizeof(*piece)) < 0)
		return 0;
	return (size_t)m.msg_iovlen;
}

/* --- counting, and the one point -------------------------------------------------------------- */

/* Count one of a kind; is it the one that is meant? */
static bool count(const struct tracee *t, enum kind kind, unsigned *own, unsigned *total,
		  const char *name, long what)
{
	if (plan.only >= 0 && what != plan.only)
		return false;
	++*own;
	++*total;
	if (plan.list)
		fprintf(plan.list, "%s %u %u %ld\n", name, t->number, *own, what);
	if (plan.kind != kind || plan.reached)
		return false;
	if (plan.process ? t->number != plan.process || *own != plan.at : *total != plan.at)
		return false;
	plan.reached = true;
	return true;
}

static void refuse_requests(struct tracee *t)
{
	int protocol = netlink_protocol(t, (int)t->args[0]);
	struct iovec piece[PIECES_MAX];
	size_t n = protocol < 0 ? 0 : pieces(t, piece);

	for (size_t i = 0; i < n; i++) {
		uint64_t at = (uintptr_t)piece[i].iov_base, end = at + piece[i].iov_len;
		struct nlmsghdr h = {0};

		while (at + sizeof(h) <= end && peek(t, at, &h, sizeof(h)) == sizeof(h) &&
		       h.nlmsg_len >= sizeof(h)) {
			bool frame = protocol == NETLINK_NETFILTER && h.nlmsg_type < 0x100;

			t->asked[h.nlmsg_seq % ASKED_MAX] = h.nlmsg_type;
			if (!frame && count(t, REFUSE, &t->requests, &all.requests, "request",
					    h.nlmsg_type)) {
				h.nlmsg_type = (uint16_t)((h.nlmsg_type & 0xff00) | NO_SUCH_TYPE);
				poke(t, at, &h, sizeof(h));
				plan.refused = t->pid;
				plan.sequence = h.nlmsg_seq;
			}
			at += NLMSG_ALIGN(h.nlmsg_len);
		}
	}
}

/* The reason that the kernel gave for the refusal becomes ERRNO. Gives whether it was in there. */
static bool give_reason(const struct tracee *t, long length)
{
	const struct nlmsghdr *h;

	if (plan.refused != t->pid)
		return false;
	for (long at = 0; at + (long)NLMSG_LENGTH(sizeof(struct nlmsgerr)) <= length;
	     at += (long)NLMSG_ALIGN(h->nlmsg_len)) {
		struct nlmsgerr *answer = (void *)(datagram + at + NLMSG_HDRLEN);

		h = (const void *)(datagram + at);
		if (h->nlmsg_len < sizeof(*h))
			return false;
		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq != plan.sequence)
			continue;
		answer->error = -plan.error;
		return true;
	}
	return false;
}

/* The first message of the datagram becomes a refusal, whatever it was. */
static bool refuse_first(struct tracee *t)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)datagram;
	struct nlmsgerr *answer = NLMSG_DATA(h);

	if (h->nlmsg_seq == 0) /* an announcement */
		return false;
	if (!count(t, ANSWER, &t->answers, &all.answers, "answer",
		   t->asked[h->nlmsg_seq % ASKED_MAX]))
		return false;
	answer->error = -plan.error;
	if (h->nlmsg_type != NLMSG_DONE)
		h->nlmsg_type = NLMSG_ERROR;
	h->nlmsg_flags = 0;
	return true;
}

static void change_answer(struct tracee *t, long length)
{
	struct iovec piece[PIECES_MAX];

	if (length < (long)NLMSG_LENGTH(sizeof(int)) || netlink_protocol(t, (int)t->args[0]) < 0 ||
	    pieces(t, piece) < 1 || piece[0].iov_len < (size_t)length ||
	    length > (long)sizeof(datagram) ||
	    peek(t, (uintptr_t)piece[0].iov_base, datagram, (size_t)length) != length)
		return;
	if (give_reason(t, length) || refuse_first(t))
		poke(t, (uintptr_t)piece[0].iov_base, datagram, (size_t)length);
}

static void registers(const struct tracee *t, bool set, struct user_regs_struct *regs)
{
	struct iovec io = {regs, sizeof(*regs)};

	if (set ? ptrace(PTRACE_SETREGSET, t->pid, NT_PRSTATUS, &io)
		: ptrace(PTRACE_GETREGSET, t->pid, NT_PRSTATUS, &io))
		die("the program's registers");
}

/*
 * The call is made, as a seccomp filter would not let another one pass, but with arguments for
 * which it can do nothing. What such a filter looks at stays (src/net/confine.c).
 */
static void spoil(struct tracee *t)
{
	struct user_regs_struct regs;

	registers(t, false, &regs);
	t->before = regs;
	regs.rdi = regs.rsi = regs.rdx = regs.r10 = regs.r8 = regs.r9 = ~0ULL;
	if (t->call == SYS_openat)
		regs.rdx = t->before.rdx;
	else if (t->call == SYS_ioctl)
		regs.rsi = t->before.rsi;
	else if (t->call == SYS_socket)
		regs.rdi = t->before.rdi;
	/* Whatever close says, the descriptor is gone: close(2). */
	if (t->call != SYS_close)
		registers(t, true, &regs);
}

static void fail(const struct tracee *t)
{
	struct user_regs_struct regs = t->before;

	regs.rax = (unsigned long)-(long)plan.error;
	registers(t, true, &regs);
}

static void enter_call(struct tracee *t, const struct __ptrace_syscall_info *info)
{
	t->call = (long)info->entry.nr;
	memcpy(t->args, info->entry.args, sizeof(t->args));
	if (count(t, plan.kind == KILL ? KILL : FAIL, &t->calls, &all.calls, "call", t->call)) {
		if (plan.kind == KILL)
			kill(plan.process ? t->pid : plan.program, SIGKILL);
		t->failing = plan.kind == FAIL;
		if (t->failing)
			spoil(t);
		return;
	}
	if (t->call == SYS_sendto || t->call == SYS_sendmsg)
		refuse_requests(t);
}

static void leave_call(struct tracee *t, const struct __ptrace_syscall_info *info)
{
	if (t->failing)
		fail(t);
	else if (t->call == SYS_recvfrom || t->call == SYS_recvmsg)
		change_answer(t, (long)info->exit.rval);
	t->failing = false;
	t->call = -1;
}

static void at_call(struct tracee *t)
{
	struct __ptrace_syscall_info info;

	if (!t->begun)
		return;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info) < 0)
		return; /* it was killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		enter_call(t, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		leave_call(t, &info);
}

/* --- following --------------------------------------------------------------------------------- */

static bool is_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* A process has stopped: look, and let it go on. */
static void take_stop(struct tracee *t, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	int deliver = 0;

	if (sig == (SIGTRAP | 0x80)) {
		at_call(t);
	} else if (event == PTRACE_EVENT_EXEC) {
		t->begun = true;
	} else if (event == PTRACE_EVENT_STOP && is_stop(sig)) {
		ptrace(PTRACE_LISTEN, t->pid, NULL, NULL);
		return;
	} else if (!event) {
		deliver = sig;
	}
	ptrace(PTRACE_SYSCALL, t->pid, NULL, (void *)(intptr_t)deliver);
}

static int follow(pid_t program)
{
	int status, end = 125;
	pid_t pid;

	while (live > 0 && (pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			take_stop(tracee_of(pid), status);
			continue;
		}
		forget(pid);
		if (pid == program)
			end = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return end;
}

static pid_t start(char **argv)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
			     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	pid_t child = fork();
	int status;

	plan.program = child;
	if (child == 0) {
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, WUNTRACED) != child)
		die("start the program");
	if (ptrace(PTRACE_SEIZE, child, NULL, (void *)options))
		die("trace the program");
	tracee_of(child);
	kill(child, SIGCONT);
	return child;
}

static int read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+o:p:w:k:f:r:a:e:")) >= 0) {
		unsigned number = option == 'o' ? 0 : (unsigned)strtoul(optarg, NULL, 10);
		const char *at = strchr("kfra", option);

		if (at) {
			plan.kind = (enum kind)(KILL + (at - "kfra"));
			plan.at = number;
		} else if (option == 'p') {
			plan.process = number;
		} else if (option == 'w') {
			plan.only = number;
		} else if (option == 'e') {
			plan.error = (int)number;
		} else if (option == 'o') {
			plan.list = fopen(optarg, "we");
			if (!plan.list)
				die(optarg);
		} else {
			return -1;
		}
	}
	return optind < argc ? optind : -1;
}

int main(int argc, char **argv)
{
	int program = read_options(argc, argv);
	int end;

	if (program < 0) {
		fputs("usage: inject [-o FILE] [-p PROCESS] [-w WHAT] [-k N | -f N -e ERRNO | -r N -e "
		      "ERRNO | -a N -e ERRNO] PROGRAM [ARGUMENT]...\n",
		      stderr);
		return 125;
	}
	end = follow(start(argv + program));
	if (plan.list)
		fclose(plan.list);
	return end == 0 && plan.kind != NOTHING && !plan.reached ? 124 : end;
}
