/*
 * What the verbs of gce-routes have in common: the words of its command line, and its output.
 */
#ifndef COMMANDS_GCE_ROUTES_H
#define COMMANDS_GCE_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "gce/route.h"
#include "gce/session.h"
#include "json/reader.h"

#define GCE_NAMES_MAX 256 /* routes that one command line names */
#define GCE_CIDRS_MAX 8	  /* ranges of pods of a node; Kubernetes has one per family */

/* The command line. */
struct gce_words {
	const char *program; /* "gce-routes" or "gcloud", for what is said on standard error */
	struct gce_options session;
	const char *name[GCE_NAMES_MAX];
	unsigned names;
	/* create */
	const char *range, *network, *instance, *zone, *address, *tags, *description;
	uint32_t priority;
	bool priority_given, replace;
	/* delete, list, describe */
	bool quiet;
	const char *filter, *format;
	/* ensure, firewall, prune */
	const char *cluster, *conf;
	const char *cidr[GCE_CIDRS_MAX];
	unsigned cidrs;
	uint32_t watch; /* seconds; 0: once */
	bool dry_run, check;
};

/* The verbs. Give the exit status, or -1 with e set, as an applet's run does. */
int gce_routes_create(struct gce *g, const struct gce_words *w, struct err *e);
int gce_routes_create_check(const struct gce_words *w, struct err *e);
int gce_routes_delete(struct gce *g, const struct gce_words *w, struct err *e);
int gce_routes_list(struct gce *g, const struct gce_words *w, struct err *e);
int gce_routes_describe(struct gce *g, const struct gce_words *w, struct err *e);

/*
 * Those that are not gcloud's. ensure is a round of it; what does not change it looks at in the
 * first one only.
 */
int gce_routes_ensure(struct gce *g, const struct gce_words *w, bool first, struct err *e);
int gce_routes_watch(const struct gce_words *w, struct err *e);
int gce_routes_firewall(struct gce *g, const struct gce_words *w, struct err *e);
int gce_routes_prune(struct gce *g, const struct gce_words *w, struct err *e);

/*
 * The ranges of pods that the words name; else those of the CNI configuration, of this node or, for
 * whole, of all nodes. Gives their number, or -1 with e set.
 */
int gce_routes_ranges(const struct gce_words *w, bool whole,
		      struct prefix out[static GCE_CIDRS_MAX], struct err *e) must_check;

/* The words' cluster, or the default one; NULL with e set where it is no name. */
const char *gce_routes_cluster(const struct gce_words *w, struct err *e);

/* Say an error that is not the last word: in the form that main prints. Clears it. */
void gce_routes_complain(const struct gce_words *w, struct err *e);

#endif
