/*
 * bridge: a pod gets a veth pair into a Linux bridge, with addresses from an IPAM plugin or, without
 * one, as a plain cable. Drop-in for the reference plugin of that name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "applet.h"
#include "base/log.h"
#include "ipam/ipam.h"
#include "net/address.h"
#include "net/sysctl.h"
#include "netfilter/masquerade.h"
#include "netfilter/reference.h"
#include "netfilter/spoofcheck.h"
#include "plugins/bridge.h"

struct job {
	struct bridge_conf conf;
	struct pod pod;
	struct link bridge, host, in, vlan;
	struct bridge_made made;
};

/* --- the bridge -------------------------------------------------------------------------------- */

int bridge_find(const struct bridge_conf *c, struct pod *p, struct link *bridge, struct err *e)
{
	if (link_look(&p->host.route, c->bridge, bridge, e))
		return -1;
	if (!bridge->index || strcmp(bridge->kind, "bridge") == 0)
		return 0;
	err_set(e, ERR_STATE, NULL, "\"%s\" already exists but is not a bridge", c->bridge);
	err_hint(e, "it is of kind \"%s\": name another bridge, or remove that link", bridge->kind);
	return -1;
}

/*
 * The gateway's address makes the bridge's MAC; without one it is a random one. Either way it is
 * pinned, so that it does not change with the ports.
 */
static int choose_mac(uint8_t mac[static MAC_BYTES], const struct job *j,
		      const struct cni_result *rs, struct err *e)
{
	if (j->conf.is_gateway && rs->ip_count && !j->conf.vlan) {
		names_ip_mac(mac, &rs->ips[0].gateway);
		return 0;
	}
	if (getrandom(mac, MAC_BYTES, 0) != MAC_BYTES)
		return err_sys(e, ERR_IO, "choose MAC address", errno, "getrandom");
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2); /* of a single station, locally administered */
	return 0;
}

static int make_bridge(struct job *j, const struct cni_result *rs, struct err *e)
{
	const struct bridge_conf *c = &j->conf;
	struct bridge_spec spec = {.name = c->bridge,
				   .mtu = c->mtu,
				   .options = c->use_vlans ? put_vlan_filtering : NULL};

	if (choose_mac(spec.mac, j, rs, e))
		return -1;
	/* Whatever else it says: it may be there, without our hearing of it. */
	j->made.bridge = bridge_create(&j->pod.host.route, &spec, e) == 0 || e->sys != EEXIST;
	if (!j->made.bridge) {
		err_clear(e); /* another pod was faster */
	} else if (e->code) {
		if (e->sys == EOPNOTSUPP && c->use_vlans)
			err_prefix(e, "the kernel lacks CONFIG_BRIDGE_VLAN_FILTERING, or");
		err_prefix(e, "failed to create bridge \"%s\"", c->bridge);
		return -1;
	}
	if (bridge_find(c, &j->pod, &j->bridge, e))
		return -1;
	if (!j->bridge.index)
		return err_set(e, ERR_TRY_AGAIN, NULL, "could not lookup \"%s\": it vanished again",
			       c->bridge);
	return 0;
}

/* A pod whose packets would be in no VLAN is worse than none. */
int bridge_demand_vlans(const struct bridge_conf *c, struct pod *p, const struct link *bridge,
			struct err *e)
{
	bool filters = true;

	if (c->use_vlans && bridge_filters_vlans(&p->host.route, bridge->index, &filters, e))
		return -1;
	if (filters)
		return 0;
	err_set(e, ERR_STATE, NULL,
		"bridge \"%s\" does not filter VLANs, so \"vlan\" would do nothing", c->bridge);
	err_hint(e, "ip link set %s type bridge vlan_filtering 1; or name another bridge",
		 c->bridge);
	return -1;
}

static int ensure_bridge(struct job *j, const struct cni_result *rs, struct err *e)
{
	static const struct link_change promiscuous = {
		.promiscuous = 1, .allmulti = -1, .queue = -1};
	struct nl_sock *route = &j->pod.host.route;

	if ((!j->bridge.index && make_bridge(j, rs, e)) ||
	    bridge_demand_vlans(&j->conf, &j->pod, &j->bridge, e))
		return -1;
	if (j->conf.promiscuous && !link_is_promiscuous(&j->bridge) &&
	    link_change(route, j->bridge.index, &promiscuous, e))
		return -1;
	bridge_refuse_advertisements(&j->bridge);
	return j->bridge.up ? 0 : link_raise(route, j->bridge.index, e);
}

/* --- the pod's link ---------------------------------------------------------------------------- */

/* The kernel is asked only for what it has chosen itself. */
static int look_at_pod_end(struct job *j, const struct pod_link *link, struct err *e)
{
	if (!j->conf.addresses || names_is_no_mac(link->pod_mac))
		return link_look(&j->pod.in, j->pod.rq->ifname, &j->in, e);
	memcpy(j->in.mac, link->pod_mac, MAC_BYTES);
	snprintf(j->in.name, sizeof(j->in.name), "%s", j->pod.rq->ifname);
	return 0;
}

