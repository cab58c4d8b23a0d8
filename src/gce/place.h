/*
 * What routes depend on: instances, networks, quotas of the project; and which of them this machine
 * is.
 */
#ifndef GCE_PLACE_H
#define GCE_PLACE_H

#include <stdbool.h>

#include "base/err.h"
#include "gce/route.h"
#include "gce/session.h"

#define GCE_PATH_MAX 320 /* "projects/P/zones/Z/instances/I" with names of 63 and a project */

/* This machine, by its metadata server. */
struct gce_here {
	char project[GCE_PROJECT_MAX]; /* its own, which g's need not be (shared VPC) */
	char zone[GCE_NAME_MAX + 1], instance[GCE_NAME_MAX + 1];
	char path[GCE_PATH_MAX];    /* of the instance */
	char network[GCE_PATH_MAX]; /* of its first interface's network, in g's project */
};

/* Gives 0, or -1 with e set: no metadata server, or a network of another project than g's. */
int gce_here(struct gce *g, struct gce_here *h, struct err *e) must_check;

struct gce_instance {
	bool can_ip_forward;
	char status[32]; /* RUNNING, ... */
	char tags[GCE_TAGS_MAX][GCE_NAME_MAX + 1];
	unsigned tag_count;
};

/*
 * Look at the instance of that path. Gives 1; 0 if there is none (404); or -1 with e set.
 */
int gce_instance_get(struct gce *g, const char *path, struct gce_instance *i,
		     struct err *e) must_check;

/*
 * Is it a network in auto mode, whose subnets Google makes itself, from 10.128.0.0/9? Gives 0, or -1
 * with e set.
 */
int gce_network_is_auto(struct gce *g, const char *network, bool *is_auto,
			struct err *e) must_check;

/*
 * Would so many more routes go beyond a quota of the project? Gives 0, or -1 with e set: they would
 * (ERR_STATE), or it cannot be read.
 */
int gce_quota_check(struct gce *g, unsigned more, struct err *e) must_check;

#endif
