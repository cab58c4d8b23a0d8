/*
 * What plugins that connect a pod have in common: keys (ipMasq, ipMasqBackend, dns), entries of the
 * result, forwarding.
 * e must be the struct err that rq->conf was opened with.
 */
#ifndef CNI_POD_OPTIONS_H
#define CNI_POD_OPTIONS_H

#include "cni/pod.h"

/* ipMasq. Whichever ipMasqBackend is named, the effect is the same, by the same means. */
int ip_masq_read(bool *masquerade, const struct cni_request *rq, struct err *e) must_check;

/* Masquerade for the addresses of rs that are the pod's. */
int ip_masq_add(struct pod *p, const struct cni_result *rs, struct err *e) must_check;
int ip_masq_check(struct pod *p, const struct cni_result *prev, struct err *e) must_check;
/* Stop it: also what the reference plugin has done for this pod, before an upgrade. */
int ip_masq_del(struct pod *p, struct err *e) must_check;
/* GC's part, the reference plugin's rules among it: what no valid attachment of the network has. */
int ip_masq_gc(struct pod *p, struct pod_owners *valid, struct err *e) must_check;

/* The configuration's own "dns" is given instead of the IPAM plugin's, if there is anything in it. */
int dns_override(struct cni_result *rs, const struct cni_request *rq, struct err *e) must_check;

/* Append an entry for a link to the result. sandbox: borrowed; "" on the host. */
int pod_result_link(struct cni_result *rs, const struct link *link, const char *sandbox,
		    struct err *e) must_check;

/* Forward packets of the families that rs has gateways of. */
int forwarding_enable(struct nl_sock *route, const struct cni_result *rs, struct err *e) must_check;

#endif
