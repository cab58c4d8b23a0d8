/*
 * bridge's verbs that look and tidy up: CHECK, STATUS, GC.
 */
#include <string.h>

#include "cni/previous.h"
#include "ipam/ipam.h"
#include "net/address.h"
#include "netfilter/masquerade.h"
#include "netfilter/spoofcheck.h"
#include "plugins/bridge.h"

static const struct cni_interface *find_interface(const struct cni_result *rs, const char *name)
{
	for (unsigned i = 0; i < rs->interface_count; i++)
		if (strcmp(rs->interfaces[i].name, name) == 0)
			return &rs->interfaces[i];
	return NULL;
}

static int check_bridge(const struct bridge_conf *c, struct pod *p, const struct cni_result *prev,
			struct link *bridge, struct err *e)
{
	const struct cni_interface *said = find_interface(prev, c->bridge);
	char mac[MAC_TEXT];

	if (!said)
		return err_set(e, ERR_STATE, NULL,
			       "Interface name missing: prevResult has no interface \"%s\"",
			       c->bridge);
	if (*said->sandbox)
		return err_set(e, ERR_STATE, NULL, "Interface %s should not be in sandbox",
			       c->bridge);
	if (bridge_find(c, p, bridge, e))
		return -1;
	if (!bridge->index)
		return err_set(e, ERR_STATE, NULL, "Interface name %s not found", c->bridge);
	if (!bridge->up)
		return err_set(e, ERR_STATE, NULL, "Bridge interface %s is down", c->bridge);
	names_format_mac(mac, bridge->mac);
	if (*said->mac && strcasecmp(said->mac, mac) != 0)
		return err_set(e, ERR_STATE, NULL, "Bridge interface %s Mac doesn't match: %s",
			       c->bridge, said->mac);
	if (c->promiscuous && !link_is_promiscuous(bridge))
		return err_set(e, ERR_STATE, NULL,
			       "Bridge interface %s configured Promisc Mode true doesn't match "
			       "current state: false",
			       c->bridge);
	return 0;
}

static int check_port(const struct bridge_conf *c, struct pod *p, const struct link *bridge,
		      const struct link *host, struct err *e)
{
	struct bridge_port port;
	struct vlan_set vlans;

	if (host->master != bridge->index)
		return err_set(e, ERR_STATE, NULL, "the pod's host end %s is not in bridge %s",
			       host->name, c->bridge);
	if (bridge_port_look(&p->host.route, host->index, &port, e))
		return -1;
	if (port.hairpin != c->hairpin)
		return err_set(e, ERR_STATE, NULL, "hairpin mode of %s is %s, not as configured",
			       host->name, port.hairpin ? "on" : "off");
	if (port.isolated != c->isolated)
		return err_set(e, ERR_STATE, NULL, "%s is %sisolated, not as configured",
			       host->name, port.isolated ? "" : "not ");
	if (!c->use_vlans)
		return 0;
	if (bridge_port_vlans(&p->host.route, host->index, &vlans, e))
		return -1;
	for (unsigned id = 1; id <= VLAN_MAX; id++)
		if (vlan_set_has(&c->vlans, id) && !vlan_set_has(&vlans, id))
			return err_set(e, ERR_STATE, NULL, "%s is not in VLAN %u", host->name, id);
	if (vlans.pvid != c->vlans.pvid || (!c->keep_vlans && !vlan_set_equal(&vlans, &c->vlans)))
		return err_set(e, ERR_STATE, NULL, "%s is in other VLANs than configured",
			       host->name);
	return 0;
}

