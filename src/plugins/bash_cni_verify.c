/*
 * bash-cni's verbs that look and tidy up: CHECK, STATUS, GC.
 */
#include <string.h>

#include "cni/gc.h"
#include "net/address.h"
#include "node/node_words.h"
#include "plugins/bash_cni.h"

static int check_lease(const struct job *j, const struct ip *ip, struct err *e)
{
	cleanup_store struct lease_store store = LEASE_STORE_CLOSED;
	struct ip found[POD_FAMILIES];
	char text[IP_TEXT];
	unsigned count = 0;
	int there = lease_store_open_existing(&store, j->conf.data_dir, j->pod.rq->network, e);

	if (there < 0 || (there && lease_find(&store, &j->owner, found, POD_FAMILIES, &count, e)))
		return -1;
	for (unsigned i = 0; i < count && i < POD_FAMILIES; i++)
		if (ip_equal(&found[i], ip))
			return 0;
	return err_set(e, ERR_STATE, "check lease",
		       "%s is not leased to container %s, interface %s", ip_format(text, ip),
		       j->pod.rq->container_id, j->pod.rq->ifname);
}

static int check_links(struct job *j, const struct cni_interface *interface,
		       const struct link *bridge, struct link *pod, struct err *e)
{
	static const char checking[] = "check link";
	struct link host;
	char mac[MAC_TEXT];

	if (link_look(&j->pod.host.route, j->pod.host_name, &host, e) ||
	    link_look(&j->pod.in, j->pod.rq->ifname, pod, e))
		return -1;
	if (!pod->index)
		return err_set(e, ERR_STATE, checking, "%s does not exist in CNI_NETNS=%s",
			       j->pod.rq->ifname, j->pod.rq->netns);
	if (!pod->up)
		return err_set(e, ERR_STATE, checking, "%s is down in CNI_NETNS=%s",
			       j->pod.rq->ifname, j->pod.rq->netns);
	names_format_mac(mac, pod->mac);
	if (*interface->mac && strcmp(interface->mac, mac) != 0)
		return err_set(e, ERR_STATE, checking, "%s has MAC address %s, not %s",
			       j->pod.rq->ifname, mac, interface->mac);
	if (!host.index || !host.up)
		return err_set(e, ERR_STATE, checking, "the pod's host end %s %s", j->pod.host_name,
			       host.index ? "is down" : "does not exist");
	if (!bridge->index || host.master != bridge->index)
		return err_set(e, ERR_STATE, checking, "the pod's host end %s is not in bridge %s",
			       j->pod.host_name, j->conf.net.bridge);
	return 0;
}

static int check_address(struct job *j, const struct link *pod, const struct cni_address *a,
			 struct err *e)
{
	struct ip outside = route_outside(a->address.ip.family);
	char text[PREFIX_TEXT];
	struct route r;
	bool found;

	if (check_lease(j, &a->address.ip, e) ||
	    address_look(&j->pod.in, pod->index, &a->address, &found, e))
		return -1;
	if (!found)
		return err_set(e, ERR_STATE, "check address", "%s has no address %s",
			       j->pod.rq->ifname, prefix_format(text, &a->address));
	if (route_look(&j->pod.in, &outside, &r, e))
		return -1;
	if (!r.found)
		return err_set(e, ERR_STATE, "check route", "the pod has no default route");
	return 0;
}

int bash_cni_check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	static const struct cni_interface none = {.mac = ""};
	const struct cni_interface *interface = &none;
	struct json prev_result = json_get(rq->conf, "prevResult");
	cleanup_job struct job j;
	struct node_state node;
	struct link pod;

	job_begin(&j, rq);
	if (!json_present(prev_result))
		return err_set(e, ERR_CONFIG, NULL, "Required prevResult missing");
	if (bash_conf_read(&j.conf, rq->conf, e) || cni_result_read(&prev, prev_result, e) ||
	    node_sockets_open(&j.pod.host, e) || pod_enter(&j.pod, e) ||
	    node_look(&j.pod.host, &j.conf.net, &node, e))
		return -1;
	if (!j.conf.manual && node.missing)
		return err_set(e, ERR_STATE, "check node", "missing for network %s: %s",
			       rq->network, node_parts_words(node.missing));
	for (unsigned i = 0; i < prev.interface_count; i++)
		if (strcmp(prev.interfaces[i].name, rq->ifname) == 0)
			interface = &prev.interfaces[i];
	if (check_links(&j, interface, &node.bridge, &pod, e))
		return -1;
	for (unsigned i = 0; i < prev.ip_count; i++)
		if (check_address(&j, &pod, &prev.ips[i], e))
			return -1;
	return 0;
}

/* Whatever is wrong here is a reason why an ADD could not be served now. */
static int unavailable(struct err *e)
{
	e->code = ERR_UNAVAILABLE;
	return -1;
}

static int check_pool(const struct job *j, unsigned family, struct err *e)
{
	cleanup_store struct lease_store store = LEASE_STORE_CLOSED;
	struct ip_range range;
	struct range_set set = {.range = &range, .count = 1};
	char text[128];
	unsigned free_count;
	int there = lease_store_open_existing(&store, j->conf.data_dir, j->pod.rq->network, e);

	if (there <= 0)
		return there;
	if (job_pool(j, family, &range, e) || lease_free(&store, &set, 1, &free_count, e))
		return -1;
	if (free_count == 0)
		return err_set(e, ERR_UNAVAILABLE, "look at pool", "no free address in %s",
			       range_set_format(&set, text, sizeof(text)));
	return 0;
}

int bash_cni_status(const struct cni_request *rq, struct err *e)
{
	cleanup_job struct job j;
	struct node_state node;

	job_begin(&j, rq);
	if (bash_conf_read(&j.conf, rq->conf, e))
		return -1;
	if (node_sockets_open(&j.pod.host, e) || node_look(&j.pod.host, &j.conf.net, &node, e) ||
	    (j.conf.manual && job_demand_bridge(&j, &node, e)))
		return unavailable(e);
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (job_uses(&j, family) && check_pool(&j, family, e))
			return unavailable(e);
	return 0;
}

struct collection {
	const char *network;
	struct cni_attachments valid;
	struct nl_sock route;
	struct err *e; /* the first error; the collection goes on */
};

/* A lease that nobody names: its pod's link goes, then the lease. */
static bool keep_lease(const struct lease_owner *owner, const struct ip *ip, void *arg)
{
	struct collection *c = arg;
	char host_name[LINK_NAME], text[IP_TEXT];

	if (cni_attachments_have(&c->valid, owner->container_id, owner->ifname))
		return true;
	if (!cni_gc_removes("lease and link of %s, %s of container %s", ip_format(text, ip),
			    owner->ifname, owner->container_id))
		return true;
	names_host_link(host_name, c->network, owner->container_id, owner->ifname);
	return pod_remove_link(&c->route, host_name, c->e) != 0;
}

int bash_cni_gc(const struct cni_request *rq, struct err *e)
{
	cleanup_store struct lease_store store = LEASE_STORE_CLOSED;
	struct collection c = {.network = rq->network, .route.fd = -1, .e = e};
	struct bash_conf conf;
	int there, result;

	if (bash_conf_read_for_removal(&conf, rq->conf, e) || cni_attachments_read(&c.valid, rq, e))
		return -1;
	there = lease_store_open_existing(&store, conf.data_dir, rq->network, e);
	if (there <= 0)
		return there;
	if (nl_open(&c.route, NL_ROUTE, e))
		return -1;
	result = lease_each(&store, keep_lease, &c, e);
	nl_close(&c.route);
	return result || e->code ? -1 : 0;
}
