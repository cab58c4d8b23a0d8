#include "http/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "http/reply.h"
#include "http/resolve.h"
#include "http/socket.h"

void connection_key(char key[static CONNECTION_KEY], const struct url *u, const struct url *proxy)
{
	char origin[URL_AUTHORITY_MAX], by[URL_AUTHORITY_MAX];

	snprintf(key, CONNECTION_KEY, "%s://%s%s%s", u->https ? "https" : "http",
		 url_authority(origin, u, true), proxy ? " by " : "",
		 proxy ? url_authority(by, proxy, true) : "");
}

static int write_plain(struct connection *c, const char *bytes, size_t n, struct deadline until,
		       struct err *e)
{
	while (n) {
		ssize_t done = send(c->fd, bytes, n, MSG_NOSIGNAL);

		if (done >= 0) {
			bytes += done;
			n -= (size_t)done;
		} else if ((errno != EAGAIN && errno != EINTR) ||
			   !deadline_wait(until, c->fd, POLLOUT)) {
			return err_sys(e, ERR_TRY_AGAIN, "send", errno, "to %s", c->key);
		}
	}
	return 0;
}

int connection_write(struct connection *c, const void *bytes, size_t n, struct deadline until,
		     struct err *e)
{
	return c->secure ? tls_write(c->tls, bytes, n, until, e)
			 : write_plain(c, bytes, n, until, e);
}

static ssize_t read_plain(struct connection *c, struct deadline until, struct err *e)
{
	for (;;) {
		ssize_t n = recv(c->fd, c->in, sizeof(c->in), 0);

		if (n >= 0)
			return n;
		if ((errno != EAGAIN && errno != EINTR) || !deadline_wait(until, c->fd, POLLIN))
			return err_sys(e, ERR_TRY_AGAIN, "receive", errno, "from %s", c->key);
	}
}

int connection_fill(struct connection *c, struct deadline until, struct err *e)
{
	ssize_t n;

	if (c->at < c->end)
		return 1;
	if (!deadline_left(until)) /* also for a peer that never lets us wait */
		return err_sys(e, ERR_TRY_AGAIN, "receive", ETIMEDOUT, "from %s", c->key);
	n = c->secure ? tls_read(c->tls, c->in, sizeof(c->in), until, e) : read_plain(c, until, e);
	if (n <= 0)
		return (int)n;
	c->at = 0;
	c->end = (size_t)n;
	return 1;
}

/* The proxy's answer to CONNECT: only success, and not a byte behind it, as TLS' client begins. */
static int take_consent(struct connection *c, struct deadline until, struct err *e)
{
	static struct reply reply;
	const char *body;
	size_t body_len;

	reply_begin(&reply, true, NULL, 0);
	while (reply.state != REPLY_DONE) {
		int got = connection_fill(c, until, e);
		ptrdiff_t used;

		if (got <= 0)
			return got < 0 ? -1 : reply_end(&reply, e);
		used = reply_feed(&reply, c->in + c->at, c->end - c->at, &body, &body_len, e);
		if (used < 0)
			return -1;
		c->at += (size_t)used;
	}
	if (reply.status == 407)
		return err_set(e, ERR_STATE, "connect",
			       "the proxy wants a password, which is not supported");
	if (reply.status < 200 || reply.status > 299)
		return err_set(e, reply.status >= 500 ? ERR_TRY_AGAIN : ERR_STATE, "connect",
			       "the proxy refuses with status %u", reply.status);
	if (c->at < c->end)
		return err_set(e, ERR_STATE, "connect", "the proxy speaks before it is its turn");
	return 0;
}

static int ask_proxy(struct connection *c, const struct url *u, const struct http_options *options,
		     struct deadline until, struct err *e)
{
	char to[URL_AUTHORITY_MAX], text[2 * URL_AUTHORITY_MAX + 256];
	int n;

	url_authority(to, u, true);
	n = snprintf(text, sizeof(text),
		     "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %.128s\r\n\r\n", to, to,
		     http_user_agent(options));
	if (connection_write(c, text, (size_t)n, until, e))
		return -1;
	return take_consent(c, until, e);
}

static int open_socket(struct connection *c, const struct url *to, struct deadline until,
		       struct err *e)
{
	struct ip ip[RESOLVE_MAX];
	int n = resolve(ip, to->host, until, e);

	if (n < 0)
		return -1;
	c->fd = socket_connect(ip, (unsigned)n, to->port, until, e);
	return c->fd < 0 ? -1 : 0;
}

static int start_tls(struct connection *c, const struct url *u, const struct http_options *options,
		     struct deadline until, struct err *e)
{
	const struct tls_options how = {options->ca_file, options->client_cert,
					options->client_key};

	snprintf(c->name, sizeof(c->name), "%s",
		 options->server_name ? options->server_name : u->host);
	if (!c->tls)
		c->tls = tls_new(e);
	if (!c->tls)
		return -1;
	c->secure = true;
	return tls_start(c->tls, c->fd, c->name, &how, until, e);
}

int connection_open(struct connection *c, const struct url *u, const struct url *proxy,
		    const struct http_options *options, struct deadline until, struct err *e)
{
	c->secure = false;
	c->at = c->end = 0;
	connection_key(c->key, u, proxy);
	if (open_socket(c, proxy ? proxy : u, until, e) ||
	    (u->https && proxy && ask_proxy(c, u, options, until, e)) ||
	    (u->https && start_tls(c, u, options, until, e))) {
		log_trace("%s: %s", c->key, e->msg);
		connection_close(c);
		return -1;
	}
	log_trace("%s: connected", c->key);
	return 0;
}

bool connection_alive(const struct connection *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	return c->at == c->end && !(c->secure && tls_has_more(c->tls)) && poll(&p, 1, 0) == 0;
}

void connection_close(struct connection *c)
{
	if (c->secure && c->fd >= 0)
		tls_stop(c->tls);
	c->secure = false;
	file_close(&c->fd);
	explicit_bzero(c->in, sizeof(c->in));
	c->at = c->end = 0;
}
