/*
 * gce-routes create: a route, as gcloud makes it; but one that is there already, as asked, is no
 * failure, and one that leads nowhere is.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/say.h"
#include "commands/gce_output.h"
#include "commands/gce_routes.h"
#include "gce/call.h"

/* "a,b" into r's tags. */
static int take_tags(struct gce_route *r, const char *text, struct err *e)
{
	while (*text) {
		size_t n = strcspn(text, ",");
		char *tag = arena_text(text, n, e);

		if (!tag)
			return -1;
		if (!gce_name_valid(tag) || r->tag_count == GCE_TAGS_MAX)
			return err_set(e, ERR_USAGE, NULL,
				       "--tags wants network tags with commas between, not '%s'",
				       tag);
		r->tags[r->tag_count++] = tag;
		text += n + (text[n] == ',');
	}
	return 0;
}

/* The instance of the words as the API wants it: in its zone. */
static const char *instance_path(const struct gce *g, const struct gce_words *w, struct err *e)
{
	const char *whole = strstr(w->instance, "zones/");

	if (whole)
		return gce_path(strstr(w->instance, "projects/") ? w->instance : whole, g->project,
				e);
	return arena_format(e, "projects/%s/zones/%s/instances/%s", g->project, w->zone,
			    w->instance);
}

static int check_hop(const struct gce_words *w, struct err *e)
{
	struct ip ip;

	if (!w->instance == !w->address)
		return err_set(e, ERR_USAGE, NULL,
			       "exactly one of --next-hop-instance and --next-hop-address is "
			       "needed");
	if (w->zone && !w->instance)
		return err_set(e, ERR_USAGE, NULL,
			       "--next-hop-instance-zone goes with --next-hop-instance");
	if (w->address)
		return ip_parse(&ip, w->address)
			       ? 0
			       : err_set(e, ERR_USAGE, NULL,
					 "--next-hop-address is an address, not '%s'", w->address);
	if (strstr(w->instance, "zones/"))
		return 0;
	if (!w->zone)
		return err_set(e, ERR_USAGE, NULL, "--next-hop-instance-zone is missing");
	if (!gce_name_valid(w->instance) || !gce_name_valid(w->zone))
		return err_set(e, ERR_USAGE, NULL, "'%s' in '%s' is no instance's name",
			       w->instance, w->zone);
	return 0;
}

int gce_routes_create_check(const struct gce_words *w, struct err *e)
{
	struct gce_route r = {0};
	struct prefix range;

	if (!w->range)
		return err_set(e, ERR_USAGE, NULL, "--destination-range is missing");
	if (!prefix_parse(&range, w->range))
		return err_set(e, ERR_USAGE, NULL,
			       "--destination-range is a range such as 10.244.0.0/24, not '%s'",
			       w->range);
	return check_hop(w, e) || (w->tags && take_tags(&r, w->tags, e)) ? -1 : 0;
}

/* The route that the words ask for. */
static int wanted(const struct gce *g, struct gce_route *r, const struct gce_words *w,
		  struct err *e)
{
	const char *network = w->network ? w->network : "default";

	*r = (struct gce_route){.name = w->name[0],
				.dest_range = w->range,
				.hop_kind = w->instance ? "nextHopInstance" : "nextHopIp",
				.description = w->description ? w->description : "",
				.priority = w->priority_given ? w->priority : 1000};
	r->network = strchr(network, '/') ? gce_path(network, g->project, e)
					  : arena_format(e, "projects/%s/global/networks/%s",
							 g->project, network);
	r->hop = w->instance ? instance_path(g, w, e) : w->address;
	if (!r->network || !r->hop)
		return -1;
	return w->tags ? take_tags(r, w->tags, e) : 0;
}

/* The name is taken: by a route as asked, or by another. Gives 0 if nothing is left to do. */
static int settle(struct gce *g, const struct gce_route *want, const struct gce_words *w,
		  struct gce_operation *o, struct err *e)
{
	struct gce_route found;
	struct gce_answer a;
	const char *difference;

	if (gce_route_get(g, want->name, &found, &a, e))
		return -1;
	difference = gce_route_difference(want, &found, g->project);
	if (!difference) {
		complain("Route [%s] is there already, as asked.\n", want->name);
		return 0;
	}
	if (!w->replace) {
		err_set(e, ERR_STATE, NULL, "a route %s is there, and another one: %s", want->name,
			difference);
		err_hint(e, "nothing was changed; --replace deletes it and makes this one");
		return -1;
	}
	if (gce_route_unmake(g, want->name, e))
		return -1;
	if (gce_route_make(g, want, o, e) == 0)
		return 1;
	err_set(e, ERR_TRY_AGAIN, NULL, "somebody else has made a route %s meanwhile", want->name);
	return -1;
}

/* It is there; but does it work? */
static int check_alive(const struct gce_route *r, const char *warnings, struct err *e)
{
	if (!*warnings)
		return 0;
	err_set(e, ERR_STATE, NULL, "the route %s is there, but packets for %s are dropped: %.*s",
		r->name, r->dest_range, (int)strcspn(warnings, "\n"), warnings);
	if (strstr(warnings, "NEXT_HOP_CANNOT_IP_FORWARD"))
		err_hint(e, "the instance must have been created with --can-ip-forward, or be "
			    "updated to it");
	else
		err_hint(e, "make the next hop what it should be, or delete the route");
	return -1;
}

int gce_routes_create(struct gce *g, const struct gce_words *w, struct err *e)
{
	static char warnings[GCE_WARNINGS_MAX];
	static struct gce_operation o;
	struct gce_output output;
	struct gce_route want, made;
	struct gce_answer a;
	int taken;

	if (gce_output_begin(&output, w->format, "table", false, e) || wanted(g, &want, w, e))
		return -1;
	taken = gce_route_make(g, &want, &o, e);
	if (taken > 0)
		taken = settle(g, &want, w, &o, e) - 1;
	if (e->code)
		return -1;
	if (gce_route_get(g, want.name, &made, &a, e))
		return -1;
	if (taken == 0)
		complain("Created [%s].\n", made.self_link);
	gce_warnings_read(warnings, made.warnings);
	if (gce_output_item(&output, json_open(a.text, a.len, "the route", e), e))
		return -1;
	gce_output_end(&output);
	return check_alive(&made, *warnings ? warnings : taken == 0 ? o.warnings : "", e);
}
