/*
 * portmap: ports of the host lead to ports of the pod. A chained plugin: the pod has its addresses
 * from the plugins before it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "applet.h"
#include "base/file.h"
#include "base/log.h"
#include "cni/gc.h"
#include "cni/previous.h"
#include "ipam/lease_file.h"
#include "ipam/store.h"
#include "net/address.h"
#include "net/link.h"
#include "net/netns.h"
#include "net/sysctl.h"
#include "netfilter/admission.h"
#include "netfilter/hostport.h"
#include "netfilter/nft.h"
#include "netfilter/reference_collect.h"
#include "netfilter/reference_portmap.h"
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

/* Where FORWARD drops, a port that nobody could reach would be none. */
static struct admission published(const struct prefix *pod)
{
	return (struct admission){
		.family = pod->ip.family,
		.admin_chain = ADMISSION_ADMIN_CHAIN,
		.addresses = &pod->ip,
		.count = 1,
		.published = true,
	};
}

static int publish(struct nl_sock *nf, const struct prefix *pod, const struct owner *owner,
		   struct err *e)
{
	struct owner_tag tag = owner_tag(owner);
	struct admission a = published(pod);

	return admission_publish(nf, &a, &tag, e);
}

/*
 * Another program's DEL takes away a pod's lease, and leaves the ports that we have mapped for it.
 * Where leases are in a place of their own, or not at all, nobody is called gone.
 */
static bool is_gone(const char *holder, const struct ip *pod)
{
	static const char container[] = " of container ", in[] = " in network ";
	const char *id = strstr(holder, container), *network = id ? strstr(id, in) : NULL;
	char path[sizeof(LEASE_DATA_DIR) + OWNER_TEXT], ip[IP_TEXT];
	cleanup_fd int dir = -1;
	struct lease_text lease;
	size_t n;

	if (!network || strlen(holder) >= OWNER_TEXT - 1 || strchr(network, '/'))
		return false; /* not ours, or cut */
	id += strlen(container);
	n = (size_t)(network - id);
	snprintf(path, sizeof(path), LEASE_DATA_DIR "/%s", network + strlen(in));
	dir = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	switch (lease_file_read(dir, ip_format(ip, pod), &lease)) {
	case LEASE_OWNED:
		return strncmp(lease.owner.container_id, id, n) != 0 || lease.owner.container_id[n];
	case LEASE_ALIEN:
		return false;
	case LEASE_LITTER:
	case LEASE_GONE:
		return true;
	}
	return false;
}

static int add_family(struct nl_sock *nf, const struct portmap_conf *c,
		      const struct cni_request *rq, const struct prefix *pod, struct err *e)
{
	static struct conntrack_ports udp;
	struct hostport_settings set = settings_of(c, pod);
	struct owner owner = owner_of(rq);
	unsigned family = pod->ip.family == 6;

	if (!pod->ip.family)
		return 0;
	if (hostport_add(nf, &owner, &set, c->list[family], c->count[family], is_gone, e))
		return -1;
	if (c->count[family] == 0)
		return 0;
	if (publish(nf, pod, &owner, e))
		return -1;
	portmap_conf_udp(&udp, rq, e);
	forget_flows(nf, pod->ip.family, &udp);
	return !family && c->snat ? allow_localhost(&pod->ip, e) : 0;
}

static int remove_all(struct nl_sock *nf, const struct owner_choice *which,
		      struct conntrack_ports *udp, struct err *e)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct admission a = {.family = family, .published = true};

		if (hostport_remove(nf, family, which, udp, e) ||
		    admission_remove(nf, &a, which, e))
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
	if (nft_open(&nf, e))
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
	if (nft_open(&nf, e))
		return -1;
	for (uint8_t family = 4; family <= 6; family += 2)
		if (reference_portmap_remove(&nf, family, rq->network, rq->container_id, e))
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
	if (nft_open(&nf, e))
		return -1;
	for (unsigned family = 0; family < 2; family++) {
		struct prefix pod = pod_address(&prev, rq, family ? 6 : 4);
		struct hostport_settings set = settings_of(&conf, &pod);
		struct admission a = published(&pod);

		if (!pod.ip.family || conf.count[family] == 0)
			continue;
		if (hostport_check(&nf, &owner, &set, conf.list[family], conf.count[family], e) ||
		    admission_check(&nf, &a, e))
			return -1;
	}
	return 0;
}

