/*
 * The IPAM plugin that a configuration names (ipam.type), for plugins that give a pod addresses.
 *
 * Where CNI_PATH leads to this very program and the type is one that it has, that is called like
 * any function; every other is executed (cni/delegate.h). The errors are the IPAM plugin's own.
 *
 * e must be the struct err that rq->conf was opened with, not set yet.
 */
#ifndef IPAM_IPAM_H
#define IPAM_IPAM_H

#include "base/err.h"
#include "cni/request.h"
#include "cni/result.h"

/* Does the configuration name one? */
bool ipam_named(const struct cni_request *rq);

/*
 * Fill the empty rs with addresses, routes and DNS words.
 *
 * Gives 0, or -1 with e set; then there is nothing to undo. "IPAM plugin returned missing IP config"
 * where there is no address: that has been undone.
 */
int ipam_add(const struct cni_request *rq, struct cni_result *rs, struct err *e) must_check;

int ipam_del(const struct cni_request *rq, struct err *e) must_check;
int ipam_check(const struct cni_request *rq, struct err *e) must_check;
int ipam_gc(const struct cni_request *rq, struct err *e) must_check;
int ipam_status(const struct cni_request *rq, struct err *e) must_check;

/* An ADD has failed after ipam_add: give the addresses back. e, with why it failed, stays. */
void ipam_undo(const struct cni_request *rq, struct err *e);

#endif
