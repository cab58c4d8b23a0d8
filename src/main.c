/*
 * One binary, many programs: argv[0], or argv[1] behind the name cnibox, chooses the applet.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "applet.h"
#include "base/compiler.h"
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

static void list_applets(FILE *to)
{
	fprintf(to,
		"cnibox %s: pod networking in one file\n\n"
		"usage: cnibox APPLET [ARGUMENT]...\n"
		"       APPLET [ARGUMENT]...      by a link of that name to cnibox\n\n"
		"applets:\n",
		CNIBOX_VERSION);
	for (unsigned i = 0; i < applet_count; i++)
		fprintf(to, "  %-12s %s\n", applets[i]->name, applets[i]->summary);
	fputs("\n'cnibox APPLET --help' explains one; 'cnibox install' puts the CNI plugins in place.\n",
	      to);
}

static int run_applet(const struct applet *a, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(a->help, stdout);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("%s (cnibox) %s\n", a->name, CNIBOX_VERSION);
		return 0;
	}
	return a->plugin ? cni_run(a->plugin) : a->run(argc, argv);
}

/*
 * A standard descriptor that the caller closed would be given to the next file that is opened: the
 * result would go into the log. One that cannot be used takes its place.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "cnibox";
	const struct applet *a = applet_find(name);

	fill_standard_descriptors();
	if (a)
		return run_applet(a, argc, argv);
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		list_applets(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("cnibox %s\n", CNIBOX_VERSION);
		return 0;
	}
	a = applet_find(argv[1]);
	if (a)
		return run_applet(a, argc - 1, argv + 1);
	fprintf(stderr, "cnibox: there is no applet '%s'\n\n", argv[1]);
	list_applets(stderr);
	return 2;
}
