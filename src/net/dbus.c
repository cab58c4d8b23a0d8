#include "net/dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"

/* --- messages that come ------------------------------------------------------------------------ */

#define HEADER 16 /* up to and with the length of the fields */

/* Header fields of interest. */
enum { ERROR_NAME = 4, REPLY_SERIAL = 5, SIGNATURE = 8 };

/* Where a reader is; alignment counts from the message's first byte. */
struct reader {
	const uint8_t *bytes;
	size_t end, at;
	bool bad; /* what was to be read lies beyond the end, or is not D-Bus */
};

/* Every machine that this is built for is little-endian. */
static uint32_t number(const struct reader *r, size_t at)
{
	uint32_t value;

	memcpy(&value, r->bytes + at, sizeof(value));
	return *r->bytes == 'B' ? __builtin_bswap32(value) : value;
}

static size_t aligned(size_t at, size_t to)
{
	return (at + to - 1) & ~(to - 1);
}

/* Are there n bytes, behind those that align? */
static bool reach(struct reader *r, size_t to, size_t n)
{
	r->at = aligned(r->at, to);
	if (r->at > r->end || n > r->end - r->at)
		r->bad = true;
	return !r->bad;
}

static uint8_t take_byte(struct reader *r)
{
	return reach(r, 1, 1) ? r->bytes[r->at++] : 0;
}

static uint32_t take_number(struct reader *r)
{
	if (!reach(r, 4, 4))
		return 0;
	r->at += 4;
	return number(r, r->at - 4);
}

/* A text of so many bytes and the NUL behind it. */
static const char *take_text(struct reader *r, size_t len)
{
	const char *text;

	if (!reach(r, 1, len + 1) || r->bytes[r->at + len]) {
		r->bad = true;
		return "";
	}
	text = (const char *)r->bytes + r->at;
	r->at += len + 1;
	return text;
}

/* A value of a basic type: the text, or the number. */
static const char *take_value(struct reader *r, char type, uint32_t *value)
{
	*value = 0;
	switch (type) {
	case 's':
	case 'o':
		return take_text(r, take_number(r));
	case 'g':
		return take_text(r, take_byte(r));
	case 'b':
	case 'u':
		*value = take_number(r);
		return "";
	default: /* no field that there is has another, and no answer that is of interest */
		r->bad = true;
		return "";
	}
}

static void take_fields(struct dbus_message *m, struct reader *r, const char **signature)
{
	while (r->at < r->end && !r->bad) {
		uint8_t code;
		const char *type, *text;
		uint32_t value;

		reach(r, 8, 1);
		code = take_byte(r);
		type = take_text(r, take_byte(r));
		text = take_value(r, *type, &value);
		if (code == ERROR_NAME)
			m->error = text;
		if (code == REPLY_SERIAL)
			m->reply_to = value;
		if (code == SIGNATURE)
			*signature = text;
	}
}

ssize_t dbus_read(struct dbus_message *m, const uint8_t *bytes, size_t n)
{
	struct reader r = {.bytes = bytes, .at = HEADER};
	const char *signature = "", *text;
	size_t fields, body;
	uint32_t value;

	if (n < HEADER)
		return 0;
	body = number(&r, 4);
	fields = number(&r, 12);
	if ((*bytes != 'l' && *bytes != 'B') || bytes[3] != 1 || fields > DBUS_MESSAGE_MAX ||
	    body > DBUS_MESSAGE_MAX)
		return -1;
	r.end = HEADER + fields;
	body += aligned(r.end, 8);
	if (body > DBUS_MESSAGE_MAX)
		return -1;
	if (n < body)
		return 0;
	*m = (struct dbus_message){.type = bytes[1], .error = "", .text = ""};
	take_fields(m, &r, &signature);
	if (r.bad)
		return -1;
	r.at = aligned(r.end, 8);
	r.end = body;
	text = take_value(&r, *signature, &value);
	if (!r.bad) {
		m->text = text;
		m->yes = value != 0;
	}
	return (ssize_t)body;
}

/* --- messages that go -------------------------------------------------------------------------- */

struct writer {
	uint8_t bytes[1024];
	size_t len;
	bool full;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
	if (n > sizeof(w->bytes) - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->bytes + w->len, bytes, n);
	w->len += n;
}

static void put_align(struct writer *w, size_t to)
{
	static const uint8_t none[8];

	put(w, none, aligned(w->len, to) - w->len);
}

static void put_number(struct writer *w, uint32_t value)
{
	put_align(w, 4);
	put(w, &value, sizeof(value));
}

static void put_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	put_number(w, (uint32_t)len);
	put(w, text, len + 1);
}

/* At a place that is kept for it. */
static void fill_in(struct writer *w, size_t at, size_t value)
{
	uint32_t number = (uint32_t)value;

	memcpy(w->bytes + at, &number, sizeof(number));
}

