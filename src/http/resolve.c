#include "http/resolve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/file.h"
#include "http/dns.h"
#include "http/lines.h"
#include "http/resolver_conf.h"
#include "http/socket.h"

#define DOING "resolve"
/* How long the second family may lag behind the first (RFC 8305, 3 has 50 ms, for AAAA alone). */
#define SECOND_FAMILY_MS 500

/* A and AAAA of one name. */
struct lookup {
	struct dns_query query[2]; /* AAAA first */
	struct dns_answer answer[2];
	enum dns_verdict verdict[2]; /* DNS_NOT_MINE: none yet */
};

static unsigned open_questions(const struct lookup *l)
{
	return (l->verdict[0] == DNS_NOT_MINE ? 1u : 0u) +
	       (l->verdict[1] == DNS_NOT_MINE ? 1u : 0u);
}

static bool found(const struct lookup *l)
{
	return l->verdict[0] == DNS_FOUND || l->verdict[1] == DNS_FOUND;
}

/* Neither answered "trouble", nor silence: what another server need not be asked for. */
static bool settled(const struct lookup *l)
{
	return found(l) || (l->verdict[0] != DNS_NOT_MINE && l->verdict[0] != DNS_TROUBLE &&
			    l->verdict[1] != DNS_NOT_MINE && l->verdict[1] != DNS_TROUBLE);
}

/* All n bytes. Gives false at an error, at the end, and when time is over. */
static bool transfer(int fd, void *bytes, size_t n, bool out, struct deadline until)
{
	char *at = bytes;

	while (n) {
		ssize_t done = out ? send(fd, at, n, MSG_NOSIGNAL) : recv(fd, at, n, 0);

		if (done > 0) {
			at += done;
			n -= (size_t)done;
			continue;
		}
		if (done == 0 || (errno != EAGAIN && errno != EINTR))
			return false;
		if (!deadline_wait(until, fd, out ? POLLOUT : POLLIN))
			return false;
	}
	return true;
}

/* By TCP, behind the length of each message (RFC 1035, 4.2.2). */
static enum dns_verdict ask_tcp(const struct dns_server *server, const struct dns_query *q,
				struct dns_answer *a, struct deadline until)
{
	static uint8_t msg[DNS_TCP_MAX];
	uint8_t len[2] = {(uint8_t)(q->len >> 8), (uint8_t)q->len};
	cleanup_fd int fd = socket_to(&server->ip, server->scope, DNS_PORT, SOCK_STREAM);
	enum dns_verdict verdict;
	size_t n;

	if (fd < 0 || !deadline_wait(until, fd, POLLOUT))
		return DNS_TROUBLE;
	memcpy(msg, q->bytes, q->len);
	if (!transfer(fd, len, 2, true, until) || !transfer(fd, msg, q->len, true, until) ||
	    !transfer(fd, len, 2, false, until))
		return DNS_TROUBLE;
	n = (size_t)len[0] << 8 | len[1];
	if (n > sizeof(msg) || !transfer(fd, msg, n, false, until))
		return DNS_TROUBLE;
	verdict = dns_read(a, q, msg, n);
	return verdict == DNS_NOT_MINE || verdict == DNS_TRUNCATED ? DNS_TROUBLE : verdict;
}

/* A datagram, which may be anything, to the question that it answers. */
static void take_datagram(struct lookup *l, const uint8_t *msg, size_t n)
{
	for (unsigned i = 0; i < 2; i++) {
		struct dns_answer a;
		enum dns_verdict verdict = dns_read(&a, &l->query[i], msg, n);

		if (l->verdict[i] != DNS_NOT_MINE || verdict == DNS_NOT_MINE)
			continue;
		l->verdict[i] = verdict;
		l->answer[i] = a;
	}
}

/*
 * Both questions to one server, once. The socket is new each time, so that the kernel chooses
 * another port, and connected, so that it drops what is not from the server.
 */
static void ask(struct lookup *l, const struct dns_server *server, struct deadline until)
{
	cleanup_fd int fd = socket_to(&server->ip, server->scope, DNS_PORT, SOCK_DGRAM);
	uint8_t msg[DNS_UDP_MAX];

	if (fd < 0)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (l->verdict[i] == DNS_NOT_MINE &&
		    send(fd, l->query[i].bytes, l->query[i].len, MSG_NOSIGNAL) < 0)
			return;
	while (open_questions(l) && deadline_left(until)) {
		ssize_t n = recv(fd, msg, sizeof(msg), 0);

		/* Neither a datagram nor the lack of one: there is no server. */
		if (n < 0 &&
		    ((errno != EAGAIN && errno != EINTR) || !deadline_wait(until, fd, POLLIN)))
			break;
		if (n < 0)
			continue;
		take_datagram(l, msg, (size_t)n);
		if (found(l))
			until = deadline_sooner(until, deadline_in(SECOND_FAMILY_MS));
	}
	for (unsigned i = 0; i < 2; i++)
		if (l->verdict[i] == DNS_TRUNCATED)
			l->verdict[i] = ask_tcp(server, &l->query[i], &l->answer[i], until);
}

/* Forget what a server could not say, before the next is asked. */
static void reopen(struct lookup *l)
{
	for (unsigned i = 0; i < 2; i++)
		if (l->verdict[i] == DNS_TROUBLE || l->verdict[i] == DNS_TRUNCATED)
			l->verdict[i] = DNS_NOT_MINE;
}

