/*
 * What a runtime asks for beyond the configuration: addresses and a MAC address for one interface.
 * `podman run --ip` does, and `podman network reload`, which wants a container's own again.
 *
 * Problems in the configuration are reported through the struct err that rq->conf was opened with,
 * so the e of these functions must be that one.
 */
#ifndef CNI_WANTED_H
#define CNI_WANTED_H

#include <stdint.h>

#include "base/err.h"
#include "cni/request.h"
#include "net/names.h"

struct cni_wanted_ips {
	struct ip *ip; /* in the arena */
	unsigned count;
};

/*
 * The addresses, without duplicates: CNI_ARGS "IP", then args.cni.ips, then runtimeConfig.ips, each
 * "ADDRESS" or "ADDRESS/LENGTH", of which the length means nothing.
 *
 * known  as for cni_args_get
 */
int cni_wanted_ips(struct cni_wanted_ips *w, const struct cni_request *rq, const char *const *known,
		   struct err *e) must_check;

/*
 * The MAC address: the last that is there of CNI_ARGS "MAC", args.cni.mac, runtimeConfig.mac.
 * Gives 1, 0 when none is asked for, or -1 with e set (ERR_ENV, ERR_CONFIG).
 */
int cni_wanted_mac(uint8_t mac[static MAC_BYTES], const struct cni_request *rq,
		   const char *const *known, struct err *e) must_check;

#endif