static void put_call(struct writer *w, const struct dbus_call *c, uint32_t serial)
{
	/* What a field begins with: its code, and its type as a signature. */
	static const char fields[][5] = {"\1\1o", "\2\1s", "\3\1s", "\6\1s"};
	const char *const text[] = {c->path, c->interface, c->member, c->destination};
	uint8_t arguments = 0;
	size_t begin;

	while (arguments < ARRAY_SIZE(c->argument) && c->argument[arguments])
		arguments++;
	put(w, "l\1\0\1\0\0\0", 8);
	put_number(w, serial);
	put_number(w, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(text); i++) {
		put_align(w, 8);
		put(w, fields[i], 4);
		put_text(w, text[i]);
	}
	put_align(w, 8);
	put(w, (uint8_t[]){SIGNATURE, 1, 'g', 0, arguments}, 5);
	put(w, "ss" + 2 - arguments, arguments + 1u);
	fill_in(w, 12, w->len - HEADER);
	put_align(w, 8);
	begin = w->len;
	for (unsigned i = 0; i < arguments; i++)
		put_text(w, c->argument[i]);
	fill_in(w, 4, w->len - begin);
}

/* --- the connection ---------------------------------------------------------------------------- */

/* Where it listens. Gives false with errno set for an address that is none. */
static bool find_bus(struct sockaddr_un *at)
{
	static const char unix_path[] = "unix:path=";
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	size_t len;

	if (!address || !*address)
		address = "unix:path=/run/dbus/system_bus_socket";
	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	len = strcspn(address, ",;%") - (sizeof(unix_path) - 1);
	if (strncmp(address, unix_path, sizeof(unix_path) - 1) != 0 ||
	    len >= sizeof(at->sun_path) || address[sizeof(unix_path) - 1 + len] == '%') {
		errno = EINVAL;
		return false;
	}
	memcpy(at->sun_path, address + sizeof(unix_path) - 1, len);
	return true;
}

static int failed(struct err *e, int sys)
{
	return err_sys(e, ERR_TRY_AGAIN, "ask the system bus", sys == EAGAIN ? ETIMEDOUT : sys,
		       "no answer");
}

static int send_all(struct dbus *b, const void *bytes, size_t n, struct err *e)
{
	errno = EAGAIN; /* less than all of what the socket's buffer holds: the time is over */
	return send(b->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : failed(e, errno);
}

/* Up to size bytes, when there are some. */
static ssize_t receive(struct dbus *b, void *bytes, size_t size, struct err *e)
{
	ssize_t n;

	if (!deadline_wait(b->until, b->fd, POLLIN))
		return failed(e, errno);
	n = recv(b->fd, bytes, size, MSG_DONTWAIT);
	if (n == 0)
		errno = ECONNRESET;
	return n > 0 ? n : failed(e, errno);
}

/* Who this is, the kernel tells it: EXTERNAL, without an identity that is claimed. */
static int authenticate(struct dbus *b, struct err *e)
{
	static const char words[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n", data[] = "DATA\r\n";
	char said[256] = "";
	const char *line;
	size_t len = 0;

	if (send_all(b, words, sizeof(words) - 1, e))
		return -1;
	/* It says nothing behind its OK before it is asked. */
	do {
		ssize_t n = receive(b, said + len, sizeof(said) - 1 - len, e);

		if (n < 0)
			return -1;
		len += (size_t)n;
		line = said + (strncmp(said, data, sizeof(data) - 1) ? 0 : sizeof(data) - 1);
	} while (len < sizeof(said) - 1 && (!*line || said[len - 1] != '\n'));
	if (strncmp(line, "OK ", 3) == 0)
		return 0;
	return failed(e, EACCES);
}

static int send_call(struct dbus *b, const struct dbus_call *c, struct err *e)
{
	struct writer w = {.len = 0};

	put_call(&w, c, ++b->serial);
	if (w.full)
		return failed(e, E2BIG);
	return send_all(b, w.bytes, w.len, e);
}

int dbus_open(struct dbus *b, struct err *e)
{
	static const struct dbus_call hello = {DBUS_ITSELF, "Hello", {NULL}};
	const struct timeval patience = {.tv_sec = DBUS_TIMEOUT_MS / 1000};
	struct sockaddr_un at;

	*b = (struct dbus){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
			   .until = deadline_in(DBUS_TIMEOUT_MS)};
	setsockopt(b->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* connect, too */
	if (!find_bus(&at) || connect(b->fd, (struct sockaddr *)&at, sizeof(at))) {
		if (errno == EAGAIN)
			return failed(e, errno);
		return err_sys(e, ERR_STATE, "connect to the system bus", errno, "%s",
			       *at.sun_path ? at.sun_path : "DBUS_SYSTEM_BUS_ADDRESS");
	}
	/* Nobody waits for the answer to Hello: without it, others are not given. */
	return authenticate(b, e) || send_call(b, &hello, e) ? -1 : 0;
}

void dbus_close(struct dbus *b)
{
	if (b->fd > 0)
		file_close(&b->fd);
}

static void drop(struct dbus *b, size_t n)
{
	b->have -= n;
	memmove(b->in, b->in + n, b->have);
}

int dbus_call(struct dbus *b, const struct dbus_call *c, struct dbus_message *answer, struct err *e)
{
	if (send_call(b, c, e))
		return -1;
	drop(b, b->answer);
	b->answer = 0;
	for (;;) {
		ssize_t n = dbus_read(answer, b->in, b->have);

		if (n < 0)
			return failed(e, EPROTO);
		if (n > 0 && answer->reply_to == b->serial) {
			b->answer = (size_t)n;
			return 0;
		}
		drop(b, (size_t)n);
		if (n > 0)
			continue;
		n = receive(b, b->in + b->have, sizeof(b->in) - b->have, e);
		if (n < 0)
			return -1;
		b->have += (size_t)n;
	}
}
