/*
 * gce-routes list and describe: routes as gcloud shows them.
 */
#include "base/say.h"
#include "commands/gce_filter.h"
#include "commands/gce_output.h"
#include "commands/gce_routes.h"
#include "gce/call.h"
#include "gce/list.h"

struct listing {
	struct gce_filter filter;
	struct gce_output output;
};

static int show(void *context, struct json item, struct err *e)
{
	struct listing *l = context;

	if (!gce_filter_match(&l->filter, item, e))
		return e->code ? -1 : 0;
	return gce_output_item(&l->output, item, e);
}

int gce_routes_list(struct gce *g, const struct gce_words *w, struct err *e)
{
	struct listing l;

	if (gce_output_begin(&l.output, w->format, "table", false, e) ||
	    gce_filter_parse(&l.filter, w->filter, e) ||
	    gce_list(g, "routes", l.filter.server, show, &l, e))
		return -1;
	gce_output_end(&l.output);
	if (!l.output.said && l.output.format == GCE_TABLE)
		complain("Listed 0 items.\n");
	return 0;
}

int gce_routes_describe(struct gce *g, const struct gce_words *w, struct err *e)
{
	struct gce_output output;
	struct gce_route r;
	struct gce_answer a;

	if (gce_output_begin(&output, w->format, "yaml", true, e) ||
	    gce_route_get(g, w->name[0], &r, &a, e) ||
	    gce_output_item(&output, json_open(a.text, a.len, "the route", e), e))
		return -1;
	gce_output_end(&output);
	return 0;
}
