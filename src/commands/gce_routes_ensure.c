/*
 * gce-routes ensure: on a node, the routes that bring its pods' packets to it. Made where they are
 * missing, made anew where they lead elsewhere; nothing that is not ours is touched.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/say.h"
#include "commands/gce_routes.h"
#include "gce/call.h"
#include "gce/firewall.h"
#include "gce/list.h"
#include "gce/own.h"
#include "gce/place.h"

#define ROUTES_MAX 64 /* for one node's ranges; one each is the rule */

/* A route for one of our ranges, as it was found. */
struct found {
	char name[GCE_NAME_MAX + 1];
	char hop[GCE_PATH_MAX];
	unsigned range;
	uint32_t priority;
	bool ours, right; /* of this cluster; leads to this instance */
};

struct ensure {
	struct gce *g;
	const struct gce_words *w;
	const char *cluster;
	struct gce_here here;
	struct prefix range[GCE_CIDRS_MAX];
	char text[GCE_CIDRS_MAX][PREFIX_TEXT];
	unsigned ranges;
	struct found found[ROUTES_MAX];
	unsigned count;
};

/* --- look ------------------------------------------------------------------------------------- */

static int who_we_are(struct ensure *n, struct err *e)
{
	int ranges = gce_routes_ranges(n->w, false, n->range, e);

	n->cluster = gce_routes_cluster(n->w, e);
	if (ranges < 0 || !n->cluster || gce_here(n->g, &n->here, e))
		return -1;
	n->ranges = (unsigned)ranges;
	for (unsigned i = 0; i < n->ranges; i++)
		prefix_format(n->text[i], &n->range[i]);
	return 0;
}

/* A route to an instance that may not forward would drop everything. */
static int check_forwarding(struct ensure *n, struct gce_instance *i, struct err *e)
{
	int there = gce_instance_get(n->g, n->here.path, i, e);

	if (there < 0)
		return -1;
	if (!there)
		return err_set(e, ERR_STATE, "look at this instance", "%s is not found",
			       n->here.path);
	if (i->can_ip_forward)
		return 0;
	err_set(e, ERR_STATE, NULL,
		"%s may not forward packets of others: a route to it would lead nowhere",
		n->here.instance);
	err_hint(e, "canIpForward is set when an instance is made (--can-ip-forward), or by "
		    "'gcloud compute instances update-from-file'; nothing was changed");
	return -1;
}

/* Google may give the range to a subnet of its own one day, which then hides the route. */
static int warn_of_auto_mode(struct ensure *n, struct err *e)
{
	static const struct prefix reserved = {.ip = {.family = 4, .b = {10, 128}}, .len = 9};
	bool is_auto;

	if (gce_network_is_auto(n->g, n->here.network, &is_auto, e))
		return -1;
	for (unsigned i = 0; is_auto && i < n->ranges; i++)
		if (n->range[i].ip.family == 4 && prefix_contains(&reserved, &n->range[i].ip))
			complain("%s: warning: network %s is in auto mode, and %s lies in "
				 "10.128.0.0/9, from which it takes its own subnets: one in a new "
				 "region may take the range away\n",
				 n->w->program, gce_basename(n->here.network), n->text[i]);
	return 0;
}

static int weigh(void *context, struct json rule, struct err *e)
{
	struct gce_opening *o = context;

	for (unsigned i = 0; i < GCE_CIDRS_MAX && o[i].source.ip.family; i++)
		gce_opening_weigh(&o[i], rule);
	return e->code ? -1 : 0;
}

/* Pods keep their addresses on the way: the rules must let those in. */
static int warn_of_firewall(struct ensure *n, const struct gce_instance *instance, struct err *e)
{
	struct gce_opening o[GCE_CIDRS_MAX + 1] = {0};
	struct prefix whole[GCE_CIDRS_MAX];
	int ranges = gce_routes_ranges(n->w, true, whole, e);
	char closed[32], text[PREFIX_TEXT];

	for (int i = 0; i < ranges; i++)
		gce_opening_begin(&o[i], &whole[i], n->here.network, instance);
	if (ranges < 0 || gce_list(n->g, "firewalls", NULL, weigh, o, e))
		return -1;
	for (int i = 0; i < ranges; i++) {
		gce_opening_closed(&o[i], closed);
		if (!*closed)
			continue;
		prefix_format(text, &whole[i]);
		complain("%s: warning: the firewall of network %s lets no %s in from %s%s%s\n"
			 "  gce-routes firewall --network %s --source-range %s opens it\n",
			 n->w->program, gce_basename(n->here.network), closed, text,
			 *o[i].denied_by ? ", see " : "", o[i].denied_by,
			 gce_basename(n->here.network), text);
	}
	return 0;
}

/* --- the routes ------------------------------------------------------------------------------- */

static int note(void *context, struct json item, struct err *e)
{
	struct ensure *n = context;
	struct found *f = &n->found[n->count];
	const char *network, *hop;
	struct prefix range;
	struct gce_route r;

	if (gce_route_read(&r, item, e))
		return -1;
	network = gce_path(r.network, n->g->project, e);
	hop = gce_path(r.hop, n->g->project, e);
	if (!network || !hop)
		return -1;
	if (strcmp(network, n->here.network) != 0 || r.tag_count ||
	    !prefix_parse(&range, r.dest_range))
		return 0;
	for (unsigned i = 0; i < n->ranges; i++) {
		if (!prefix_equal(&range, &n->range[i]))
			continue;
		if (n->count == ROUTES_MAX)
			return err_set(e, ERR_STATE, NULL, "%s has more than %d routes", n->text[i],
				       ROUTES_MAX);
		*f = (struct found){.range = i, .priority = r.priority};
		snprintf(f->name, sizeof(f->name), "%s", r.name);
		snprintf(f->hop, sizeof(f->hop), "%s", hop);
		f->ours = gce_own(r.description, n->cluster);
		f->right = strcmp(hop, n->here.path) == 0;
		n->count++;
	}
	return 0;
}

