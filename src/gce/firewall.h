/*
 * Firewall rules of a VPC network: do they let packets of a range in?
 *
 * https://cloud.google.com/firewall/docs/firewalls: the rule with the lowest priority number that
 * matches decides, deny before allow where two have the same; what no rule matches is denied.
 */
#ifndef GCE_FIREWALL_H
#define GCE_FIREWALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "gce/operation.h"
#include "gce/place.h"
#include "gce/session.h"
#include "json/reader.h"

/* What pods speak: each is looked at by itself. */
enum gce_protocol {
	GCE_TCP,
	GCE_UDP,
	GCE_ICMP,
	GCE_PROTOCOLS,
};

#define GCE_NO_RULE UINT32_MAX

/* How packets from a range fare at an instance. Begin with gce_opening_begin. */
struct gce_opening {
	struct prefix source;
	const char *network;		     /* path */
	const struct gce_instance *instance; /* whose tags rules may ask for */
	/* Priorities of the strongest rule that allows all of it, and that denies some; or none. */
	uint32_t allow[GCE_PROTOCOLS], deny[GCE_PROTOCOLS];
	char denied_by[GCE_NAME_MAX + 1];
};

void gce_opening_begin(struct gce_opening *o, const struct prefix *source, const char *network,
		       const struct gce_instance *instance);

/* Take another rule of the list into account. */
void gce_opening_weigh(struct gce_opening *o, struct json rule);

/*
 * The protocols that do not get in ("tcp, udp"), or "" if all do.
 */
void gce_opening_closed(const struct gce_opening *o, char out[static 32]);

/* A rule of ours: lets everything in from one range. */
struct gce_rule {
	char name[GCE_NAME_MAX + 1];
	const char *network; /* path, or a part of it from "global/" on */
	const char *range;   /* canonical */
	const char *description;
};

/* Does the rule that was found do just that? Gives NULL, or what differs, in words. */
const char *gce_rule_difference(const struct gce_rule *want, struct json found,
				const char *project);

/* Read one. Gives 1 with its JSON in a; 0 if there is none; or -1 with e set. */
int gce_rule_get(struct gce *g, const char *name, struct gce_answer *a, struct err *e) must_check;

/*
 * Have it made, or one of that name changed to it, and wait for that. Gives 0, or -1 with e set;
 * *status is the API's, where it refused.
 */
int gce_rule_put(struct gce *g, const struct gce_rule *r, bool exists, unsigned *status,
		 struct err *e) must_check;

#endif
