/*
 * snprintf and vsnprintf without floating point and positional arguments, under their own names, so
 * that the linker does not take musl's, of whose 12 KiB nothing here is needed.
 *
 * Flags '-' and '0', width and precision (also '*'), the length modifiers hh h l ll z j t, and
 * the conversions d i u x c s p m %. Anything else stops the process: the compiler has checked
 * every format, so it is a mistake of this program that its tests meet.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 20 /* of 2^64 - 1 */

/* Where the text goes, as far as it fits. */
struct sink {
	char *buf;
	size_t size;
	size_t total;
};

/* One conversion, as its specification says. */
struct conversion {
	bool left, zero;
	int width, precision; /* precision -1: none */
	int length;	      /* bytes of an integer argument */
	char letter;
};

static void put(struct sink *s, const char *text, size_t n)
{
	if (s->total < s->size)
		memcpy(s->buf + s->total, text, n < s->size - s->total ? n : s->size - s->total);
	s->total += n;
}

static void pad(struct sink *s, char with, int n)
{
	for (; n > 0; n--)
		put(s, &with, 1);
}

/* A text in its field. */
static void put_field(struct sink *s, const struct conversion *c, const char *text, size_t n)
{
	int blanks = c->width - (int)n;

	if (!c->left)
		pad(s, ' ', blanks);
	put(s, text, n);
	if (c->left)
		pad(s, ' ', blanks);
}

static void put_number(struct sink *s, const struct conversion *c, uint64_t value, bool negative)
{
	unsigned base = c->letter == 'x' || c->letter == 'p' ? 16 : 10;
	char digits[DIGITS_MAX + 1];
	char *first = digits + sizeof(digits);
	char text[DIGITS_MAX + 1 + 32]; /* with leading zeros; the widest field here is 16 */
	size_t n, zeros = 0, at = 0;
	int least = c->precision >= 0 ? c->precision : c->zero ? c->width - negative : 1;

	for (; value; value /= base)
		*--first = "0123456789abcdef"[value % base];
	n = (size_t)(digits + sizeof(digits) - first);
	if (least > (int)n)
		zeros = (size_t)least - n;
	if (zeros > 32)
		__builtin_trap();
	if (negative)
		text[at++] = '-';
	memset(text + at, '0', zeros);
	memcpy(text + at + zeros, first, n);
	put_field(s, c, text, at + zeros + n);
}

static const char *parse_number(const char *f, int *out)
{
	for (*out = 0; *f >= '0' && *f <= '9'; f++)
		*out = *out * 10 + (*f - '0');
	return f;
}

static const char *parse_length(const char *f, int *length)
{
	*length = sizeof(int);
	switch (*f) {
	case 'h':
		*length = f[1] == 'h' ? sizeof(char) : sizeof(short);
		return f + (f[1] == 'h' ? 2 : 1);
	case 'l':
		*length = sizeof(long); /* that of long long on every 64-bit Linux */
		return f + (f[1] == 'l' ? 2 : 1);
	case 'z':
	case 'j':
	case 't':
		*length = sizeof(size_t);
		return f + 1;
	default:
		return f;
	}
}

_Static_assert(sizeof(long) == sizeof(long long) && sizeof(long) == sizeof(size_t), "64-bit ABI");

/* An integer argument. Smaller ones than int arrive as int. */
static uint64_t next_integer(const struct conversion *c, va_list *ap, bool is_signed)
{
	int64_t v = c->length == sizeof(long) ? va_arg(*ap, long) : va_arg(*ap, int);

	if (c->length == sizeof(char))
		return is_signed ? (uint64_t)(signed char)v : (unsigned char)v;
	if (c->length == sizeof(short))
		return is_signed ? (uint64_t)(short)v : (unsigned short)v;
	if (c->length == sizeof(int) && !is_signed)
		return (unsigned)v;
	return (uint64_t)v;
}

static void convert(struct sink *s, const struct conversion *c, va_list *ap, int sys)
{
	const char *text;
	uint64_t v;
	char one;

	switch (c->letter) {
	case 'd':
	case 'i':
		v = next_integer(c, ap, true);
		put_number(s, c, (int64_t)v < 0 ? 0 - v : v, (int64_t)v < 0);
		return;
	case 'u':
	case 'x':
		put_number(s, c, next_integer(c, ap, false), false);
		return;
	case 'p':
		put(s, "0x", 2);
		put_number(s, c, (uintptr_t)va_arg(*ap, void *), false);
		return;
	case 'c':
		one = (char)va_arg(*ap, int);
		put_field(s, c, &one, 1);
		return;
	case 's':
	case 'm':
		text = c->letter == 's' ? va_arg(*ap, const char *) : strerror(sys);
		put_field(s, c, text,
			  c->precision >= 0 ? strnlen(text, (size_t)c->precision) : strlen(text));
		return;
	case '%':
		put(s, "%", 1);
		return;
	default:
		__builtin_trap();
	}
}

static int format(struct sink *s, const char *f, va_list *ap)
{
	int sys = errno;

	while (*f) {
		struct conversion c = {.precision = -1};
		size_t plain = strcspn(f, "%");

		put(s, f, plain);
		f += plain;
		if (!*f)
			break;
		for (f++; *f == '-' || *f == '0'; f++) {
			c.left |= *f == '-';
			c.zero |= *f == '0';
		}
		if (*f == '*') {
			c.width = va_arg(*ap, int);
			f++;
		} else {
			f = parse_number(f, &c.width);
		}
		if (*f == '.' && f[1] == '*') {
			c.precision = va_arg(*ap, int);
			f += 2;
		} else if (*f == '.') {
			f = parse_number(f + 1, &c.precision);
		}
		f = parse_length(f, &c.length);
		c.letter = *f++;
		convert(s, &c, ap, sys);
	}
	return (int)s->total;
}

int vsnprintf(char *restrict buf, size_t size, const char *restrict f, va_list ap)
{
	struct sink s = {.buf = buf, .size = size ? size - 1 : 0};
	va_list copy;
	int n;

	va_copy(copy, ap);
	n = format(&s, f, &copy);
	va_end(copy);
	if (size)
		buf[s.total < s.size ? s.total : s.size] = '\0';
	return n;
}

int snprintf(char *restrict buf, size_t size, const char *restrict f, ...)
{
	va_list ap;
	int n;

	va_start(ap, f);
	n = vsnprintf(buf, size, f, ap);
	va_end(ap);
	return n;
}
