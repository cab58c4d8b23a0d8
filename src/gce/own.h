/*
 * Which routes and rules are ours: those that say so in their description, for one cluster. Never
 * the description of Kubernetes' own route controller, which deletes what it does not know.
 */
#ifndef GCE_OWN_H
#define GCE_OWN_H

#include <stdbool.h>

#include "gce/route.h"

#define GCE_CLUSTER	    "kubernetes" /* where nobody says which */
#define GCE_CLUSTER_MAX	    40
#define GCE_DESCRIPTION_MAX 160

/* Can it be a cluster's name here: as a resource's, GCE_CLUSTER_MAX at most? */
bool gce_cluster_valid(const char *cluster);

/*
 * The name of the route for a range of a node: always the same, and another for every other
 * (cluster, zone, node, range). Two families of one node do not get in each other's way.
 */
void gce_own_name(char out[static GCE_NAME_MAX + 1], const char *cluster, const char *zone,
		  const char *instance, const char *range);

/* The description that makes it ours. */
void gce_own_description(char out[static GCE_DESCRIPTION_MAX], const char *cluster,
			 const char *instance);

/* Is this description one of ours, of this cluster? */
bool gce_own(const char *description, const char *cluster);

/* A filter for a list: those of ours, of this cluster. */
void gce_own_filter(char out[static GCE_DESCRIPTION_MAX], const char *cluster);

#endif
