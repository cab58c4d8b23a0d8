#include "http/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

#define DOING	  "read URL"
#define LABEL_MAX 63 /* RFC 1035, 2.3.4 */
/* How much of a URL an error shows: its host, mostly. */
#define SHOWN 120

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_unreserved(char c)
{
	return is_alpha(c) || is_digit(c) || (c && strchr("-._~", c));
}

/* A name of DNS: labels of letters, digits, '-' and '_' ('_' as others are lenient, too). */
static bool is_name(const char *host)
{
	size_t label = 0;

	for (; *host; host++) {
		if (*host == '.'
			    ? label == 0
			    : !is_alpha(*host) && !is_digit(*host) && *host != '-' && *host != '_')
			return false;
		label = *host == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

/* "10.1" and "1.2.3.999" are meant as addresses and are none; as names they could exist nowhere. */
static bool ends_in_number(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot ? dot + 1 : host;

	return is_digit(*last) && !strpbrk(last, "abcdefghijklmnopqrstuvwxyz-_");
}

static void lower(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (char)(from[i] | (is_alpha(from[i]) ? 0x20 : 0));
	to[n] = '\0';
}

/* The n bytes of a host into u. Gives what is wrong with it, or NULL. */
static const char *parse_host(struct url *u, const char *text, size_t n)
{
	bool bracketed = n >= 2 && text[0] == '[' && text[n - 1] == ']';

	if (bracketed) {
		text++;
		n -= 2;
	} else if (n > 1 && text[n - 1] == '.') {
		n--;
	}
	if (n == 0)
		return "it names no host";
	if (n > URL_HOST_MAX)
		return "its host is too long";
	lower(u->host, text, n);
	if (strlen(u->host) != n)
		return "there is a NUL in it";
	if (ip_parse(&u->ip, u->host)) {
		if (bracketed != (strchr(u->host, ':') != NULL))
			return "an IPv6 address belongs in brackets, and nothing else";
		ip_format(u->host, &u->ip);
		return NULL;
	}
	if (bracketed)
		return "there is no IPv6 address between its brackets";
	if (!is_name(u->host) || ends_in_number(u->host))
		return "its host is neither a DNS name nor an address";
	return NULL;
}

static const char *parse_port(struct url *u, const char *text, size_t n)
{
	char digits[6];
	uint32_t port;

	u->port = u->https ? 443 : 80;
	if (n == 0)
		return NULL;
	if (n >= sizeof(digits))
		return "its port is no number from 1 to 65535";
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (strlen(digits) != n || !number_parse(&port, digits, 65535) || port == 0)
		return "its port is no number from 1 to 65535";
	u->port = (uint16_t)port;
	return NULL;
}

static const char *parse_authority(struct url *u, const char *text, size_t n)
{
	const char *end = text + n;
	const char *bracket = memrchr(text, ']', n);
	const char *colon = memrchr(text, ':', n);
	const char *wrong;

	if (memchr(text, '@', n))
		return "a user name or password in it would end up in logs; "
		       "authorize by other means";
	if (colon && bracket && colon < bracket)
		colon = NULL;
	wrong = parse_host(u, text, (size_t)((colon ? colon : end) - text));
	if (wrong)
		return wrong;
	return colon ? parse_port(u, colon + 1, (size_t)(end - colon - 1)) : parse_port(u, "", 0);
}

/* Path and query: RFC 3986's characters and nothing else, so that none of them ends the line. */
static const char *parse_target(struct url *u, const char *text, size_t n)
{
	size_t at = 0;

	if (n == 0 || text[0] != '/')
		u->target[at++] = '/';
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '#')
			return "a fragment ('#') is never sent";
		if (c == '%' ? n - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])
			     : !is_unreserved(c) && (!c || !strchr("!$&'()*+,;=:@/?", c)))
			return "a character of its path or query must be percent-encoded";
		u->target[at++] = c;
	}
	u->target[at] = '\0';
	return NULL;
}

static const char *parse(struct url *u, const char *text, size_t n)
{
	const char *end = text + n;
	const char *authority, *wrong;
	size_t len;

	if (n > URL_MAX)
		return "it is too long";
	if (n >= 8 && strncasecmp(text, "https://", 8) == 0) {
		u->https = true;
		authority = text + 8;
	} else if (n >= 7 && strncasecmp(text, "http://", 7) == 0) {
		authority = text + 7;
	} else {
		return "it begins neither with https:// nor with http://";
	}
	for (len = 0; authority + len < end; len++)
		if (strchr("/?#", authority[len]) && authority[len])
			break;
	wrong = parse_authority(u, authority, len);
	return wrong ? wrong : parse_target(u, authority + len, (size_t)(end - authority) - len);
}

/* For an error: printable, without what may be a password and without a query. */
static void show(char shown[static SHOWN + 1], const char *text, size_t n)
{
	const char *at = memrchr(text, '@', n);
	size_t i;

	if (at) {
		n -= (size_t)(at - text);
		text = at;
	}
	for (i = 0; i < n && i < SHOWN && text[i] != '?'; i++)
		shown[i] = (char)(text[i] > ' ' && text[i] < 0x7f ? text[i] : '?');
	shown[i] = '\0';
}

int url_parse(struct url *u, const char *text, size_t n, struct err *e)
{
	char shown[SHOWN + 1];
	const char *wrong;

	memset(u, 0, sizeof(*u));
	wrong = parse(u, text, n);
	if (!wrong)
		return 0;
	show(shown, text, n);
	return err_set(e, ERR_FIELD, DOING, "\"%s\": %s", shown, wrong);
}

const char *url_authority(char buf[static URL_AUTHORITY_MAX], const struct url *u, bool always)
{
	bool v6 = u->ip.family == 6;
	int n = snprintf(buf, URL_AUTHORITY_MAX, "%s%s%s", v6 ? "[" : "", u->host, v6 ? "]" : "");

	if (always || u->port != (u->https ? 443 : 80))
		snprintf(buf + n, URL_AUTHORITY_MAX - (size_t)n, ":%u", u->port);
	return buf;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

size_t url_escape(char *buf, size_t size, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t whole = 0, at = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = is_unreserved(*text);
		char piece[3] = {(char)(plain ? *text : '%'), hex[c >> 4], hex[c & 15]};
		size_t n = plain ? 1 : 3;

		if (whole == at && n < size - at && size) {
			memcpy(buf + at, piece, n);
			at += n;
		}
		whole += n;
	}
	if (size)
		buf[at] = '\0';
	return whole;
}
