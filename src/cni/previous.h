/*
 * The result of the plugins before this one in a chain: prevResult. A chained plugin reads it,
 * changes it or not, and gives it as its own.
 *
 * Problems are reported through the struct err that rq->conf was opened with, so the e of these
 * functions must be that one.
 */
#ifndef CNI_PREVIOUS_H
#define CNI_PREVIOUS_H

#include "cni/request.h"
#include "cni/result.h"

/*
 * Read it into rs (zeroed where there is none).
 *
 * Gives 1, 0 when there is none, or -1 with e set: "could not parse prevResult: ...".
 */
int cni_previous_read(struct cni_result *rs, const struct cni_request *rq,
		      struct err *e) must_check;

/*
 * The same for a verb that cannot do without. Gives 0, or -1 with e set (ERR_CONFIG).
 *
 * missing  what to say where there is none: the reference plugins have four sentences for it
 */
int cni_previous_demand(struct cni_result *rs, const struct cni_request *rq, const char *missing,
			struct err *e) must_check;

/* The entry of the pod's own interface: CNI_IFNAME, in a sandbox. NULL: there is none. */
const struct cni_interface *cni_previous_pod(const struct cni_result *rs,
					     const struct cni_request *rq);

/*
 * Is a an address of the pod's interface CNI_IFNAME, as far as the result says? One without an
 * index counts as such.
 */
bool cni_previous_is_pods(const struct cni_result *rs, const struct cni_address *a,
			  const struct cni_request *rq);

#endif