static int look_at_port(struct job *j, struct err *e)
{
	return link_look(&j->pod.host.route, j->pod.host_name, &j->host, e);
}

static int set_vlans(struct job *j, struct err *e)
{
	const struct bridge_conf *c = &j->conf;

	if (look_at_port(j, e))
		return -1;
	if (bridge_port_set_vlans(&j->pod.host.route, j->host.index, &c->vlans, c->keep_vlans, e) ==
	    0)
		return 0;
	err_prefix(e, "failed to setup vlan tag on interface \"%s\"", j->pod.host_name);
	return -1;
}

static int connect(struct job *j, const struct cni_result *rs, struct err *e)
{
	const struct bridge_conf *c = &j->conf;
	struct bridge_port port = {.hairpin = c->hairpin, .isolated = c->isolated};
	struct pod_link link = {.bridge = j->bridge.index, .mtu = c->mtu};

	if (c->mac_asked)
		memcpy(link.pod_mac, c->mac, MAC_BYTES);
	else if (rs->ip_count)
		names_ip_mac(link.pod_mac, &rs->ips[0].address.ip);
	if (pod_connect(&j->pod, &link, true, &port, e) || look_at_pod_end(j, &link, e))
		return -1;
	sysctl_try("ipv6", j->pod.host_name, "accept_ra", 0);
	if (c->use_vlans && set_vlans(j, e))
		return -1;
	if (!c->check_mac)
		return 0;
	return spoofcheck_add(&j->pod.host.netfilter, j->pod.rq->network, j->pod.owner,
			      j->pod.host_name, j->in.mac, e);
}

static int configure(struct job *j, const struct cni_result *rs, struct err *e)
{
	struct pod_setup setup = {.shared = true, .detect_duplicates = j->conf.detect_duplicates};

	if (j->conf.leave_down)
		return look_at_port(j, e);
	if (j->conf.addresses ? pod_configure(&j->pod, rs, &setup, e)
			      : link_raise(&j->pod.in, j->in.index, e))
		return -1;
	return pod_await_carrier(&j->pod, j->conf.bridge, &j->host, e);
}

/* --- ADD --------------------------------------------------------------------------------------- */

static int describe(struct job *j, struct cni_result *rs, struct err *e)
{
	rs->dns_always = true;
	j->in.mtu = j->host.mtu; /* as both ends are made */
	/* A bridge whose MAC address nobody has pinned has taken another one with the port. */
	if (link_refresh_mac(&j->pod.host.route, &j->bridge, e) ||
	    pod_result_link(rs, &j->bridge, "", e) || pod_result_link(rs, &j->host, "", e) ||
	    pod_result_link(rs, &j->in, j->pod.rq->netns, e))
		return -1;
	return j->vlan.index ? pod_result_link(rs, &j->vlan, "", e) : 0;
}

/* A gateway's MAC address must not change when a port comes or goes. */
static int pin_mac(struct job *j, struct err *e)
{
	static const uint8_t none[MAC_BYTES];
	struct link_change same = LINK_UNCHANGED;

	if (j->made.bridge || !j->made.gateways || j->vlan.index)
		return 0;
	/* With its last port it had lost the one it had, and now has the new port's. */
	if (memcmp(j->bridge.mac, none, MAC_BYTES) == 0 &&
	    link_refresh_mac(&j->pod.host.route, &j->bridge, e))
		return -1;
	same.mac = j->bridge.mac;
	return link_change(&j->pod.host.route, j->bridge.index, &same, e);
}

static int build(struct job *j, const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	/* First the port, then the gateway, which a failed ADD takes away from a bridge without ports. */
	if (bridge_complete_result(&j->conf, rs, e) || dns_override(rs, rq, e) ||
	    ensure_bridge(j, rs, e) || connect(j, rs, e) ||
	    bridge_add_gateways(&j->conf, &j->pod, &j->bridge, rs, &j->vlan, &j->made, e) ||
	    pin_mac(j, e) || configure(j, rs, e))
		return -1;
	if (j->conf.masquerade && ip_masq_add(&j->pod, rs, e))
		return -1;
	if (j->conf.is_gateway && forwarding_enable(&j->pod.host.route, rs, e))
		return -1;
	return describe(j, rs, e);
}

static int remove_rules(struct pod *p, struct err *e)
{
	if (ip_masq_del(p, e) ||
	    spoofcheck_sweep(&p->host.netfilter, p->rq->network, nft_keep_others, p->owner, e))
		return -1;
	return reference_spoofcheck_remove(&p->host.netfilter, p->rq->container_id, p->rq->ifname,
					   e);
}

