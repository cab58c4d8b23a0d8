/*
 * An applet: one of the programs that this binary is, chosen by the name it is called under.
 */
#ifndef APPLET_H
#define APPLET_H

struct cni_plugin;

struct applet {
	const char *name;
	const char *summary; /* one line, for the list of applets */
	const char *help;    /* what --help prints: usage, options, an example */

	/* A CNI plugin ... */
	const struct cni_plugin *plugin;
	/* ... or a command: gives the exit status, 0, 1 (failure) or 2 (usage). */
	int (*run)(int argc, char **argv);
};

/* All of them, in the order of applets.h. */
extern const struct applet *const applets[];
extern const unsigned applet_count;

/* The one called name; NULL if there is none. */
const struct applet *applet_find(const char *name);

#endif
