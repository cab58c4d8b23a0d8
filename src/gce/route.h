/*
 * A route of a VPC network: packets for a range go to an instance.
 *
 * https://cloud.google.com/compute/docs/reference/rest/v1/routes. There is no way to change one:
 * it is deleted and made anew.
 */
#ifndef GCE_ROUTE_H
#define GCE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "gce/operation.h"
#include "gce/session.h"
#include "json/reader.h"

#define GCE_TAGS_MAX 64 /* network tags of a resource, as the API limits them */
#define GCE_NAME_MAX 63

/* Texts are borrowed, or in the arena. */
struct gce_route {
	const char *name;
	const char *network;	 /* a URL, or a part of it from "projects/" or "global/" on */
	const char *dest_range;	 /* canonical, in one that is to be made */
	const char *hop_kind;	 /* "nextHopInstance", "nextHopIp", ...; the member's name */
	const char *hop;	 /* a URL or part of it, or an address */
	const char *description; /* "" if there is none */
	const char *tags[GCE_TAGS_MAX];
	unsigned tag_count;
	uint32_t priority;
	const char *self_link; /* of one that was read */
	struct json warnings;  /* likewise */
};

/* Take a route from JSON. Gives 0, or -1 with e set. */
int gce_route_read(struct gce_route *r, struct json v, struct err *e) must_check;

/* Is it a name that the API takes: a lower-case letter, then letters, digits and hyphens, 63? */
bool gce_name_valid(const char *name);

/*
 * Does found do what want asks for: range, network, next hop, priority, tags? Gives NULL, or in
 * words what differs ("its next hop is ..., not ..."), in the arena. "" where the arena is full.
 */
const char *gce_route_difference(const struct gce_route *want, const struct gce_route *found,
				 const char *project);

/*
 * Ask for it to be made or deleted; o is then under way. Made and deleted it is when
 * gce_operation_wait says so. a->refusal tells why not, as gce_call has it.
 */
int gce_route_insert(struct gce *g, const struct gce_route *r, struct gce_operation *o,
		     struct gce_answer *a, struct err *e) must_check;
int gce_route_delete(struct gce *g, const char *name, struct gce_operation *o, struct gce_answer *a,
		     struct err *e) must_check;

/*
 * The same, with the wait. make gives 0 when it is there, 1 when the name is taken (nothing was
 * done), or -1 with e set. unmake gives 0 when it is gone, also when it was before.
 */
int gce_route_make(struct gce *g, const struct gce_route *r, struct gce_operation *o,
		   struct err *e) must_check;
int gce_route_unmake(struct gce *g, const char *name, struct err *e) must_check;

/* Read one. a->text holds its JSON, which r borrows. */
int gce_route_get(struct gce *g, const char *name, struct gce_route *r, struct gce_answer *a,
		  struct err *e) must_check;

/* The URL of the route of that name, as the API writes it, into out. */
void gce_route_link(char out[static GCE_LINK_MAX], const struct gce *g, const char *name);

#endif