/*
 * Take back what a failed ADD has made. A bridge that another pod has joined meanwhile stays, with its
 * gateway.
 */
static void take_back(struct job *j, const struct cni_result *rs)
{
	struct err ignored = {0};
	struct nl_sock *route = &j->pod.host.route;
	char names[LINK_NAME];
	unsigned ports = 0;
	int bridge;

	if (pod_disconnect(&j->pod, NULL, remove_rules, &ignored))
		log_line("undo: %s", ignored.msg);
	err_clear(&ignored);
	if (link_index(route, j->conf.bridge, &bridge, &ignored) ||
	    link_ports(route, bridge, names, sizeof(names), &ports, &ignored) ||
	    (ports == 0 && j->made.bridge && link_remove_quickly(route, NULL, bridge, &ignored)))
		log_line("undo: %s", ignored.msg);
	else if (ports == 0 && !j->made.bridge)
		bridge_remove_gateways(&j->pod, rs, &j->made);
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	static struct job j;
	int result;

	pod_begin(&j.pod, rq);
	if (bridge_conf_read(&j.conf, rq, e) || node_sockets_open(&j.pod.host, e) ||
	    pod_enter(&j.pod, e) || pod_demand_room(&j.pod, e) ||
	    bridge_find(&j.conf, &j.pod, &j.bridge, e) ||
	    (j.conf.addresses && ipam_add(rq, rs, e))) {
		pod_end(&j.pod);
		return -1;
	}
	result = build(&j, rq, rs, e);
	if (result) {
		take_back(&j, rs);
		if (j.conf.addresses)
			ipam_undo(rq, e);
	}
	pod_end(&j.pod);
	return result;
}

/* --- DEL --------------------------------------------------------------------------------------- */

static int del(const struct cni_request *rq, struct err *e)
{
	cleanup_pod struct pod p;
	struct bridge_conf conf;

	pod_begin(&p, rq);
	if (bridge_conf_read_for_removal(&conf, rq, e) || node_sockets_open(&p.host, e) ||
	    pod_disconnect(&p, NULL, remove_rules, e))
		return -1;
	/* Only now: an address must not be given away while a link has it. */
	return conf.addresses ? ipam_del(rq, e) : 0;
}

static const struct cni_plugin plugin = {
	.name = "bridge",
	.executes = true,
	.add = add,
	.del = del,
	.check = bridge_check,
	.gc = bridge_gc,
	.status = bridge_status,
};

static const char help[] =
	"usage: bridge              called by a container runtime, never by hand\n"
	"\n"
	"CNI plugin: connects a pod to a Linux bridge, which it makes when it is missing, and\n"
	"gives it what the IPAM plugin says; without one, it is a plain cable.\n"
	"\n"
	"keys:\n"
	"  bridge             its name, cni0\n"
	"  ipam               {\"type\": \"host-local\", ...}\n"
	"  isGateway          put the gateway's addresses on the bridge, forward packets\n"
	"  isDefaultGateway   and give pods a default route by it\n"
	"  forceAddress       replace other addresses of the bridge\n"
	"  ipMasq             masquerade what pods send out of their subnet; ipMasqBackend,\n"
	"                     \"iptables\" or \"nftables\", is accepted and makes no difference\n"
	"  mtu                of the pod's link, and of the bridge if it is made\n"
	"  hairpinMode        packets may go back to where they came from\n"
	"  promiscMode        the bridge takes packets of any MAC address\n"
	"  vlan               pods are in that VLAN, 1 to 4094, untagged\n"
	"  vlanTrunk          array of {\"minID\": N, \"maxID\": N} and {\"id\": N}: tagged ones\n"
	"  preserveDefaultVlan  beside those, keep the bridge's default VLAN\n"
	"  macspoofchk        drop what a pod sends from another MAC address than its own\n"
	"  portIsolation      pods of isolated ports cannot reach each other\n"
	"  disableContainerInterface  leave the pod's interface down; not with ipam\n"
	"  enabledad          test IPv6 addresses for duplicates before they are used\n"
	"  dns                instead of what the IPAM plugin says\n"
	"also read: a MAC address for the pod in runtimeConfig.mac, args.cni.mac, CNI_ARGS MAC=\n"
	"\n"
	"example:\n"
	"  {\n"
	"    \"cniVersion\": \"1.0.0\",\n"
	"    \"name\": \"mynet\",\n"
	"    \"type\": \"bridge\",\n"
	"    \"isDefaultGateway\": true,\n"
	"    \"ipMasq\": true,\n"
	"    \"ipam\": {\"type\": \"host-local\", \"subnet\": \"10.244.0.0/24\"}\n"
	"  }\n";

const struct applet applet_bridge = {
	.name = "bridge",
	.summary = "CNI plugin: a pod on a Linux bridge",
	.help = help,
	.plugin = &plugin,
};
