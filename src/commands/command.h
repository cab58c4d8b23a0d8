/*
 * What the command line applets have in common: how they read their words.
 */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include <stdbool.h>

#include "base/err.h"

/* Take the word of --format, "text" or "json". Gives 0, or -1 with e set (ERR_USAGE). */
int command_format(const char *word, bool *json, struct err *e) must_check;

/* An option of an applet, as it is typed: {"--conf", 'c', true}. The list ends with {0}. */
struct command_option {
	const char *word;
	int key;
	bool valued; /* "--conf FILE" or "--conf=FILE" */
};

/* The words of a command line that are still to be read. Begin: {.at = argv + 1}. */
struct command_words {
	char **at;
	const char *value; /* of the option, or the operand itself */
	bool ended;	   /* "--" was there: what follows are operands */
};

/* Read on. Gives the option's key; 0 for an operand; -1 at the end, or with e set (ERR_USAGE). */
int command_next(struct command_words *words, const struct command_option *options,
		 struct err *e) must_check;

#endif
