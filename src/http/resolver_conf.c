#include "http/resolver_conf.h"

#include <net/if.h>
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "base/number.h"
#include "http/lines.h"

void dns_conf_begin(struct dns_conf *c)
{
	*c = (struct dns_conf){.ndots = 1, .timeout = 5, .attempts = 2};
}

static void add_server(struct dns_conf *c, char *text)
{
	struct dns_server server = {0};
	char *percent = strchr(text, '%');

	if (percent) {
		*percent = '\0';
		server.scope = if_nametoindex(percent + 1);
	}
	if (c->server_count < DNS_SERVERS && ip_parse(&server.ip, text))
		c->servers[c->server_count++] = server;
}

static void add_search(struct dns_conf *c, char *domain)
{
	size_t n;

	domain += strspn(domain, ".");
	n = strlen(domain);
	while (n && domain[n - 1] == '.')
		n--;
	if (n == 0 || n > URL_HOST_MAX || c->search_count == DNS_SEARCH)
		return;
	memcpy(c->search[c->search_count], domain, n);
	c->search[c->search_count++][n] = '\0';
}

static void set_option(struct dns_conf *c, const char *option)
{
	const struct {
		const char *name;
		unsigned *value, least, most;
	} known[] = {{"ndots:", &c->ndots, 0, DNS_NDOTS_MAX},
		     {"timeout:", &c->timeout, 1, DNS_TIMEOUT_MAX},
		     {"attempts:", &c->attempts, 1, DNS_ATTEMPTS_MAX}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t n = strlen(known[i].name);
		uint32_t value;

		if (strncmp(option, known[i].name, n) != 0 ||
		    !number_parse(&value, option + n, UINT32_MAX))
			continue;
		*known[i].value = value < known[i].least  ? known[i].least
				  : value > known[i].most ? known[i].most
							  : value;
	}
}

void dns_conf_line(struct dns_conf *c, char *line)
{
	const char *key = next_word(&line);
	char *word;

	if (!key)
		return;
	/* The last of several "search" and "domain" lines counts. */
	if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
		c->search_count = 0;
	while ((word = next_word(&line)) != NULL) {
		if (strcmp(key, "nameserver") == 0)
			add_server(c, word);
		else if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
			add_search(c, word);
		else if (strcmp(key, "options") == 0)
			set_option(c, word);
	}
}

void dns_conf_end(struct dns_conf *c)
{
	if (c->server_count == 0)
		c->servers[c->server_count++].ip = (struct ip){.family = 4, .b = {127, 0, 0, 1}};
}

bool hosts_line(struct ip *ip, char *line, const char *name)
{
	const char *address = next_word(&line);
	const char *word;

	if (!address || !ip_parse(ip, address))
		return false;
	while ((word = next_word(&line)) != NULL)
		if (strcasecmp(word, name) == 0)
			return true;
	return false;
}