/* Gives false with e set if name cannot be asked for. */
static bool prepare(struct lookup *l, const char *name, struct err *e)
{
	uint16_t id[2];

	memset(l, 0, sizeof(*l));
	if (getrandom(id, sizeof(id), 0) != sizeof(id)) {
		err_sys(e, ERR_KERNEL, DOING, errno, "get random bytes");
		return false;
	}
	if (id[0] == id[1])
		id[1]++;
	if (!dns_ask(&l->query[0], name, DNS_AAAA, id[0]) ||
	    !dns_ask(&l->query[1], name, DNS_A, id[1])) {
		err_set(e, ERR_FIELD, DOING, "%s: this is no DNS name", name);
		return false;
	}
	return true;
}

/* One candidate: every server, attempts times. Gives 0, or -1 with e set where it cannot be asked. */
static int look_up(struct lookup *l, const struct dns_conf *conf, const char *name,
		   struct deadline until, struct err *e)
{
	if (!prepare(l, name, e))
		return -1;
	for (unsigned attempt = 0; attempt < conf->attempts; attempt++)
		for (unsigned i = 0; i < conf->server_count; i++) {
			if (settled(l) || !deadline_left(until))
				return 0;
			reopen(l);
			ask(l, &conf->servers[i],
			    deadline_sooner(until, deadline_in(conf->timeout * 1000)));
		}
	return 0;
}

/* IPv6 and IPv4 in turn (RFC 8305, 4). */
static int interleave(struct ip out[static RESOLVE_MAX], const struct lookup *l)
{
	int n = 0;

	for (unsigned i = 0; i < DNS_ANSWERS; i++)
		for (unsigned family = 0; family < 2; family++)
			if (l->verdict[family] == DNS_FOUND && i < l->answer[family].count)
				out[n++] = l->answer[family].ip[i];
	return n;
}

_Static_assert(RESOLVE_MAX >= 2 * DNS_ANSWERS, "room for both families");

static void read_conf(struct dns_conf *conf)
{
	static struct lines lines;

	dns_conf_begin(conf);
	lines_open(&lines, "/etc/resolv.conf");
	while (lines_next(&lines))
		dns_conf_line(conf, lines.text);
	dns_conf_end(conf);
}

static int read_hosts(struct ip out[static RESOLVE_MAX], const char *name)
{
	static struct lines lines;
	int n = 0;

	lines_open(&lines, "/etc/hosts");
	while (lines_next(&lines)) /* to the end: that closes it */
		if (n < RESOLVE_MAX && hosts_line(&out[n], lines.text, name))
			n++;
	return n;
}

/* The i-th name to ask for: with few dots the search list first, else the name itself first. */
static bool candidate(char out[static URL_HOST_MAX + 1], const struct dns_conf *conf,
		      const char *name, unsigned i)
{
	unsigned dots = 0, at;

	for (const char *c = name; *c; c++)
		dots += *c == '.';
	at = dots >= conf->ndots ? (i == 0 ? conf->search_count : i - 1) : i;
	if (at == conf->search_count)
		return snprintf(out, URL_HOST_MAX + 1, "%s", name) <= URL_HOST_MAX;
	return snprintf(out, URL_HOST_MAX + 1, "%s.%s", name, conf->search[at]) <= URL_HOST_MAX;
}

static int not_found(const struct dns_conf *conf, const char *name, bool silent, bool exists,
		     struct err *e)
{
	char server[IP_TEXT];

	ip_format(server, &conf->servers[0].ip);
	if (silent) {
		err_set(e, ERR_TRY_AGAIN, DOING, "%s: no usable answer from %s%s", name, server,
			conf->server_count > 1 ? " or the other name servers" : "");
		err_hint(e, "look at /etc/resolv.conf, or use an address");
		return -1;
	}
	err_set(e, ERR_STATE, DOING, exists ? "%s: it has no address" : "%s: there is no such name",
		name);
	return -1;
}

static int ask_servers(struct ip out[static RESOLVE_MAX], const char *name, struct deadline until,
		       struct err *e)
{
	static struct dns_conf conf;
	bool silent = false, exists = false;
	char full[URL_HOST_MAX + 1];
	struct lookup l;

	read_conf(&conf);
	for (unsigned i = 0; i <= conf.search_count; i++) {
		if (!candidate(full, &conf, name, i))
			continue;
		if (look_up(&l, &conf, full, until, e))
			return -1;
		if (found(&l))
			return interleave(out, &l);
		silent |= !settled(&l);
		exists |= l.verdict[0] == DNS_EMPTY || l.verdict[1] == DNS_EMPTY;
	}
	return not_found(&conf, name, silent, exists, e);
}

static bool is_localhost(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strcasecmp(dot ? dot + 1 : name, "localhost") == 0;
}

int resolve(struct ip out[static RESOLVE_MAX], const char *name, struct deadline until,
	    struct err *e)
{
	int n;

	if (ip_parse(&out[0], name))
		return 1;
	if (is_localhost(name)) {
		out[0] = (struct ip){.family = 6, .b = {[15] = 1}};
		out[1] = (struct ip){.family = 4, .b = {127, 0, 0, 1}};
		return 2;
	}
	n = read_hosts(out, name);
	return n ? n : ask_servers(out, name, until, e);
}
