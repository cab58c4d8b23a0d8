/*
 * gce-routes firewall: the rule that lets pods' packets in, for networks where no rule does.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/say.h"
#include "commands/gce_routes.h"
#include "gce/call.h"
#include "gce/firewall.h"
#include "gce/own.h"

#define TRIES 2 /* where somebody else changes it at the same time */

/* Gives 0 when it is as wanted, 1 when it is not and is not to be; -1 with e set. */
static int settle(struct gce *g, const struct gce_words *w, const struct gce_rule *want,
		  unsigned *status, struct err *e)
{
	const char *difference = NULL;
	struct gce_answer a;
	int there = gce_rule_get(g, want->name, &a, e);

	*status = 0;
	if (there < 0)
		return -1;
	if (there) {
		struct json found = json_open(a.text, a.len, "the firewall rule", e);

		difference = gce_rule_difference(want, found, g->project);
		if (e->code)
			return -1;
		if (!difference) {
			say("%s: there, as wanted: all from %s\n", want->name, want->range);
			return 0;
		}
	}
	if (w->check) {
		say("%s: %s\n", want->name, there ? difference : "missing");
		return 1;
	}
	if (there && !w->replace) {
		err_set(e, ERR_STATE, NULL, "a firewall rule %s is there, and another one: %s",
			want->name, difference);
		err_hint(e, "nothing was changed; --replace makes it what it should be");
		return -1;
	}
	if (gce_rule_put(g, want, there, status, e))
		return -1;
	say("%s: %s: all from %s\n", want->name, there ? "changed" : "created", want->range);
	return 0;
}

/* Somebody may have made or changed it since we looked: then look again, once. */
static int ensure_rule(struct gce *g, const struct gce_words *w, const struct gce_rule *want,
		       struct err *e)
{
	unsigned status;
	int result;

	for (unsigned i = 1;; i++) {
		result = settle(g, w, want, &status, e);
		if (result >= 0 || i == TRIES || (status != 409 && status != 412))
			return result;
		err_clear(e);
	}
}

int gce_routes_firewall(struct gce *g, const struct gce_words *w, struct err *e)
{
	const char *network = w->network ? w->network : "default";
	const char *cluster = gce_routes_cluster(w, e);
	struct prefix range[GCE_CIDRS_MAX];
	int ranges = gce_routes_ranges(w, true, range, e), status = 0;

	if (!cluster || ranges < 0)
		return -1;
	for (int i = 0; i < ranges; i++) {
		char text[PREFIX_TEXT], description[GCE_DESCRIPTION_MAX];
		struct gce_rule want = {.range = text, .description = description};
		int result;

		/* A rule has one family's ranges. One rule for each: a name says whose it is. */
		prefix_format(text, &range[i]);
		snprintf(want.name, sizeof(want.name), "cnibox-%s-pods%s", cluster,
			 range[i].ip.family == 6 ? "6" : "");
		snprintf(description, sizeof(description), "cnibox cluster=%s", cluster);
		want.network = strchr(network, '/')
				       ? network
				       : arena_format(e, "global/networks/%s", network);
		result = want.network ? ensure_rule(g, w, &want, e) : -1;
		if (result < 0)
			return -1;
		status |= result;
	}
	return status;
}
