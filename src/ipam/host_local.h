/*
 * The verbs of the host-local IPAM plugin: one address from each configured pool, by files alone.
 *
 * For the applet of that name, and for other plugins whose ipam.type is host-local: they call
 * these with their own request, of which host-local reads name, ipam, runtimeConfig, args,
 * prevResult and CNI_ARGS. e must be the struct err that rq->conf was opened with, not set yet.
 */
#ifndef IPAM_HOST_LOCAL_H
#define IPAM_HOST_LOCAL_H

#include "base/err.h"
#include "cni/request.h"
#include "cni/result.h"

/*
 * Append the addresses (no interface index), routes and DNS words to rs. All of the pools or
 * none: when it fails, the store is as it was before.
 *
 * Gives 0, or -1 with e set: ERR_TRY_AGAIN for a pool that is exhausted.
 */
int host_local_add(const struct cni_request *rq, struct cni_result *rs, struct err *e) must_check;

/* Release every address of the attachment; it needs no ranges. None is success. */
int host_local_del(const struct cni_request *rq, struct err *e) must_check;

/* Is there a lease, and is each address of prevResult that is from these pools among them? */
int host_local_check(const struct cni_request *rq, struct err *e) must_check;

/* Release what belongs to no attachment of cni.dev/valid-attachments. */
int host_local_gc(const struct cni_request *rq, struct err *e) must_check;

/* Is the configuration valid, and is there a free address in each pool? Else ERR_UNAVAILABLE. */
int host_local_status(const struct cni_request *rq, struct err *e) must_check;

#endif