/* Each gateway is on the bridge, or on the link into the VLAN. */
static int check_gateways(const struct bridge_conf *c, struct pod *p, const struct cni_result *prev,
			  const struct link *bridge, struct err *e)
{
	struct link link = *bridge;
	const char *name;

	if (c->vlan) {
		name = bridge_vlan_link_name(c, e);
		if (!name || link_look(&p->host.route, name, &link, e))
			return -1;
	}
	for (unsigned i = 0; i < prev->ip_count; i++) {
		struct prefix gateway = {prev->ips[i].gateway, prev->ips[i].address.len};
		char text[PREFIX_TEXT];
		bool found = false;

		if (!gateway.ip.family || !cni_previous_is_pods(prev, &prev->ips[i], p->rq))
			continue;
		if (link.index && address_look(&p->host.route, link.index, &gateway, &found, e))
			return -1;
		if (!found)
			return err_set(e, ERR_STATE, NULL, "Interface %s has no address %s",
				       c->vlan ? "of the VLAN's gateway" : c->bridge,
				       prefix_format(text, &gateway));
	}
	return 0;
}

/* What of it is in our own tables: a pod that the reference plugin has connected has it elsewhere. */
static int check_rules(const struct bridge_conf *c, struct pod *p, const struct cni_result *prev,
		       const struct link *host, struct err *e)
{
	bool there = true;

	if (strcmp(host->name, p->host_name) != 0)
		return 0;
	if (c->masquerade && ip_masq_check(p, prev, e))
		return -1;
	if (c->check_mac && spoofcheck_look(&p->host.netfilter, p->owner, &there, e))
		return -1;
	if (!there)
		return err_set(e, ERR_STATE, NULL,
			       "MAC addresses that come in by %s are not checked", host->name);
	return 0;
}

int bridge_check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	struct link bridge, in, host;
	cleanup_pod struct pod p;
	struct bridge_conf c;

	pod_begin(&p, rq);
	if (bridge_conf_read(&c, rq, e) || node_sockets_open(&p.host, e) || pod_enter(&p, e) ||
	    (c.addresses && ipam_check(rq, e)) ||
	    cni_previous_demand(&prev, rq, "Required prevResult missing", e) ||
	    check_bridge(&c, &p, &prev, &bridge, e) || pod_check(&p, &prev, &in, &host, e) ||
	    check_port(&c, &p, &bridge, &host, e))
		return -1;
	if (!in.up && !c.leave_down)
		return err_set(e, ERR_STATE, NULL, "%s is down in CNI_NETNS=%s", rq->ifname,
			       rq->netns);
	if (c.is_gateway && check_gateways(&c, &p, &prev, &bridge, e))
		return -1;
	return check_rules(&c, &p, &prev, &host, e);
}

/* Whatever is wrong here is a reason why an ADD could not be served now. */
static int unavailable(struct err *e)
{
	e->code = ERR_UNAVAILABLE;
	return -1;
}

int bridge_status(const struct cni_request *rq, struct err *e)
{
	cleanup_pod struct pod p;
	struct bridge_conf c;
	struct link bridge;

	pod_begin(&p, rq);
	if (bridge_conf_read(&c, rq, e))
		return -1;
	if (node_sockets_open(&p.host, e) || bridge_find(&c, &p, &bridge, e) ||
	    (bridge.index && bridge_demand_vlans(&c, &p, &bridge, e)) ||
	    (c.check_mac && spoofcheck_try(&p.host.netfilter, e)))
		return unavailable(e);
	return c.addresses ? ipam_status(rq, e) : 0;
}

int bridge_gc(const struct cni_request *rq, struct err *e)
{
	struct pod_owners valid;
	cleanup_pod struct pod p;
	struct bridge_conf c;

	pod_begin(&p, rq);
	if (bridge_conf_read_for_removal(&c, rq, e) || pod_owners_read(&valid, rq, e) ||
	    node_sockets_open(&p.host, e) || pod_disconnect_others(&p, pod_keep_valid, &valid, e) ||
	    ip_masq_gc(&p, &valid, e) ||
	    spoofcheck_sweep(&p.host.netfilter, rq->network, pod_keep_valid, &valid, e))
		return -1;
	return c.addresses ? ipam_gc(rq, e) : 0;
}
