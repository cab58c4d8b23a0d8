/*
 * gce-routes prune: our routes to instances that are gone. One of somebody else's, of another
 * cluster, or to an instance that is there, running or not, stays.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/say.h"
#include "commands/gce_routes.h"
#include "gce/call.h"
#include "gce/list.h"
#include "gce/own.h"
#include "gce/place.h"

/* Bytes of names and next hops of a cluster's routes: some 10,000 of them. */
#define CANDIDATES_MAX (1u << 20)

struct candidates {
	const struct gce *g;
	const char *cluster;
	char text[CANDIDATES_MAX]; /* a name and a path, again and again, each with its NUL */
	size_t used;
	unsigned count;
};

static int note(void *context, struct json item, struct err *e)
{
	struct candidates *c = context;
	struct gce_route r;
	const char *hop;
	size_t n;

	if (gce_route_read(&r, item, e))
		return -1;
	if (!gce_own(r.description, c->cluster) || strcmp(r.hop_kind, "nextHopInstance") != 0)
		return 0;
	hop = gce_path(r.hop, c->g->project, e);
	if (!hop)
		return -1;
	n = strlen(r.name) + strlen(hop) + 2;
	if (n > sizeof(c->text) - c->used)
		return err_set(e, ERR_STATE, NULL, "there are too many of them at once");
	memcpy(c->text + c->used, r.name, strlen(r.name) + 1);
	memcpy(c->text + c->used + strlen(r.name) + 1, hop, strlen(hop) + 1);
	c->used += n;
	c->count++;
	return 0;
}

/* Gives 1 if the instance is gone, 0 if it is there, -1 with e set: nobody knows. */
static int is_gone(struct gce *g, const char *path, struct err *e)
{
	static char last[GCE_PATH_MAX]; /* a node has a route for each family */
	static int last_gone;
	static struct gce_instance i;
	int there;

	if (strcmp(path, last) == 0)
		return last_gone;
	there = gce_instance_get(g, path, &i, e);
	if (there >= 0) {
		snprintf(last, sizeof(last), "%s", path);
		last_gone = !there;
	}
	return there < 0 ? -1 : !there;
}

/* Gives false where it has failed, and has said so. */
static bool prune_one(struct gce *g, const struct gce_words *w, const char *name, const char *path)
{
	struct err e = {0};
	int gone = is_gone(g, path, &e);

	if (gone > 0 && !w->dry_run && gce_route_unmake(g, name, &e))
		gone = -1;
	if (gone < 0) {
		gce_routes_complain(w, &e);
		return false;
	}
	if (gone)
		say("%s %s: instance %s is gone\n", w->dry_run ? "would delete" : "deleted", name,
		    gce_basename(path));
	return true;
}

int gce_routes_prune(struct gce *g, const struct gce_words *w, struct err *e)
{
	static struct candidates c;
	char filter[GCE_DESCRIPTION_MAX];
	const char *at = c.text;
	bool good = true;

	c.g = g;
	c.used = c.count = 0;
	if (!w->cluster)
		return err_set(e, ERR_USAGE, NULL, "--cluster says whose routes");
	c.cluster = gce_routes_cluster(w, e);
	if (!c.cluster)
		return -1;
	gce_own_filter(filter, c.cluster);
	if (gce_list(g, "routes", filter, note, &c, e))
		return -1;
	for (unsigned i = 0; i < c.count; i++) {
		const char *path = at + strlen(at) + 1;

		good &= prune_one(g, w, at, path);
		at = path + strlen(path) + 1;
	}
	return good ? 0 : 1;
}
