/*
 * One binary, many programs: argv[0], or argv[1] behind the name cnibox, chooses the applet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applet.h"
#include "base/err.h"
#include "base/say.h"
#include "base/version.h"
#include "cni/plugin.h"
#include "config.h"

#define APPLET(name) extern const struct applet applet_##name;
#include "applets.h"
#undef APPLET

#define APPLET(name) &applet_##name,
const struct applet *const applets[] = {
#include "applets.h"
};
#undef APPLET
const unsigned applet_count = ARRAY_SIZE(applets);

const struct applet *applet_find(const char *name)
{
	for (unsigned i = 0; i < applet_count; i++)
		if (strcmp(applets[i]->name, name) == 0)
			return applets[i];
	return NULL;
}

static void list_applets(void (*to)(const char *fmt, ...))
{
	to("cnibox %s: pod networking in one file\n\n"
	   "usage: cnibox APPLET [ARGUMENT]...\n"
	   "       APPLET [ARGUMENT]...      by a link of that name to cnibox\n\n"
	   "applets:\n",
	   CNIBOX_VERSION);
	for (unsigned i = 0; i < applet_count; i++)
		to("  %-12s %s\n", applets[i]->name, applets[i]->summary);
	to("\n'cnibox APPLET --help' explains one; 'cnibox install' puts the CNI plugins in place.\n");
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Wherever it stands: who types it has seen enough of the rest. */
static bool asks_for_help(char **words)
{
	for (; *words && strcmp(*words, "--") != 0; words++)
		if (is_help(*words))
			return true;
	return false;
}

/* A command has failed. Gives its exit status. */
static int report(const struct applet *a, const struct err *e)
{
	complain("%s: %s\n", a->name, e->msg);
	if (*e->details)
		complain("  %s\n", e->details);
	if (e->code != ERR_USAGE)
		return 1;
	complain("  '%s --help' shows what it takes\n", a->name);
	return 2;
}

static int run_applet(const struct applet *a, char **argv)
{
	struct err e = {0};
	int status;

	if (asks_for_help(argv + 1)) {
		say_text(a->help);
		return 0;
	}
	if (argv[1] && strcmp(argv[1], "--version") == 0) {
		say("%s (cnibox) %s\n", a->name, CNIBOX_VERSION);
		return 0;
	}
	if (a->plugin)
		return cni_run(a->plugin);
	status = a->run(argv, &e);
	return status < 0 ? report(a, &e) : status;
}

static int run(const char *name, char **argv)
{
	const struct applet *a = applet_find(name);

	if (a)
		return run_applet(a, argv);
	if (!argv[0] || !argv[1] || is_help(argv[1])) {
		list_applets(say);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		say("cnibox %s\n", CNIBOX_VERSION);
		return 0;
	}
	a = applet_find(argv[1]);
	if (a)
		return run_applet(a, argv + 1);
	complain("cnibox: there is no applet '%s'\n\n", argv[1]);
	list_applets(complain);
	return 2;
}

/*
 * A standard descriptor that the caller closed would be given to the next file that is opened: the
 * result would go into the log. One that cannot be used takes its place.
 */
static void fill_standard_descriptors(void)
{
	struct stat st;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) &&
		    openat(AT_FDCWD, "/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "cnibox";
	int status;

	fill_standard_descriptors();
	status = run(name, argv);
	if (say_end() == 0)
		return status;
	complain("%s: print: %s\n", name, strerror(errno));
	return status ? status : 1;
}
