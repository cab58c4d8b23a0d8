/*
 * ptp: a pod and its node are joined by a veth pair and nothing else; the node routes to the pod's
 * address. Drop-in for the reference plugin of that name.
 */
#include <string.h>

#include "applet.h"
#include "base/log.h"
#include "cni/plugin.h"
#include "cni/pod_options.h"
#include "cni/previous.h"
#include "ipam/ipam.h"
#include "net/address.h"
#include "net/route.h"
#include "net/sysctl.h"
#include "netfilter/masquerade.h"

#define MTU_MAX 65535

struct ptp_conf {
	bool masquerade;
	uint32_t mtu; /* 0: the kernel's default */
};

static int read_conf(struct ptp_conf *c, const struct cni_request *rq, struct err *e)
{
	c->mtu = json_u32(json_get(rq->conf, "mtu"), 0, MTU_MAX);
	return ip_masq_read(&c->masquerade, rq, e);
}

/* --- the host's side --------------------------------------------------------------------------- */

static struct prefix alone(const struct ip *ip)
{
	return (struct prefix){*ip, (uint8_t)(8 * ip_size(ip))};
}

static bool seen_before(const struct cni_result *rs, unsigned i)
{
	for (unsigned n = 0; n < i; n++)
		if (ip_equal(&rs->ips[n].gateway, &rs->ips[i].gateway))
			return true;
	return false;
}

/* The gateways are addresses of the host's end; the pod's are behind it. */
static int configure_host(struct pod *p, const struct link *host, const struct cni_result *rs,
			  struct err *e)
{
	struct nl_batch b;

	for (unsigned i = 0; i < rs->ip_count; i++)
		if (rs->ips[i].address.ip.family == 6 && sysctl_enable_ipv6(host->name, e))
			return -1;
	nl_batch_init(&b);
	for (unsigned i = 0; i < rs->ip_count; i++) {
		const struct cni_address *a = &rs->ips[i];
		struct prefix gateway = alone(&a->gateway);
		struct route_spec to_pod = {.dst = alone(&a->address.ip),
					    .scope = ROUTE_SCOPE_HOST};

		if (!seen_before(rs, i))
			put_address(&b, host->index, &gateway, false);
		put_route(&b, host->index, &to_pod);
	}
	return nl_apply(&p->host.route, &b, e);
}

static int check_host(struct pod *p, const struct link *host, const struct cni_result *prev,
		      struct err *e)
{
	for (unsigned i = 0; i < prev->ip_count; i++) {
		const struct cni_address *a = &prev->ips[i];
		struct prefix gateway = alone(&a->gateway);
		char text[IP_TEXT];
		struct route r;
		bool found;

		if (!a->gateway.family || !cni_previous_is_pods(prev, a, p->rq))
			continue;
		if (address_look(&p->host.route, host->index, &gateway, &found, e) ||
		    route_look(&p->host.route, &a->address.ip, &r, e))
			return -1;
		if (!found)
			return err_set(e, ERR_STATE, NULL,
				       "the pod's host end %s has no address %s", host->name,
				       ip_format(text, &a->gateway));
		if (!r.found || r.link != host->index)
			return err_set(e, ERR_STATE, NULL,
				       "the host's route to %s does not lead to %s",
				       ip_format(text, &a->address.ip), host->name);
	}
	return 0;
}

/* --- ADD --------------------------------------------------------------------------------------- */

/* There must be a gateway to each address: the first of its subnet, where none is named. */
static int complete_result(struct cni_result *rs, struct err *e)
{
	for (unsigned i = 0; i < rs->ip_count; i++) {
		struct cni_address *a = &rs->ips[i];
		char text[PREFIX_TEXT];

		a->interface = 1; /* behind the host end */
		if (a->gateway.family)
			continue;
		a->gateway = prefix_first(&a->address);
		if (!ip_add(&a->gateway, 1) || !prefix_contains(&a->address, &a->gateway) ||
		    ip_equal(&a->gateway, &a->address.ip))
			return err_set(e, ERR_CONFIG, "choose gateway",
				       "the IPAM plugin names none for %s",
				       prefix_format(text, &a->address));
	}
	return 0;
}

