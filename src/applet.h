/*
 * An applet: one of the programs that this binary is, chosen by the name it is called under.
 */
#ifndef APPLET_H
#define APPLET_H

#include <stdbool.h>

struct cni_plugin;
struct err;

struct applet {
	const char *name;
	const char *summary; /* one line, for the list of applets */
	const char *help;    /* what --help prints: usage, options, an example */

	/*
	 * install makes no link of this name: what it stands for is not wanted in a directory of
	 * plugins, or the name belongs to somebody else.
	 */
	bool no_link;

	/* A CNI plugin ... */
	const struct cni_plugin *plugin;
	/*
	 * ... or a command, from its words (argv[0] is its name): gives the exit status, 0 or 1,
	 * or -1 with e set, which main prints. ERR_USAGE: exit status 2, and a word on --help.
	 */
	int (*run)(char **argv, struct err *e);
};

/* All of them, in the order of applets.h. */
extern const struct applet *const applets[];
extern const unsigned applet_count;

/* The one called name; NULL if there is none. */
const struct applet *applet_find(const char *name);

#endif