/* One list: of the routes for our ranges, whoever made them. */
static int find(struct ensure *n, struct err *e)
{
	char filter[GCE_CIDRS_MAX * (PREFIX_TEXT + 16) + 32];
	size_t used = (size_t)snprintf(filter, sizeof(filter), "destRange eq \"(");

	for (unsigned i = 0; i < n->ranges; i++) {
		if (i)
			filter[used++] = '|';
		for (const char *p = n->text[i]; *p; p++) {
			if (*p == '.')
				filter[used++] = '\\';
			filter[used++] = *p;
		}
	}
	snprintf(filter + used, sizeof(filter) - used, ")\"");
	n->count = 0;
	return gce_list(n->g, "routes", filter, note, n, e);
}

static bool has_route(const struct ensure *n, unsigned range)
{
	for (unsigned i = 0; i < n->count; i++)
		if (n->found[i].range == range && n->found[i].right)
			return true;
	return false;
}

/* Ours, and leading elsewhere: it takes a share of the packets, or all of them, away. */
static int remove_wrong(struct ensure *n, struct err *e)
{
	for (unsigned i = 0; i < n->count; i++) {
		const struct found *f = &n->found[i];

		if (f->right)
			continue;
		if (!f->ours) {
			complain(
				"%s: warning: route %s, which is not ours, leads packets for %s to "
				"%s\n",
				n->w->program, f->name, n->text[f->range], gce_basename(f->hop));
			continue;
		}
		if (gce_route_unmake(n->g, f->name, e))
			return -1;
		complain("Deleted route [%s], which led %s to %s.\n", f->name, n->text[f->range],
			 gce_basename(f->hop));
	}
	return 0;
}

/* Of our name, but for another range or network: by hand, or from another time. */
static int name_is_taken(struct ensure *n, const struct gce_route *want, struct err *e)
{
	struct gce_route there;
	struct gce_answer a;
	const char *difference;

	if (gce_route_get(n->g, want->name, &there, &a, e))
		return -1;
	difference = gce_route_difference(want, &there, n->g->project);
	if (!difference)
		return 0;
	err_set(e, ERR_STATE, NULL, "a route %s is there, and another one: %s", want->name,
		difference);
	err_hint(e, "delete it, or give another --cluster");
	return -1;
}

static int add(struct ensure *n, unsigned range, struct err *e)
{
	static struct gce_operation o;
	char name[GCE_NAME_MAX + 1], description[GCE_DESCRIPTION_MAX];
	struct gce_route want = {.name = name,
				 .network = n->here.network,
				 .dest_range = n->text[range],
				 .hop_kind = "nextHopInstance",
				 .hop = n->here.path,
				 .description = description,
				 .priority = 1000};
	int taken;

	gce_own_name(name, n->cluster, n->here.zone, n->here.instance, n->text[range]);
	gce_own_description(description, n->cluster, n->here.instance);
	taken = gce_route_make(n->g, &want, &o, e);
	if (taken < 0 || (taken > 0 && name_is_taken(n, &want, e)))
		return -1;
	complain("Created route [%s]: %s to %s.\n", name, n->text[range], n->here.instance);
	if (*o.warnings)
		return err_set(e, ERR_STATE, NULL,
			       "the route %s is there, but packets for %s are dropped: %.*s", name,
			       n->text[range], (int)strcspn(o.warnings, "\n"), o.warnings);
	return 0;
}

/* Gives how many routes were changed, or -1 with e set. */
static int settle(struct ensure *n, struct err *e)
{
	unsigned missing = 0, wrong = 0;

	if (find(n, e))
		return -1;
	for (unsigned i = 0; i < n->ranges; i++)
		missing += !has_route(n, i);
	for (unsigned i = 0; i < n->count; i++)
		wrong += n->found[i].ours && !n->found[i].right;
	/* Before anything is deleted: what cannot be made again must not go. */
	if (missing > wrong && gce_quota_check(n->g, missing - wrong, e))
		return -1;
	if (remove_wrong(n, e))
		return -1;
	for (unsigned i = 0; i < n->ranges; i++)
		if (!has_route(n, i) && add(n, i, e))
			return -1;
	return (int)(missing + wrong);
}

static void say_routes(const struct ensure *n)
{
	for (unsigned i = 0; i < n->ranges; i++)
		say("%-18s -> %s\n", n->text[i], n->here.instance);
}

int gce_routes_ensure(struct gce *g, const struct gce_words *w, bool first, struct err *e)
{
	static struct gce_instance instance;
	static struct ensure n;
	int changed;

	memset(&n, 0, sizeof(n));
	n.g = g;
	n.w = w;
	if (who_we_are(&n, e))
		return -1;
	if (first && (check_forwarding(&n, &instance, e) || warn_of_auto_mode(&n, e)))
		return -1;
	changed = settle(&n, e);
	if (changed < 0)
		return -1;
	if (first && warn_of_firewall(&n, &instance, e))
		return -1;
	if (first || changed)
		say_routes(&n);
	return 0;
}
