#include "http/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "http/base64.h"

#define DASHES "-----"

void pem_begin(struct pem *p)
{
	explicit_bzero(p, sizeof(*p));
}

/* Whether line is "-----WORD LABEL-----"; where LABEL is then, and its length. */
static const char *boundary(const char *line, const char *word, size_t *len)
{
	size_t n = strlen(line), head = strlen(DASHES) + strlen(word) + 1;

	if (n < head + strlen(DASHES) || strncmp(line, DASHES, strlen(DASHES)) != 0 ||
	    strncmp(line + strlen(DASHES), word, strlen(word)) != 0 || line[head - 1] != ' ' ||
	    strcmp(line + n - strlen(DASHES), DASHES) != 0)
		return NULL;
	*len = n - head - strlen(DASHES);
	return *len <= PEM_LABEL_MAX ? line + head : NULL;
}

static void begin_object(struct pem *p, const char *label, size_t n)
{
	memcpy(p->label, label, n);
	p->label[n] = '\0';
	p->bad = false;
	p->len = 0;
	p->held = p->bits = p->padding = 0;
	p->state = PEM_BODY;
}

/* Groups of four characters; what is left of the last one must be zeros (RFC 4648, 3.5). */
static void end_object(struct pem *p, const char *label, size_t n)
{
	unsigned characters = p->bits == 4 ? 2 : p->bits == 2 ? 1 : 0;

	if (strlen(p->label) != n || memcmp(p->label, label, n) != 0)
		p->bad = true;
	if (p->bits == 6 || p->padding != characters || (p->held & ((1u << p->bits) - 1)))
		p->bad = true;
	p->state = PEM_TEXT;
}

/* A whole line, without its end. Gives true if it ended an object. */
static bool end_line(struct pem *p)
{
	const char *label;
	size_t n;

	while (p->column && strchr(" \t\r", p->line[p->column - 1]))
		p->column--;
	p->line[p->column] = '\0';
	p->column = 0;
	label = boundary(p->line, "BEGIN", &n);
	if (label) {
		begin_object(p, label, n);
		return false;
	}
	if (p->state == PEM_TEXT)
		return false;
	label = boundary(p->line, "END", &n);
	if (label) {
		end_object(p, label, n);
		return true;
	}
	if (p->line[0] == '-')
		p->bad = true;
	return false;
}

/* A character of the body. Headers (RFC 1421: an encrypted key) are no Base64 either: bad. */
static void take_digit(struct pem *p, char c)
{
	int value = base64_value(c);

	if (value < 0 || p->padding || p->len == sizeof(p->der)) {
		if (c == '=')
			p->padding++;
		else if (c != ' ' && c != '\t' && c != '\r')
			p->bad = true;
		return;
	}
	p->held = p->held << 6 | (unsigned)value;
	p->bits += 6;
	if (p->bits >= 8) {
		p->bits -= 8;
		p->der[p->len++] = (unsigned char)(p->held >> p->bits);
	}
}

size_t pem_feed(struct pem *p, const char *bytes, size_t n, bool *whole)
{
	*whole = false;
	for (size_t i = 0; i < n; i++) {
		char c = bytes[i];

		if (c == '\n') {
			if (end_line(p)) {
				*whole = true;
				return i + 1;
			}
			continue;
		}
		/* Of a line of Base64, the first character is enough to see that it ends nothing. */
		if (p->state == PEM_BODY && p->column && p->line[0] != '-') {
			take_digit(p, c);
			continue;
		}
		if (p->column < sizeof(p->line) - 1)
			p->line[p->column++] = c;
		if (p->state == PEM_BODY && p->line[0] != '-')
			take_digit(p, c);
	}
	return n;
}

int pem_open(struct pem_file *f, const char *path)
{
	pem_begin(&f->pem);
	f->at = f->end = 0;
	f->ended = false;
	f->fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return f->fd < 0 ? -1 : 0;
}

static int refill(struct pem_file *f)
{
	ssize_t n;

	do
		n = read(f->fd, f->chunk, sizeof(f->chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if (n == 0) {
		f->ended = true;
		f->chunk[n++] = '\n';
	}
	f->at = 0;
	f->end = (size_t)n;
	return 0;
}

int pem_next(struct pem_file *f)
{
	bool whole = false;

	for (;;) {
		f->at += pem_feed(&f->pem, f->chunk + f->at, f->end - f->at, &whole);
		if (whole)
			return 1;
		if (f->ended)
			return 0;
		if (refill(f))
			return -1;
	}
}

void pem_close(struct pem_file *f)
{
	file_close(&f->fd);
	explicit_bzero(f, sizeof(*f));
	f->fd = -1;
}
