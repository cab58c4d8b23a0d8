#include "ipam/resolv_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

#define RESOLV_CONF_MAX 65536 /* bytes; the resolver itself uses three servers and six domains */
#define WHITE_SPACE	" \t\v\f\r"

static int add_word(struct cni_words *words, const char *word, struct err *e)
{
	if (words->count == CNI_DNS_MAX)
		return err_set(e, ERR_FIELD, NULL, "more than %d words of one kind", CNI_DNS_MAX);
	words->word[words->count++] = word;
	return 0;
}

static int add_words(struct cni_words *words, const char *first, char **rest, struct err *e)
{
	for (const char *word = first; word; word = strtok_r(NULL, WHITE_SPACE, rest))
		if (add_word(words, word, e))
			return -1;
	return 0;
}

static int parse_line(struct cni_dns *dns, char *line, struct err *e)
{
	char *rest;
	const char *key = strtok_r(line, WHITE_SPACE, &rest);
	const char *value = key ? strtok_r(NULL, WHITE_SPACE, &rest) : NULL;

	if (!value || *key == '#' || *key == ';')
		return 0;
	if (strcmp(key, "nameserver") == 0)
		return add_word(&dns->nameservers, value, e);
	if (strcmp(key, "search") == 0)
		return add_words(&dns->search, value, &rest, e);
	if (strcmp(key, "options") == 0)
		return add_words(&dns->options, value, &rest, e);
	if (strcmp(key, "domain") == 0)
		dns->domain = value;
	return 0;
}

int resolv_conf_parse(struct cni_dns *dns, char *text, struct err *e)
{
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (parse_line(dns, line, e))
			return -1;
	return 0;
}

int resolv_conf_read(struct cni_dns *dns, const char *path, struct err *e)
{
	cleanup_fd int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = arena_take(RESOLV_CONF_MAX + 1, e);
	ssize_t n;

	if (!text)
		return -1;
	if (fd < 0)
		return err_sys(e, ERR_IO, NULL, errno, "ipam.resolvConf: open %s", path);
	n = file_read_all(fd, text, RESOLV_CONF_MAX);
	if (n < 0)
		return err_sys(e, ERR_IO, NULL, errno, "ipam.resolvConf: read %s", path);
	if (resolv_conf_parse(dns, text, e)) {
		err_prefix(e, "ipam.resolvConf: %s", path);
		return -1;
	}
	return 0;
}
