/*
 * The bridge plugin's configuration, and what its verbs have in common. Keys, defaults and words
 * are the reference plugin's (release 1.9.1).
 */
#ifndef PLUGINS_BRIDGE_H
#define PLUGINS_BRIDGE_H

#include "cni/plugin.h"
#include "cni/pod.h"
#include "cni/pod_options.h"
#include "cni/request.h"
#include "cni/result.h"

struct bridge_conf {
	const char *bridge;
	bool is_gateway, is_default_gateway, force_address;
	bool masquerade;
	bool hairpin, promiscuous, isolated;
	bool check_mac; /* macspoofchk */
	bool detect_duplicates;
	bool leave_down; /* disableContainerInterface */
	bool addresses;	 /* there is an IPAM plugin: layer 3 */
	uint32_t mtu;	 /* 0: the kernel's */

	unsigned vlan;	       /* 0: none */
	bool use_vlans;	       /* vlan or vlanTrunk are given */
	bool keep_vlans;       /* preserveDefaultVlan */
	struct vlan_set vlans; /* of the pod's port */

	uint8_t mac[MAC_BYTES];
	bool mac_asked;
};

/*
 * Read and check it, for rq's verb. Gives 0, or -1 with e (which rq->conf was opened with) set:
 * ERR_CONFIG, ERR_ENV.
 */
int bridge_conf_read(struct bridge_conf *c, const struct cni_request *rq, struct err *e) must_check;

/* Only what DEL and GC need, without judging the rest. */
int bridge_conf_read_for_removal(struct bridge_conf *c, const struct cni_request *rq,
				 struct err *e) must_check;

/* What an ADD has made, for taking it back. */
struct bridge_made {
	bool bridge;
	unsigned gateways; /* bit i: the gateway of address i */
	int gateway_link;  /* index of the link that they are on */
};

/*
 * Fill in the gateways of rs and default routes by them, as isGateway and isDefaultGateway want.
 */
int bridge_complete_result(const struct bridge_conf *c, struct cni_result *rs,
			   struct err *e) must_check;

/*
 * Have the host take no router advertisement of pods from a link. Looking at the link has told whether
 * it does: that is cheap, and the setting's file is not.
 */
void bridge_refuse_advertisements(const struct link *link);

/*
 * Put the gateways of rs on the bridge; with a VLAN, on a link into that VLAN, which is made where it
 * is missing.
 *
 * vlan_link  filled in with it; index 0: there is none
 */
int bridge_add_gateways(const struct bridge_conf *c, struct pod *p, const struct link *bridge,
			const struct cni_result *rs, struct link *vlan_link,
			struct bridge_made *made, struct err *e) must_check;
void bridge_remove_gateways(struct pod *p, const struct cni_result *rs,
			    const struct bridge_made *made);

/* Name of the link into a VLAN: "BRIDGE.VLAN". */
const char *bridge_vlan_link_name(const struct bridge_conf *c, struct err *e) must_check;

/* Look the bridge up; a link of that name that is none is an error (ERR_STATE). */
int bridge_find(const struct bridge_conf *c, struct pod *p, struct link *bridge,
		struct err *e) must_check;

/* Where VLANs are wanted: does the bridge filter them? Else ERR_STATE. */
int bridge_demand_vlans(const struct bridge_conf *c, struct pod *p, const struct link *bridge,
			struct err *e) must_check;

/* The verbs. */
int bridge_check(const struct cni_request *rq, struct err *e);
int bridge_status(const struct cni_request *rq, struct err *e);
int bridge_gc(const struct cni_request *rq, struct err *e);

#endif
