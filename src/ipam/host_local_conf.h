/*
 * The configuration of the host-local IPAM plugin: its own keys and every way in which a runtime
 * adds to them, read in the reference plugin's order and with its words (release 1.9.1).
 *
 * Problems are reported through the struct err that rq->conf was opened with, so the e of these
 * functions must be that one.
 */
#ifndef IPAM_HOST_LOCAL_CONF_H
#define IPAM_HOST_LOCAL_CONF_H

#include "base/err.h"
#include "cni/request.h"
#include "cni/result.h"
#include "cni/wanted.h"
#include "ipam/range.h"

/* An address is given from each range set, and a result holds so many. */
#define HOST_LOCAL_SETS_MAX CNI_IPS_MAX

struct host_local_conf {
	const char *data_dir;
	const char *resolv_conf; /* path; "" : none */

	/* runtimeConfig.ipRanges, then the keys of old (ipam.subnet ...), then ipam.ranges. */
	struct range_set set[HOST_LOCAL_SETS_MAX];
	unsigned set_count;

	struct cni_wanted_ips requested;

	struct json routes;
};

/*
 * Read all of it: for ADD and CHECK, which cannot do without ranges.
 * Gives 0, or -1 with e set (ERR_CONFIG, ERR_ENV, ERR_FIELD).
 */
int host_local_conf_read(struct host_local_conf *conf, const struct cni_request *rq,
			 struct err *e) must_check;

/*
 * The same for STATUS: no ranges are fine where capabilities.ipRanges says that the runtime will
 * bring them with ADD.
 */
int host_local_conf_read_status(struct host_local_conf *conf, const struct cni_request *rq,
				struct err *e) must_check;

/*
 * Read only where the leases are, all that DEL and GC need: they must work for a runtime that does
 * not repeat ipRanges, and after the ranges were changed.
 */
int host_local_conf_read_store(struct host_local_conf *conf, const struct cni_request *rq,
			       struct err *e) must_check;

#endif
