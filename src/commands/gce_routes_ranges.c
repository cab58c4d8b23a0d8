/*
 * Whose routes gce-routes looks after: ranges of pods and the cluster's name, by flags or by the
 * CNI configuration that the node has anyway.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cni/bash_conf.h"
#include "commands/gce_routes.h"
#include "gce/own.h"

#define CONF_FILE "/etc/cni/net.d/10-bash-cni-plugin.conf"

const char *gce_routes_cluster(const struct gce_words *w, struct err *e)
{
	const char *cluster = w->cluster ? w->cluster : GCE_CLUSTER;

	if (gce_cluster_valid(cluster))
		return cluster;
	err_set(e, ERR_USAGE, NULL,
		"--cluster is a name of lower-case letters, digits and hyphens, %d at most, not '%s'",
		GCE_CLUSTER_MAX, cluster);
	return NULL;
}

static int from_words(const struct gce_words *w, struct prefix out[static GCE_CIDRS_MAX],
		      struct err *e)
{
	for (unsigned i = 0; i < w->cidrs; i++) {
		struct prefix network;

		if (!prefix_parse(&out[i], w->cidr[i]))
			return err_set(e, ERR_USAGE, NULL, "'%s' is no range such as 10.244.0.0/24",
				       w->cidr[i]);
		network = prefix_network(&out[i]);
		if (!prefix_equal(&network, &out[i]))
			return err_set(e, ERR_USAGE, NULL, "%s has host bits set", w->cidr[i]);
	}
	return (int)w->cidrs;
}

int gce_routes_ranges(const struct gce_words *w, bool whole,
		      struct prefix out[static GCE_CIDRS_MAX], struct err *e)
{
	struct bash_conf conf;
	int n = 0;

	if (w->cidrs)
		return from_words(w, out, e);
	if (bash_conf_file(&conf, w->conf ? w->conf : CONF_FILE, e)) {
		if (e->sys == ENOENT)
			err_hint(e, "name the range of pods: --%s CIDR",
				 whole ? "source-range" : "pod-cidr");
		return -1;
	}
	for (unsigned i = 0; i < POD_FAMILIES; i++)
		if (conf.net.range[i].subnet.ip.family)
			out[n++] = whole ? conf.net.range[i].network : conf.net.range[i].subnet;
	return n;
}
