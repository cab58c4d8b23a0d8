#include "net/dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/compiler.h"

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

/* Zeroed before. What aligns is not written: it is zero. */
struct writer {
	size_t len; /* of bytes; what is aligned in them is so in the message */
	bool full;
	struct {
		uint8_t order, type, flags, version;
		uint32_t body, serial, fields; /* two lengths, and the number of the call */
	} head;
	uint8_t bytes[1024];
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
	w->len = aligned(w->len, to);
}

static void put_text(struct writer *w, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);

	put_align(w, 4);
	put(w, &len, sizeof(len));
	put(w, text, len + 1);
}

static void put_call(struct writer *w, const struct dbus_object *to, const char *const words[])
{
	/* What a field begins with: its code, and its type as a signature; the last, whole. */
	static const char fields[][5] = {"\6\1s", "\1\1o", "\2\1s", "\3\1s"};
	static const char signatures[][8] = {"\10\1g\0\0", "\10\1g\0\1s", "\10\1g\0\2ss"};
	const char *const text[] = {to->name, to->path, to->interface, words[0]};
	uint8_t arguments = 0;

	while (words[1 + arguments])
		arguments++;
	for (unsigned i = 0; i < ARRAY_SIZE(text); i++) {
		put_align(w, 8);
		put(w, fields[i], 4);
		put_text(w, text[i]);
	}
	put_align(w, 8);
	put(w, signatures[arguments], 6u + arguments);
	w->head.fields = (uint32_t)w->len;
	put_align(w, 8);
	w->head.body = -(uint32_t)w->len;
	while (*++words)
		put_text(w, *words);
	w->head.body += (uint32_t)w->len;
}

/* --- the connection ---------------------------------------------------------------------------- */

const struct dbus_object dbus_itself = {"org.freedesktop.DBus", "/org/freedesktop/DBus",
					"org.freedesktop.DBus"};

static const char unix_path[] = "unix:path=";
#define PATH_AT (sizeof(unix_path) - 1)

/* Understands one address, without escapes. Gives false with errno set for another. */
static bool read_address(struct sockaddr_un *to, const char *address)
{
	size_t len = strcspn(address, ",;%") - PATH_AT;

	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	errno = EINVAL;
	if (strncmp(address, unix_path, PATH_AT) != 0 || len >= sizeof(to->sun_path) ||
	    address[PATH_AT + len] == '%')
		return false;
	memcpy(to->sun_path, address + PATH_AT, len);
	return true;
}

static int failed(struct err *e, int sys)
{
	return err_sys(e, ERR_TRY_AGAIN, "ask the system bus", sys, "no answer");
}

static int send_all(struct dbus *b, const void *bytes, size_t n, struct err *e)
{
	errno = ETIMEDOUT; /* if it is not all: the socket's buffer holds more */
	return send(b->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : failed(e, errno);
}

/* More of what it says, when there is some. */
static int receive(struct dbus *b, struct err *e)
{
	ssize_t n;

	if (!deadline_wait(b->until, b->fd, POLLIN))
		return failed(e, errno);
	n = recv(b->fd, b->in + b->have, DBUS_MESSAGE_MAX - b->have, MSG_DONTWAIT);
	if (n <= 0)
		return failed(e, n ? errno : ECONNRESET);
	b->have += (size_t)n;
	return 0;
}

/* Who this is, the kernel tells it: EXTERNAL, without an identity that is claimed. */
static int authenticate(struct dbus *b, struct err *e)
{
	static const char words[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

	if (send_all(b, words, sizeof(words) - 1, e))
		return -1;
	/* DATA and OK; to anything else, BEGIN made it hang up. Then it says nothing before it is asked. */
	do {
		if (receive(b, e))
			return -1;
	} while (!strstr((char *)b->in, "OK ") || b->in[b->have - 1] != '\n');
	b->have = 0;
	return 0;
}

static int send_call(struct dbus *b, const struct dbus_object *to, const char *const words[],
		     struct err *e)
{
	struct writer w = {
		.head = {.order = 'l', .type = DBUS_CALL, .version = 1, .serial = ++b->serial}};

	put_call(&w, to, words);
	if (w.full)
		return failed(e, E2BIG);
	return send_all(b, &w.head, sizeof(w.head) + w.len, e);
}

int dbus_open(struct dbus *b, struct err *e)
{
	const struct timeval patience = {.tv_sec = DBUS_TIMEOUT_MS / 1000};
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	struct sockaddr_un to;

	if (!address || !*address)
		address = "unix:path=/run/dbus/system_bus_socket";
	b->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	b->until = deadline_in(DBUS_TIMEOUT_MS);
	setsockopt(b->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* connect, too */
	if (!read_address(&to, address) || connect(b->fd, (struct sockaddr *)&to, sizeof(to)))
		return err_sys(e, errno == EAGAIN ? ERR_TRY_AGAIN : ERR_STATE,
			       "connect to the system bus", errno, "%s", address);
	/* Nobody waits for the answer to Hello: without it, others are not given. */
	return authenticate(b, e) ||
			       send_call(b, &dbus_itself, (const char *const[]){"Hello", NULL}, e)
		       ? -1
		       : 0;
}

static void drop(struct dbus *b, size_t n)
{
	b->have -= n;
	memmove(b->in, b->in + n, b->have);
}

int dbus_call(struct dbus *b, const struct dbus_object *to, const char *const words[],
	      struct dbus_message *answer, struct err *e)
{
	if (send_call(b, to, words, e))
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
		if (receive(b, e))
			return -1;
	}
}
