#include "netlink/socket.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "netlink/attr.h"
#include "netlink/linger.h"

_Static_assert((int)NL_ROUTE == NETLINK_ROUTE && (int)NL_NETFILTER == NETLINK_NETFILTER, "ABI");

/* Answers of the kernel are queued before send returns; this is for a kernel that never does. */
#define ANSWER_SECONDS 30

/* One datagram at a time is looked at, whatever the socket: single thread, never nested. */
static _Alignas(8) unsigned char answer[NL_ANSWER_BYTES];

int nl_open_groups(struct nl_sock *s, enum nl_protocol protocol, uint32_t groups, struct err *e)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int one = 1;
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)protocol);

	*s = (struct nl_sock){.fd = -1};
	if (fd < 0)
		return err_sys(e, ERR_KERNEL, "open netlink socket", errno, "protocol %d",
			       protocol);
	/* Older kernels lack these two: messages are then poorer, nothing else. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	if (groups && bind(fd, (struct sockaddr *)&self, sizeof(self)))
		return err_sys(e, ERR_KERNEL, "subscribe to the kernel's announcements", errno,
			       "groups 0x%x", groups);
	s->fd = take_fd(&fd);
	s->netfilter = protocol == NL_NETFILTER;
	return 0;
}

int nl_open(struct nl_sock *s, enum nl_protocol protocol, struct err *e)
{
	return nl_open_groups(s, protocol, 0, e);
}

void nl_be_strict(struct nl_sock *s, bool strict)
{
	int on = strict;

	setsockopt(s->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
}

/* The kernel knows a socket only when something was sent. */
static bool may_wait(const struct nl_sock *s)
{
	return s->removed || (s->netfilter && s->sequence && nl_removal_noted());
}

void nl_close(struct nl_sock *s)
{
	if (s->fd >= 0 && !s->held && may_wait(s) && nl_fork(s) == 0)
		nl_linger(s, 0);
	file_close(&s->fd);
}

static struct nlmsghdr *message(struct nl_batch *b, unsigned op)
{
	return (struct nlmsghdr *)(void *)(b->buf + b->start[op]);
}

/* The operation whose acknowledgement ends the wait for a batch. */
static unsigned last_answered(const struct nl_batch *b)
{
	return b->ops - 1 - (b->silent < b->ops ? b->silent : 0);
}

/*
 * What is left of answers that were given up: as long as a dump is not read to its end, the kernel
 * begins no other one (EBUSY), and an undo comes to nothing.
 */
static void read_away(struct nl_sock *s)
{
	while (s->unread && (recv(s->fd, answer, sizeof(answer), MSG_DONTWAIT) >= 0 ||
			     errno == EINTR || errno == ENOBUFS))
		;
	s->unread = true;
}

/* Number the messages from *first on, seal them and send all. */
static int send_batch(struct nl_sock *s, struct nl_batch *b, uint16_t ack_last, uint32_t *first,
		      struct err *e)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	unsigned op = 0;
	const char *fault = nl_batch_finish(b, &op);
	ssize_t n;

	if (fault)
		return err_set(e, ERR_INTERNAL, b->ops ? b->label[op] : "send to the kernel", "%s",
			       fault);
	if (s->fd < 0)
		return err_sys(e, ERR_KERNEL, b->label[0], EPROTONOSUPPORT, "no netlink socket");
	if (b->ops == 0)
		return err_set(e, ERR_INTERNAL, "send to the kernel", "nothing to send");
	read_away(s);
	*first = s->sequence + 1;
	for (unsigned i = 0; i < b->ops; i++)
		message(b, i)->nlmsg_seq = ++s->sequence;
	message(b, last_answered(b))->nlmsg_flags |= ack_last;
	do
		n = sendto(s->fd, b->buf, b->len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, ERR_KERNEL, b->label[0], errno, "send to the kernel");
	return 0;
}

long nl_receive(struct nl_sock *s, void *buf, int timeout_ms, struct err *e)
{
	struct pollfd ready = {.fd = s->fd, .events = POLLIN};
	struct iovec room = {.iov_base = buf, .iov_len = NL_ANSWER_BYTES};
	struct sockaddr_nl from;
	struct msghdr m = {.msg_name = &from, .msg_iov = &room, .msg_iovlen = 1};

	for (;;) {
		ssize_t n;

		m.msg_namelen = sizeof(from);
		n = recvmsg(s->fd, &m, MSG_DONTWAIT);
		if (n >= 0) {
			if (from.nl_pid != 0) /* another process may write to us: RFC 3549 */
				continue;
			if (m.msg_flags & MSG_TRUNC)
				return err_set(e, ERR_KERNEL, "read the kernel's answer",
					       "it is longer than %d bytes", NL_ANSWER_BYTES);
			return n;
		}
		if (errno == ENOBUFS)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_sys(e, ERR_KERNEL, "read the kernel's answer", errno, "netlink");
		if (poll(&ready, 1, timeout_ms) == 0)
			return 0;
	}
}

