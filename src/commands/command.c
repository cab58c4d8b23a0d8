#include "commands/command.h"

#include <string.h>

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
			return err_set(e, ERR_USAGE, NULL, "%s needs a value", word);
		return o->key;
	}
	return err_set(e, ERR_USAGE, NULL, "there is no option %s", word);
}