static int gc(const struct cni_request *rq, struct err *e)
{
	static struct conntrack_ports udp;
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct owner_choice stale;
	struct cni_gc g;

	if (cni_gc_begin(&g, rq, e) || nft_open(&nf, e))
		return -1;
	stale = cni_gc_choice(&g);
	for (uint8_t family = 4; family <= 6; family += 2)
		if (reference_collect(&nf, family, &reference_ports, rq->network,
				      cni_gc_keeps_container, &g, e))
			return -1;
	return remove_all(&nf, &stale, &udp, e);
}

/* In a namespace of its own: all that an ADD needs of the kernel. */
static int try_add(void *arg, struct err *e)
{
	static const struct prefix pods[] = {
		{.ip = {4, {192, 0, 2, 1}}, .len = 24},
		{.ip = {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, .len = 64},
	};
	const struct portmap_conf *conf = arg;
	const struct owner nobody = {"status", "status", "status"};
	const struct hostport port = {.proto = 6, .host = 80, .pod = 80};
	cleanup_nl struct nl_sock nf = {.fd = -1};

	if (nft_open(&nf, e))
		return -1;
	for (unsigned family = 0; family < 2; family++) {
		struct hostport_settings set = settings_of(conf, &pods[family]);

		if (family && access("/proc/net/if_inet6", F_OK))
			break; /* nobody has an address of that family here */
		if (hostport_add(&nf, &nobody, &set, &port, 1, NULL, e))
			return -1;
	}
	return 0;
}

static int status(const struct cni_request *rq, struct err *e)
{
	struct portmap_conf conf;

	if (portmap_conf_read(&conf, rq, e))
		return -1;
	if (netns_try(try_add, &conf, e) == 0)
		return 0;
	e->code = ERR_UNAVAILABLE;
	return -1;
}

static const struct cni_plugin plugin = {
	.name = "portmap",
	.add = add,
	.del = del,
	.check = check,
	.gc = gc,
	.status = status,
};

const struct applet applet_portmap = {
	.name = "portmap",
	.summary = "CNI plugin: ports of the host lead to the pod",
	.help = "usage: portmap             called by a container runtime, never by hand\n"
		"\n"
		"CNI plugin, behind one that gives the pod its addresses: ports of the host lead to\n"
		"ports of the pod, from outside, from the host itself, also by 127.0.0.1, and from\n"
		"the pod. A mapping is an element of an nf_tables map: 5,000 cost a packet what one\n"
		"costs. A port that another container has is refused, and the error names it.\n"
		"\n"
		"Mappings come from the runtime, if \"capabilities\" says so:\n"
		"  runtimeConfig.portMappings  array of {\"hostPort\", \"containerPort\",\n"
		"                              \"protocol\": tcp, udp or sctp, \"hostIP\"}\n"
		"\n"
		"Keys:\n"
		"  snat          give what comes from the pod's own subnet, or from 127.0.0.1, the\n"
		"                host's address, so that replies come back; default true\n"
		"  masqAll       the same for whatever comes\n"
		"  markMasqBit   bit of the packet mark that is used for it, 0 to 31; default 13\n"
		"  conditionsV4  further conditions, in words of iptables or nft: sources,\n"
		"  conditionsV6  destinations and incoming interfaces\n"
		"  backend, externalSetMarkChain   accepted; the effect is the same\n"
		"\n"
		"'nft list table ip cnibox_hostport' shows what is mapped, and for whom. Where the\n"
		"kernel has legacy iptables only, 'iptables-legacy -t nat -S' does: a rule per port.\n"
		"\n"
		"Example:\n"
		"  {\"cniVersion\": \"1.0.0\", \"name\": \"mynet\", \"plugins\": [\n"
		"    {\"type\": \"bash-cni\", \"subnet\": \"10.244.0.0/24\"},\n"
		"    {\"type\": \"portmap\", \"capabilities\": {\"portMappings\": true}}]}\n",
	.plugin = &plugin,
};
