/*
 * portmap: ports of the host lead to ports of the pod. A chained plugin: the pod has its addresses
 * from the plugins before it.
 */
#include <stdio.h>

#include "applet.h"
#include "base/log.h"
#include "cni/plugin.h"
#include "cni/previous.h"
#include "net/address.h"
#include "net/hostport.h"
#include "net/link.h"
#include "net/netns.h"
#include "net/sysctl.h"
#include "plugins/portmap_conf.h"

static struct owner owner_of(const struct cni_request *rq)
{
	return (struct owner){rq->network, rq->container_id, rq->ifname};
}

static struct hostport_settings settings_of(const struct portmap_conf *c, const struct prefix *pod)
{
	const struct portmap_conditions *conditions = &c->conditions[pod->ip.family == 6];

	return (struct hostport_settings){
		.pod = *pod,
		.snat = c->snat,
		.masquerade_all = c->masquerade_all,
		.mark = c->mark,
		.conditions = conditions->item,
		.condition_count = conditions->count,
	};
}

/* The pod's first address of a family; family 0 if there is none. */
static struct prefix pod_address(const struct cni_result *prev, const struct cni_request *rq,
				 uint8_t family)
{
	for (unsigned i = 0; i < prev->ip_count; i++)
		if (prev->ips[i].address.ip.family == family &&
		    cni_previous_is_pods(prev, &prev->ips[i], rq))
			return prev->ips[i].address;
	return (struct prefix){.len = 0};
}

/* --- ADD --------------------------------------------------------------------------------------- */

/* A packet from 127.0.0.1 leaves by another link than lo only where that is allowed. */
static int allow_localhost(const struct ip *pod, struct err *e)
{
	cleanup_nl struct nl_sock route = {.fd = -1};
	struct route way;
	struct link link;
	char path[64], text[IP_TEXT];

	if (nl_open(&route, NL_ROUTE, e) || route_look(&route, pod, &way, e) ||
	    link_look_index(&route, way.link, &link, e))
		return -1;
	if (!link.index)
		return err_set(e, ERR_STATE, NULL,
			       "unable to enable route_localnet: no route leads to %s",
			       ip_format(text, pod));
	snprintf(path, sizeof(path), "net/ipv4/conf/%s/route_localnet", link.name);
	if (sysctl_number(path) == 1)
		return 0;
	if (sysctl_set(path, 1, e) == 0)
		return 0;
	err_prefix(e, "unable to enable route_localnet");
	return -1;
}

/* A flow that is known goes on as it did. That some could not be forgotten is no reason to fail. */
static void forget_flows(struct nl_sock *nf, uint8_t family, const struct conntrack_ports *udp)
{
	struct err e = {0};
	unsigned forgotten;

	if (conntrack_forget_udp(nf, family, udp, &forgotten, &e))
		log_line("%s", e.msg);
}

static int add_family(struct nl_sock *nf, const struct portmap_conf *c,
		      const struct cni_request *rq, const struct prefix *pod, struct err *e)
{
	static struct conntrack_ports udp;
	struct hostport_settings set = settings_of(c, pod);
	struct owner owner = owner_of(rq);
	unsigned family = pod->ip.family == 6;

	if (!pod->ip.family || c->count[family] == 0)
		return 0;
	if (hostport_add(nf, &owner, &set, c->list[family], c->count[family], e))
		return -1;
	portmap_conf_udp(&udp, rq, e);
	forget_flows(nf, pod->ip.family, &udp);
	return !family && c->snat ? allow_localhost(&pod->ip, e) : 0;
}

static int remove_all(struct nl_sock *nf, const struct owner_choice *which,
		      struct conntrack_ports *udp, struct err *e)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		if (hostport_remove(nf, family, which, udp, e))
			return -1;
		forget_flows(nf, family, udp);
	}
	return 0;
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct portmap_conf conf;
	int there = cni_previous_read(rs, rq, e);

	if (there < 0 || portmap_conf_read(&conf, rq, e)) {
		err_prefix(e, "failed to parse config");
		return -1;
	}
	if (!there)
		return err_set(e, ERR_CONFIG, NULL, "must be called as chained plugin");
	if (conf.count[0] + conf.count[1] == 0)
		return 0;
	if (nl_open(&nf, NL_NETFILTER, e))
		return -1;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct prefix pod = pod_address(rs, rq, family);

		if (add_family(&nf, &conf, rq, &pod, e)) {
			static struct conntrack_ports udp;
			struct owner owner = owner_of(rq);
			struct owner_tag tag = owner_tag(&owner);
			struct owner_choice own = owner_only(&tag);

			if (remove_all(&nf, &own, &udp, &(struct err){0}))
				log_line("undo: not all of it");
			return -1;
		}
	}
	return 0;
}

/* --- the other verbs --------------------------------------------------------------------------- */

static int del(const struct cni_request *rq, struct err *e)
{
	static struct conntrack_ports udp;
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct owner owner = owner_of(rq);
	struct owner_tag tag = owner_tag(&owner);
	struct owner_choice own = owner_only(&tag);

	portmap_conf_udp(&udp, rq, e);
	if (nl_open(&nf, NL_NETFILTER, e))
		return -1;
	return remove_all(&nf, &own, &udp, e);
}

static int check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct owner owner = owner_of(rq);
	struct portmap_conf conf;

	if (portmap_conf_read(&conf, rq, e) ||
	    cni_previous_demand(&prev, rq, "Required prevResult missing", e))
		return -1;
	if (conf.count[0] + conf.count[1] == 0)
		return 0;
	if (nl_open(&nf, NL_NETFILTER, e))
		return -1;
	for (unsigned family = 0; family < 2; family++) {
		struct prefix pod = pod_address(&prev, rq, family ? 6 : 4);
		struct hostport_settings set = settings_of(&conf, &pod);

		if (pod.ip.family && conf.count[family] &&
		    hostport_check(&nf, &owner, &set, conf.list[family], conf.count[family], e))
			return -1;
	}
	return 0;
}

static const struct cni_plugin plugin = {
	.name = "portmap",
	.add = add,
	.del = del,
	.check = check,
};

const struct applet applet_portmap = {
	.name = "portmap",
	.summary = "CNI plugin: ports of the host lead to the pod",
	.help = "",
	.plugin = &plugin,
};
