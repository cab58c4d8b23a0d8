#include "commands/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int command_fail(const char *name, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", name, e->msg);
	if (*e->details)
		fprintf(stderr, "  %s\n", e->details);
	return e->code == ERR_USAGE ? 2 : 1;
}

int command_usage(const char *name, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n  '%s --help' shows what it takes\n", name);
	return 2;
}

int command_format(const char *word, bool *json, struct err *e)
{
	*json = strcmp(word, "json") == 0;
	if (*json || strcmp(word, "text") == 0)
		return 0;
	return err_set(e, ERR_USAGE, NULL, "--format is text or json, not '%s'", word);
}

/* The option's name stands before its value, if that is in the same word. */
static bool names(const char *word, const struct command_option *o, const char **value)
{
	size_t n = strlen(o->word);

	if (strncmp(word, o->word, n) != 0 || (word[n] && (word[n] != '=' || !o->valued)))
		return false;
	*value = word[n] ? word + n + 1 : NULL;
	return true;
}

int command_next(struct command_words *words, const struct command_option *options, struct err *e)
{
	char *word = *words->at;

	if (word && !words->ended && strcmp(word, "--") == 0) {
		words->ended = true;
		word = *++words->at;
	}
	if (!word)
		return -1;
	words->at++;
	words->value = word;
	if (words->ended || word[0] != '-' || !word[1])
		return 0;
	for (const struct command_option *o = options; o->word; o++) {
		if (!names(word, o, &words->value))
			continue;
		if (o->valued && !words->value && !(words->value = *words->at++))
			break;
		return o->key;
	}
	return err_set(e, ERR_USAGE, NULL, "unknown option, or one without its value: %s", word);
}

int command_end(const char *name, int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "%s: print: %s\n", name, strerror(errno));
	return status ? status : 1;
}
