#include "http/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

#define ENTRY_MAX 300 /* of NO_PROXY: a name, an address or a range, and a port */

/* The first of them that is set and not empty; *name: which. */
static const char *from_environment(const char *const *names, const char **name)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		if (value && *value) {
			*name = *names;
			return value;
		}
	}
	return NULL;
}

static bool is_loopback(const struct url *u)
{
	static const uint8_t v6[16] = {[15] = 1};
	const char *dot = strrchr(u->host, '.');

	if (u->ip.family == 4)
		return u->ip.b[0] == 127;
	if (u->ip.family == 6)
		return memcmp(u->ip.b, v6, sizeof(v6)) == 0;
	return strcmp(dot ? dot + 1 : u->host, "localhost") == 0;
}

/* A domain and all below it; "*.domain" and ".domain" are written for the same. */
static bool domain_covers(const char *domain, const char *host)
{
	size_t n, len = strlen(host);

	domain += strncmp(domain, "*.", 2) == 0 ? 2 : *domain == '.' ? 1 : 0;
	n = strlen(domain);
	if (n == 0 || n > len || strcasecmp(host + len - n, domain) != 0)
		return false;
	return n == len || host[len - n - 1] == '.';
}

/* Take ":port" off the end of an entry. Gives false if there is one and it is another than u's. */
static bool port_fits(char *entry, const struct url *u)
{
	char *bracket = strchr(entry, ']');
	char *colon = strchr(bracket ? bracket : entry, ':');
	uint32_t port;

	if (!colon || (!bracket && strchr(colon + 1, ':')))
		return true; /* none, or an IPv6 address */
	if (!number_parse(&port, colon + 1, 65535) || port != u->port)
		return false;
	*colon = '\0';
	return true;
}

static bool entry_covers(char *entry, const struct url *u)
{
	struct prefix range;
	struct ip ip;
	size_t n;

	if (strcmp(entry, "*") == 0)
		return true;
	if (!port_fits(entry, u))
		return false;
	n = strlen(entry);
	if (entry[0] == '[' && n > 1 && entry[n - 1] == ']') {
		entry[n - 1] = '\0';
		entry++;
	}
	if (prefix_parse(&range, entry))
		return range.ip.family == u->ip.family && prefix_contains(&range, &u->ip);
	if (ip_parse(&ip, entry))
		return ip_equal(&ip, &u->ip);
	return !u->ip.family && domain_covers(entry, u->host);
}

bool proxy_exempt(const char *list, const struct url *u)
{
	while (*list) {
		char entry[ENTRY_MAX];
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n && n < sizeof(entry)) {
			memcpy(entry, list, n);
			entry[n] = '\0';
			if (entry_covers(entry, u))
				return true;
		}
		list += n;
	}
	return false;
}

int proxy_for(struct url *proxy, const struct url *u, struct err *e)
{
	static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", NULL};
	static const char *const for_http[] = {"http_proxy", "HTTP_PROXY", NULL};
	static const char *const for_cgi[] = {"http_proxy", NULL};
	static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
	char text[URL_MAX + 8];
	const char *name, *value, *exempt, *ignored;
	int n;

	value = from_environment(u->https		    ? for_https
				 : getenv("REQUEST_METHOD") ? for_cgi
							    : for_http,
				 &name);
	if (!value || is_loopback(u))
		return 0;
	exempt = from_environment(none, &ignored);
	if (exempt && proxy_exempt(exempt, u))
		return 0;
	n = snprintf(text, sizeof(text), "%s%s", strstr(value, "://") ? "" : "http://", value);
	if (n >= (int)sizeof(text))
		return err_set(e, ERR_ENV, NULL, "the proxy in %s is too long", name);
	if (url_parse(proxy, text, (size_t)n, e)) {
		e->code = ERR_ENV;
		err_prefix(e, "the proxy in %s", name);
		return -1;
	}
	if (proxy->https)
		return err_set(e, ERR_ENV, NULL,
			       "the proxy in %s: TLS to the proxy itself is not supported: use "
			       "http://",
			       name);
	return 1;
}
