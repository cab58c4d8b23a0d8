/*
 * gce-routes delete: routes by their names. All are asked to go before the first is waited for, all
 * are tried, and one that is gone already is no failure.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"
#include "commands/gce_routes.h"
#include "gce/call.h"

/* What is asked on a terminal, or of whatever there is: nothing at all is a yes, as in gcloud. */
static bool confirmed(const struct gce_words *w)
{
	char answer[64];
	ssize_t n;

	if (w->quiet)
		return true;
	complain("The following routes will be deleted:\n");
	for (unsigned i = 0; i < w->names; i++)
		complain(" - [%s]\n", w->name[i]);
	complain("\nDo you want to continue (Y/n)?  ");
	do
		n = read(STDIN_FILENO, answer, sizeof(answer));
	while (n < 0 && errno == EINTR);
	complain("\n");
	return n <= 0 || strchr("\nYy", answer[0]);
}

/* What is under way: the operation's name, "" where nothing is. */
static char pending[GCE_NAMES_MAX][128];

/* Gives false where it has failed, and has said so. */
static bool ask(struct gce *g, const struct gce_words *w, unsigned i)
{
	static struct gce_operation o;
	struct gce_answer a;
	struct err e = {0};

	pending[i][0] = '\0';
	if (gce_route_delete(g, w->name[i], &o, &a, &e) == 0) {
		memcpy(pending[i], o.name, sizeof(pending[i]));
		return true;
	}
	if (a.refusal.status == 404) {
		complain("Route [%s] is gone already.\n", w->name[i]);
		return true;
	}
	gce_routes_complain(w, &e);
	return false;
}

static bool await(struct gce *g, const struct gce_words *w, unsigned i)
{
	static struct gce_operation o;
	char doing[128], link[GCE_LINK_MAX];
	struct err e = {0};

	if (!*pending[i])
		return true;
	memset(&o, 0, sizeof(o));
	memcpy(o.name, pending[i], sizeof(pending[i]));
	snprintf(doing, sizeof(doing), "delete the route %s", w->name[i]);
	if (gce_operation_wait(g, &o, doing, &e) &&
	    strcmp(o.error_code, "RESOURCE_NOT_FOUND") != 0) {
		gce_routes_complain(w, &e);
		return false;
	}
	gce_route_link(link, g, w->name[i]);
	complain("Deleted [%s].\n", link);
	return true;
}

int gce_routes_delete(struct gce *g, const struct gce_words *w, struct err *e)
{
	bool good = true;

	if (!confirmed(w))
		return err_set(e, ERR_STATE, NULL, "nothing was deleted, as you say");
	for (unsigned i = 0; i < w->names; i++)
		good &= ask(g, w, i);
	for (unsigned i = 0; i < w->names; i++)
		good &= await(g, w, i);
	return good ? 0 : 1;
}
