/*
 * portmap's configuration: settings of the network, and the mappings that the runtime asks for.
 */
#ifndef PLUGINS_PORTMAP_CONF_H
#define PLUGINS_PORTMAP_CONF_H

#include "cni/request.h"
#include "netfilter/hostport.h"

#define PORTMAP_CONDITIONS_MAX 8

struct portmap_conditions {
	struct hostport_condition item[PORTMAP_CONDITIONS_MAX];
	unsigned count;
};

struct portmap_conf {
	bool snat, masquerade_all;
	uint32_t mark;
	struct portmap_conditions conditions[2]; /* IPv4, IPv6 */
	struct hostport *list[2];		 /* the mappings for either family; in the arena */
	unsigned count[2];
};

/* Read and check all of it. Gives 0, or -1 with e set (ERR_CONFIG). */
int portmap_conf_read(struct portmap_conf *c, const struct cni_request *rq,
		      struct err *e) must_check;

/*
 * The UDP ports that the runtime names, for a DEL, which must not fail for what it cannot read: that
 * is passed over, and e is left as it was.
 */
void portmap_conf_udp(struct conntrack_ports *udp, const struct cni_request *rq, struct err *e);

/*
 * Conditions as iptables or nft take them: a list of words of either, which a string may hold
 * several of. Source, destination and incoming interface are understood.
 *
 * iptables  whether they are in iptables' words: the first begins with '-' or '!'
 */
int portmap_conditions_read(struct portmap_conditions *c, struct json list, uint8_t family,
			    bool *iptables, struct err *e) must_check;

#endif
