#include "node/node_words.h"

#include <stdio.h>
#include <string.h>

static const struct {
	unsigned bit;
	const char *words;
} parts[] = {
	{NODE_BIT(NODE_BRIDGE, 0), "bridge"},
	{NODE_BIT(NODE_UP, 0), "bridge up"},
	{NODE_BIT(NODE_ADDRESS, 0), "gateway address (IPv4)"},
	{NODE_BIT(NODE_ADDRESS, 1), "gateway address (IPv6)"},
	{NODE_BIT(NODE_LISTEN, 1), "router advertisements (IPv6)"},
	{NODE_BIT(NODE_FORWARDING, 0), "forwarding (IPv4)"},
	{NODE_BIT(NODE_FORWARDING, 1), "forwarding (IPv6)"},
	{NODE_BIT(NODE_MASQUERADE, 0), "cnibox's rules (IPv4)"},
	{NODE_BIT(NODE_MASQUERADE, 1), "cnibox's rules (IPv6)"},
	{NODE_BIT(NODE_ACCEPT, 0), "accept rules in FORWARD (IPv4)"},
	{NODE_BIT(NODE_ACCEPT, 1), "accept rules in FORWARD (IPv6)"},
	{NODE_BIT(NODE_LEGACY, 0), "accept rules in legacy FORWARD (IPv4)"},
	{NODE_BIT(NODE_LEGACY, 1), "accept rules in legacy FORWARD (IPv6)"},
};

const char *node_part_words(unsigned bit)
{
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].bit == bit)
			return parts[i].words;
	return "?";
}

const char *node_parts_words(unsigned bits)
{
	static char text[512];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (bits & parts[i].bit)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
					      parts[i].words);
	return text;
}

static const char heading[] = "cnibox made:";

static const struct {
	unsigned bit;
	const char *word;
} words[] = {
	{NODE_BIT(NODE_BRIDGE, 0), "bridge"},
	{NODE_BIT(NODE_ADDRESS, 0), "address4"},
	{NODE_BIT(NODE_ADDRESS, 1), "address6"},
	{NODE_BIT(NODE_FORWARDING, 0), "forwarding4"},
	{NODE_BIT(NODE_FORWARDING, 1), "forwarding6"},
};

static const char listen_word[] = "accept_ra:";

void node_alias_write(char alias[static LINK_ALIAS], const struct node_noted *noted)
{
	size_t n = (size_t)snprintf(alias, LINK_ALIAS, "%s", heading);

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (noted->parts & words[i].bit)
			n += (size_t)snprintf(alias + n, LINK_ALIAS - n, " %s", words[i].word);
	if (noted->parts & NODE_BIT(NODE_LISTEN, 1))
		snprintf(alias + n, LINK_ALIAS - n, " %s%s", listen_word, noted->listener);
}

/* One word of an alias. Unknown ones are of a later version: left to it. */
static void take_word(struct node_noted *noted, const char *word, size_t n)
{
	const size_t prefix = sizeof(listen_word) - 1;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (n == strlen(words[i].word) && memcmp(word, words[i].word, n) == 0)
			noted->parts |= words[i].bit;
	if (n > prefix && n - prefix < LINK_NAME && memcmp(word, listen_word, prefix) == 0) {
		noted->parts |= NODE_BIT(NODE_LISTEN, 1);
		snprintf(noted->listener, LINK_NAME, "%.*s", (int)(n - prefix), word + prefix);
	}
}

bool node_alias_read(const char *alias, struct node_noted *noted)
{
	*noted = (struct node_noted){0};
	if (!*alias)
		return true;
	if (strncmp(alias, heading, sizeof(heading) - 1) != 0)
		return false;
	for (const char *word = alias + sizeof(heading) - 1; *word;) {
		size_t n = strcspn(word, " ");

		take_word(noted, word, n);
		word += n + (word[n] == ' ');
	}
	return true;
}