/* The kernel's own words in an NLMSG_ERROR, "" if it gave none. */
static const char *kernel_words(const struct nlmsghdr *h)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];
	size_t skip = sizeof(struct nlmsgerr);
	const struct nlmsgerr *status = nl_head_of(h, sizeof(*status));

	if (!status || !(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += status->msg.nlmsg_len - sizeof(struct nlmsghdr);
	nl_attrs_of(tb, NLMSGERR_ATTR_MSG, h, skip);
	return nl_get_str(tb[NLMSGERR_ATTR_MSG]);
}

static int refused(const struct nl_batch *b, unsigned op, int sys, const char *words, struct err *e)
{
	log_trace("%s: %s%s%s", b->label[op], strerror(sys), *words ? ": " : "", words);
	return err_sys(e, ERR_KERNEL, b->label[op], sys, "%s",
		       *words ? words : "refused by the kernel");
}

/* What receiving the answers to one batch needs. */
struct conversation {
	struct nl_sock *s;
	struct nl_batch *b;
	uint32_t first; /* sequence number of the first operation */
	bool ask;	/* every operation is a question and has an answer */
	nl_answer_fn *each;
	void *arg;
	unsigned answered; /* questions that have had their answer, a dump to its end */
	bool failed;	   /* e is set, the rest is only read away */
};

static bool is_absence(int sys)
{
	return sys == ENOENT || sys == ENODEV || sys == ESRCH;
}

static bool is_dump(const struct nlmsghdr *question)
{
	return (question->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

static void take_refusal(struct conversation *c, unsigned op, int sys, const char *words,
			 struct err *e)
{
	if (sys == 0 || (c->ask && is_absence(sys)))
		return;
	refused(c->b, op, sys, words, e);
	c->failed = true;
}

static void take_object(struct conversation *c, const struct nlmsghdr *h, unsigned op,
			struct err *e)
{
	if (c->failed || !c->each)
		return;
	c->failed = c->each(h, op, c->arg, e) != 0;
}

/* The kernel says 0 or a negative errno; what is neither is not the kernel's. */
static int errno_of(int said)
{
	return said <= 0 && said >= -4095 ? -said : EPROTO;
}

/* One message: true when the conversation is over. */
static bool take_message(struct conversation *c, const struct nlmsghdr *h, struct err *e)
{
	unsigned op = h->nlmsg_seq - c->first;
	const struct nlmsgerr *status = nl_head_of(h, sizeof(*status));
	const int *done = nl_head_of(h, sizeof(*done));

	if (op >= c->b->ops) /* left over from an earlier, refused batch */
		return false;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR) {
		err_sys(e, ERR_TRY_AGAIN, c->b->label[op], EINTR, "changed while it was read");
		c->failed = true;
	}
	if (h->nlmsg_type == NLMSG_ERROR) {
		take_refusal(c, op, status ? errno_of(status->error) : EPROTO, kernel_words(h), e);
		/* Whom it refuses as such, nfnetlink_rcv answers once for all messages of a datagram. */
		if (!c->ask || (c->failed && e->sys == EPERM))
			return c->failed || op == last_answered(c->b);
	} else if (h->nlmsg_type == NLMSG_DONE) {
		take_refusal(c, op, done ? errno_of(*done) : 0, "", e);
	} else {
		take_object(c, h, op, e);
		if (!c->ask || is_dump(message(c->b, op)))
			return c->failed && c->s->brief;
	}
	return ++c->answered == c->b->ops;
}

static int converse(struct conversation *c, struct err *e)
{
	for (;;) {
		long n = nl_receive(c->s, answer, ANSWER_SECONDS * 1000, e);
		const struct nlmsghdr *h = NULL;

		if (n < 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_TRY_AGAIN, c->b->label[0],
				       "no answer from the kernel in %d seconds", ANSWER_SECONDS);
		while ((h = nl_message(answer, (size_t)n, h)))
			if (take_message(c, h, e)) {
				c->s->unread = c->failed;
				return c->failed ? -1 : 0;
			}
	}
}

static void trace_all(const struct nl_batch *b)
{
	for (unsigned i = 0; i < b->ops; i++)
		log_trace("%s: done", b->label[i]);
}

int nl_apply(struct nl_sock *s, struct nl_batch *b, struct err *e)
{
	struct conversation c = {.s = s, .b = b};

	if (b->removes)
		nl_note_removal();
	if (send_batch(s, b, NLM_F_ACK, &c.first, e) || converse(&c, e))
		return -1;
	s->removed |= b->removes;
	if (log_tracing())
		trace_all(b);
	return 0;
}

int nl_ask(struct nl_sock *s, struct nl_batch *b, nl_answer_fn *each, void *arg, struct err *e)
{
	struct conversation c = {.s = s, .b = b, .ask = true, .each = each, .arg = arg};

	if (send_batch(s, b, 0, &c.first, e))
		return -1;
	return converse(&c, e);
}

int nl_dump(struct nl_sock *s, struct nl_batch *b, nl_answer_fn *each, void *arg, struct err *e)
{
	return nl_ask(s, b, each, arg, e);
}
