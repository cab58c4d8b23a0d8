/* conditionsV4 and conditionsV6 of portmap. */
#include <string.h>

#include "base/arena.h"
#include "net/names.h"
#include "plugins/portmap_conf.h"

#define WORDS_MAX 32

struct words {
	const char *word[WORDS_MAX + 1];
	unsigned count;
};

static int split(struct words *w, struct json list, struct err *e)
{
	json_each(v, list) {
		const char *text = json_str(v, "");
		char *copy = arena_text(text, strlen(text), e);

		if (!copy)
			return -1;
		for (char *word = strtok(copy, " \t\n"); word; word = strtok(NULL, " \t\n")) {
			if (w->count == WORDS_MAX)
				return json_fault(list, ERR_FIELD, "want at most %d words",
						  WORDS_MAX);
			w->word[w->count++] = word;
		}
	}
	w->word[w->count] = "";
	return e->code ? -1 : 0;
}

struct known {
	const char *word;
	int what; /* of struct hostport_condition */
};

static int find(const struct known *known, unsigned count, const char *word)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(known[i].word, word) == 0)
			return known[i].what;
	return -1;
}

/* "! -s RANGE": gives the place behind it. */
static unsigned read_iptables(struct hostport_condition *c, const struct words *w, unsigned at,
			      int *what)
{
	static const struct known options[] = {
		{"-s", HOSTPORT_SOURCE},
		{"--source", HOSTPORT_SOURCE},
		{"--src", HOSTPORT_SOURCE},
		{"-d", HOSTPORT_DESTINATION},
		{"--destination", HOSTPORT_DESTINATION},
		{"--dst", HOSTPORT_DESTINATION},
		{"-i", HOSTPORT_IN},
		{"--in-interface", HOSTPORT_IN},
	};

	if (strcmp(w->word[at], "!") == 0) {
		c->negated = true;
		at++;
	}
	*what = find(options, ARRAY_SIZE(options), w->word[at]);
	return at + 1;
}

/* "ip saddr != RANGE", "iifname NAME". */
static unsigned read_nft(struct hostport_condition *c, const struct words *w, unsigned at,
			 uint8_t family, int *what)
{
	static const struct known fields[] = {{"saddr", HOSTPORT_SOURCE},
					      {"daddr", HOSTPORT_DESTINATION},
					      {"iifname", HOSTPORT_IN}};
	static const struct known operators[] = {{"==", 0}, {"eq", 0}, {"!=", 1}, {"ne", 1}};
	int operator;

	if (strcmp(w->word[at], family == 6 ? "ip6" : "ip") == 0 ||
	    strcmp(w->word[at], "meta") == 0)
		at++;
	*what = find(fields, ARRAY_SIZE(fields), w->word[at]);
	if (*what < 0)
		return at;
	operator= find(operators, ARRAY_SIZE(operators), w->word[++at]);
	c->negated = operator== 1;
	return at + (operator>= 0);
}

static bool read_value(struct hostport_condition *c, const char *word, uint8_t family)
{
	if (c->what == HOSTPORT_IN) {
		size_t n = strlen(word);
		bool quoted = n >= 2 && word[0] == '"' && word[n - 1] == '"';

		c->ifname = quoted ? arena_text(word + 1, n - 2, &(struct err){0}) : word;
		return c->ifname && *c->ifname && strlen(c->ifname) < LINK_NAME;
	}
	if (!prefix_parse(&c->prefix, word)) {
		if (!ip_parse(&c->prefix.ip, word))
			return false;
		c->prefix.len = (uint8_t)(8 * ip_size(&c->prefix.ip));
	}
	return c->prefix.ip.family == family;
}

int portmap_conditions_read(struct portmap_conditions *c, struct json list, uint8_t family,
			    bool *iptables, struct err *e)
{
	struct words w = {.count = 0};

	c->count = 0;
	if (split(&w, list, e))
		return -1;
	*iptables = *w.word[0] == '-' || *w.word[0] == '!';
	for (unsigned at = 0; at < w.count; at++) {
		struct hostport_condition *next = &c->item[c->count];
		unsigned begin = at;
		int what;

		if (c->count == PORTMAP_CONDITIONS_MAX)
			return json_fault(list, ERR_FIELD, "want at most %d conditions",
					  PORTMAP_CONDITIONS_MAX);
		*next = (struct hostport_condition){0};
		at = *iptables ? read_iptables(next, &w, at, &what)
			       : read_nft(next, &w, at, family, &what);
		if (what >= 0)
			next->what = (unsigned)what;
		if (what < 0 || at >= w.count || !read_value(next, w.word[at], family))
			return json_fault(
				list, ERR_FIELD,
				"want sources, destinations and incoming interfaces "
				"(-s, -d, -i; saddr, daddr, iifname) of IPv%u; what begins "
				"with \"%s\" is none",
				family, w.word[begin]);
		c->count++;
	}
	return 0;
}