static int build(struct pod *p, const struct ptp_conf *c, struct cni_result *rs, struct err *e)
{
	struct pod_setup setup = {.by_gateway = true};
	struct pod_link pair = {.mtu = c->mtu};
	struct link host, in;

	names_ip_mac(pair.pod_mac, &rs->ips[0].address.ip);
	rs->dns_always = true;
	if (complete_result(rs, e) || dns_override(rs, p->rq, e) ||
	    pod_connect(p, &pair, true, NULL, e) ||
	    link_look(&p->host.route, p->host_name, &host, e) ||
	    link_look(&p->in, p->rq->ifname, &in, e))
		return -1;
	/* A pod must not be able to give the host a route. */
	sysctl_try("ipv6", p->host_name, "accept_ra", 0);
	if (pod_configure(p, rs, &setup, e) || configure_host(p, &host, rs, e) ||
	    (c->masquerade && ip_masq_add(p, rs, e)) || forwarding_enable(&p->host.route, rs, e) ||
	    pod_await_carrier(p, NULL, &host, e) || pod_result_link(rs, &host, "", e))
		return -1;
	return pod_result_link(rs, &in, p->rq->netns, e);
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	cleanup_pod struct pod p;
	struct err ignored = {0};
	struct ptp_conf c;

	pod_begin(&p, rq);
	if (read_conf(&c, rq, e) || node_sockets_open(&p.host, e) || pod_enter(&p, e) ||
	    pod_demand_room(&p, e) || ipam_add(rq, rs, e))
		return -1;
	if (build(&p, &c, rs, e) == 0)
		return 0;
	if (pod_disconnect(&p, NULL, ip_masq_del, &ignored))
		log_line("undo: %s", ignored.msg);
	ipam_undo(rq, e);
	return -1;
}

/* --- the other verbs ---------------------------------------------------------------------------- */

static int del(const struct cni_request *rq, struct err *e)
{
	cleanup_pod struct pod p;

	pod_begin(&p, rq);
	if (node_sockets_open(&p.host, e) || pod_disconnect(&p, NULL, ip_masq_del, e))
		return -1;
	/* Only now: an address must not be given away while a link has it. */
	return ipam_del(rq, e);
}

static int check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	cleanup_pod struct pod p;
	struct link in, host;
	struct ptp_conf c;

	pod_begin(&p, rq);
	if (read_conf(&c, rq, e) || node_sockets_open(&p.host, e) || pod_enter(&p, e) ||
	    ipam_check(rq, e) ||
	    cni_previous_demand(&prev, rq, "ptp: Required prevResult missing", e) ||
	    pod_check(&p, &prev, &in, &host, e))
		return -1;
	if (!in.up)
		return err_set(e, ERR_STATE, NULL, "%s is down in CNI_NETNS=%s", rq->ifname,
			       rq->netns);
	if (check_host(&p, &host, &prev, e))
		return -1;
	/* A pod that the reference plugin has connected is masqueraded elsewhere. */
	if (!c.masquerade || strcmp(host.name, p.host_name) != 0)
		return 0;
	return ip_masq_check(&p, &prev, e);
}

static int gc(const struct cni_request *rq, struct err *e)
{
	struct pod_owners valid;
	cleanup_pod struct pod p;

	pod_begin(&p, rq);
	if (pod_owners_read(&valid, rq, e) || node_sockets_open(&p.host, e) ||
	    pod_disconnect_others(&p, pod_keep_valid, &valid, e) || ip_masq_gc(&p, &valid, e))
		return -1;
	return ipam_gc(rq, e);
}

static int status(const struct cni_request *rq, struct err *e)
{
	struct ptp_conf c;

	return read_conf(&c, rq, e) || ipam_status(rq, e) ? -1 : 0;
}

static const struct cni_plugin plugin = {
	.name = "ptp",
	.executes = true,
	.add = add,
	.del = del,
	.check = check,
	.gc = gc,
	.status = status,
};

static const char help[] =
	"usage: ptp                 called by a container runtime, never by hand\n"
	"\n"
	"CNI plugin: joins a pod and its node by a veth pair. The node's end has the gateway's\n"
	"address, and a route to each of the pod's leads to it. No bridge: pods reach each\n"
	"other through the node's routing.\n"
	"\n"
	"keys:\n"
	"  ipam      {\"type\": \"host-local\", ...}; needed\n"
	"  ipMasq    masquerade what the pod sends out of its subnet; ipMasqBackend,\n"
	"            \"iptables\" or \"nftables\", is accepted and makes no difference\n"
	"  mtu       of the pod's link\n"
	"  dns       instead of what the IPAM plugin says\n"
	"\n"
	"example:\n"
	"  {\n"
	"    \"cniVersion\": \"1.0.0\",\n"
	"    \"name\": \"mynet\",\n"
	"    \"type\": \"ptp\",\n"
	"    \"ipMasq\": true,\n"
	"    \"ipam\": {\n"
	"      \"type\": \"host-local\",\n"
	"      \"subnet\": \"10.244.0.0/24\",\n"
	"      \"routes\": [{\"dst\": \"0.0.0.0/0\"}]\n"
	"    }\n"
	"  }\n";

const struct applet applet_ptp = {
	.name = "ptp",
	.summary = "CNI plugin: a pod behind a veth pair and a route",
	.help = help,
	.plugin = &plugin,
};
