/*
 * What the verbs of bash-cni have in common.
 */
#ifndef PLUGINS_BASH_CNI_H
#define PLUGINS_BASH_CNI_H

#include "cni/bash_conf.h"
#include "cni/plugin.h"
#include "cni/pod.h"
#include "ipam/store.h"

/* Everything that a verb works with: what is asked, what is configured, where it happens. */
struct job {
	struct pod pod;
	struct bash_conf conf;
	struct lease_owner owner;
	struct ip ip[POD_FAMILIES];
	const struct ip *asked[POD_FAMILIES]; /* by the runtime, for an ADD; NULL: any */
	uint8_t mac[MAC_BYTES];		      /* of the pod's end */
	bool mac_asked;
};

/* Fill in what the request alone says; nothing is opened. */
void job_begin(struct job *j, const struct cni_request *rq);
void job_end(struct job *j);
#define cleanup_job on_scope_exit(job_end)

/* Is that family (0: IPv4, 1: IPv6) configured? */
bool job_uses(const struct job *j, unsigned family);

/* The pool of a family: never the network or broadcast address, never the gateway. */
int job_pool(const struct job *j, unsigned family, struct ip_range *range,
	     struct err *e) must_check;

/* "manual", the walkthrough's division of labour: the bridge must have been made beforehand. */
int job_demand_bridge(const struct job *j, const struct node_state *node, struct err *e) must_check;

/* The verbs. */
int bash_cni_check(const struct cni_request *rq, struct err *e);
int bash_cni_status(const struct cni_request *rq, struct err *e);
int bash_cni_gc(const struct cni_request *rq, struct err *e);

#endif
