/*
 * bash-cni: the walkthrough's plugin. A pod gets a veth pair into the bridge, the first free
 * address of this node's subnet and a default route through the bridge's address.
 *
 * What the walkthrough types by hand on the node (bridge, forwarding, accept rules, masquerade) is
 * made here when it is missing, unless the configuration says "nodeSetup": "manual".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "applet.h"
#include "base/arena.h"
#include "base/log.h"
#include "cni/bash_conf.h"
#include "cni/plugin.h"
#include "ipam/store.h"
#include "net/address.h"
#include "net/netns.h"
#include "net/node_words.h"
#include "net/sysctl.h"

#define LOG_FILE "/var/log/bash-cni-plugin.log"

/* Everything that the verbs work with: what is asked, what is configured, where it happens. */
struct job {
	const struct cni_request *rq;
	struct bash_conf conf;
	struct lease_owner owner;
	char host_name[LINK_NAME];
	struct node_sockets host;
	struct netns netns;	/* ADD and CHECK */
	struct nl_sock pod;	/* the same */
	struct ip ip[POD_FAMILIES];
};

static void close_job(struct job *j)
{
	node_sockets_close(&j->host);
	nl_close(&j->pod);
	netns_close(&j->netns);
}
#define cleanup_job on_scope_exit(close_job)

static void begin_job(struct job *j, const struct cni_request *rq)
{
	memset(j, 0, sizeof(*j));
	j->rq = rq;
	j->owner = (struct lease_owner){rq->container_id, rq->ifname};
	j->host.route.fd = j->host.netfilter.fd = j->pod.fd = -1;
	j->netns.fd = j->netns.host = -1;
	names_host_link(j->host_name, rq->network, rq->container_id, rq->ifname);
}

static bool used(const struct job *j, unsigned family)
{
	return j->conf.net.range[family].subnet.ip.family != 0;
}

static struct prefix pod_address(const struct job *j, unsigned family)
{
	return (struct prefix){.ip = j->ip[family], .len = j->conf.net.range[family].subnet.len};
}

static int open_pod(struct job *j, struct err *e)
{
	if (netns_open(&j->netns, j->rq->netns, e))
		return -1;
	return netns_socket(&j->netns, &j->pod, NL_ROUTE, e);
}

/* --- leases ------------------------------------------------------------------------------------ */

/* The pool of a family: network and broadcast address never, the gateway never. */
static int pool(const struct job *j, unsigned family, struct ip_range *range, struct err *e)
{
	*range = (struct ip_range){.subnet = j->conf.net.range[family].subnet};
	return ip_range_complete(range, e);
}

static int take_lease(struct job *j, struct lease_store *store, unsigned family, struct err *e)
{
	struct ip_range range;
	struct range_set set = {.range = &range, .count = 1};
	struct ip *ip = &j->ip[family];
	struct link leftover;

	if (pool(j, family, &range, e))
		return -1;
	if (lease_take(store, &j->owner, &set, family, LEASE_LOWEST, NULL, ip, e) == 0)
		return 0;
	if (e->code != ERR_STATE || !ip->family)
		return -1;
	/* The pod has a lease. With a link it is a second ADD, without one the first was killed. */
	if (link_look(&j->host.route, j->host_name, &leftover, &(struct err){0}) ||
	    leftover.index) {
		ip->family = 0; /* the living pod's, not ours to release */
		return -1;
	}
	log_line("%s: taking up the lease of an ADD that was cut off", j->rq->container_id);
	err_clear(e);
	return 0;
}

static int take_leases(struct job *j, struct err *e)
{
	struct lease_store cleanup_store store = {.dir = -1, .lock = -1};

	if (lease_store_open(&store, j->conf.data_dir, j->rq->network, e))
		return -1;
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		if (!used(j, family) || take_lease(j, &store, family, e) == 0)
			continue;
		if (family > 0 && j->ip[0].family &&
		    lease_release(&store, &j->owner, j->ip, 1, &(struct err){0}))
			log_line("%s: its lease stays until DEL", j->rq->container_id);
		return -1;
	}
	return 0;
}

static int release_leases(const struct job *j, const struct ip *hint, unsigned hints, struct err *e)
{
	struct lease_store cleanup_store store = {.dir = -1, .lock = -1};
	int there = lease_store_open_existing(&store, j->conf.data_dir, j->rq->network, e);

	if (there <= 0)
		return there;
	return lease_release(&store, &j->owner, hint, hints, e);
}

/* --- ADD --------------------------------------------------------------------------------------- */

/* "manual": the walkthrough's division of labour, in which the bridge is made beforehand. */
static int demand_bridge(const struct job *j, const struct node_state *node, struct err *e)
{
	if (node->bridge.index)
		return 0;
	err_set(e, ERR_STATE, "attach pod", "bridge %s does not exist", j->conf.net.bridge);
	err_hint(e, "make it: cni-node up --conf FILE; or set \"nodeSetup\" to \"auto\"");
	return -1;
}

static int refuse_taken_ifname(struct job *j, struct err *e)
{
	struct link taken;

	if (link_look(&j->pod, j->rq->ifname, &taken, e))
		return -1;
	if (taken.index)
		return err_set(e, ERR_STATE, "create veth pair",
			       "CNI_IFNAME=%s exists already in CNI_NETNS=%s", j->rq->ifname,
			       j->rq->netns);
	return 0;
}

static int create_link(struct job *j, const struct node_state *node, uint8_t mac[static MAC_BYTES],
		       struct err *e)
{
	struct pod_link link = {
		.host_name = j->host_name,
		.bridge = node->bridge.index,
		.pod_name = j->rq->ifname,
		.netns = j->netns.fd,
	};
	struct err why = {0};

	if (node_mtu(&j->host.route, &j->conf.net, &link.mtu, e))
		return -1;
	names_host_mac(link.host_mac, j->host_name);
	names_ip_mac(link.pod_mac, &j->ip[0]);
	memcpy(mac, link.pod_mac, MAC_BYTES);
	if (link_create_pod(&j->host.route, &link, &why) == 0)
		return 0;
	if (why.sys == EEXIST && refuse_taken_ifname(j, e))
		return -1;
	*e = why;
	if (why.sys == EEXIST)
		err_hint(e, "the host link %s exists: DEL this container first", j->host_name);
	return -1;
}

/* A namespace may be born with IPv6 off; an address needs it on, as the reference plugins do it. */
static int enable_ipv6(void *arg, struct err *e)
{
	const struct job *j = arg;
	char path[64];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", j->rq->ifname);
	return sysctl_number(path) > 0 ? sysctl_set(path, 0, e) : 0;
}

static int configure_pod(struct job *j, struct err *e)
{
	struct nl_batch b;
	struct link link;

	if (used(j, 1) && netns_run(&j->netns, enable_ipv6, j, e))
		return -1;
	if (link_look(&j->pod, j->rq->ifname, &link, e))
		return -1;
	nl_batch_init(&b);
	put_raise(&b, link.index);
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		struct prefix address = pod_address(j, family);

		if (!used(j, family))
			continue;
		put_address(&b, link.index, &address);
		put_default_route(&b, link.index, &j->conf.net.range[family].gateway);
	}
	return nl_apply(&j->pod, &b, e);
}

/* The pod end goes with the host end. Nothing to do where it was never made. */
static int remove_link(struct job *j, bool *was_there, struct err *e)
{
	struct link link;

	if (link_look(&j->host.route, j->host_name, &link, e))
		return -1;
	*was_there = link.index != 0;
	return link.index ? link_remove_quickly(&j->host.route, link.index, e) : 0;
}

static int attach(struct job *j, struct node_state *node, uint8_t mac[static MAC_BYTES],
		  struct err *e)
{
	struct err undo = {0};
	unsigned made;
	bool any;

	if (!j->conf.manual && node->missing &&
	    (refuse_taken_ifname(j, e) || node_up(&j->host, &j->conf.net, node, &made, e)))
		return -1;
	if (create_link(j, node, mac, e))
		return -1;
	if (configure_pod(j, e) == 0)
		return 0;
	if (remove_link(j, &any, &undo))
		log_line("undo: %s", undo.msg);
	return -1;
}

static int describe(const struct job *j, const uint8_t mac[static MAC_BYTES], struct cni_result *rs,
		    struct err *e)
{
	struct cni_interface *interface = cni_result_interface(rs, e);
	char *text = arena_take(MAC_TEXT, e);

	if (!interface || !text)
		return -1;
	interface->name = j->rq->ifname;
	interface->mac = names_format_mac(text, mac);
	interface->sandbox = j->rq->netns;
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		struct cni_address *a;

		if (!used(j, family))
			continue;
		a = cni_result_ip(rs, e);
		if (!a)
			return -1;
		a->address = pod_address(j, family);
		a->gateway = j->conf.net.range[family].gateway;
		a->interface = 0;
	}
	return 0;
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	struct job cleanup_job j;
	struct node_state node;
	uint8_t mac[MAC_BYTES];
	struct err undo = {0};

	begin_job(&j, rq);
	if (bash_conf_read(&j.conf, rq->conf, e) || open_pod(&j, e) ||
	    node_sockets_open(&j.host, e))
		return -1;
	if (j.conf.manual) {
		if (node_look_bridge(&j.host.route, &j.conf.net, &node, e) ||
		    demand_bridge(&j, &node, e))
			return -1;
	} else if (node_look(&j.host, &j.conf.net, &node, e)) {
		return -1;
	}
	if (take_leases(&j, e))
		return -1;
	if (attach(&j, &node, mac, e) == 0)
		return describe(&j, mac, rs, e);
	if (release_leases(&j, j.ip, used(&j, 1) ? 2 : 1, &undo))
		log_line("undo: %s", undo.msg);
	return -1;
}

/* --- DEL --------------------------------------------------------------------------------------- */

/*
 * A pod end whose other end is in our bridge under another name: the walkthrough's bash made it,
 * before an upgrade. It is found through the pod's namespace, if that is still there.
 */
static int remove_foreign_link(struct job *j, struct err *e)
{
	struct link pod, host, bridge;

	if (!*j->rq->netns || open_pod(j, &(struct err){0}))
		return 0;
	if (link_look(&j->pod, j->rq->ifname, &pod, e))
		return -1;
	if (!pod.index || strcmp(pod.kind, "veth") != 0)
		return 0;
	if (link_look_index(&j->host.route, pod.peer, &host, e) ||
	    link_look(&j->host.route, j->conf.net.bridge, &bridge, e))
		return -1;
	if (!host.index || !bridge.index || host.master != bridge.index)
		return 0;
	return link_remove_quickly(&j->host.route, host.index, e);
}

/* The addresses that prevResult names; an unreadable one is no reason to keep a pod. */
static unsigned read_hints(const struct cni_request *rq, struct ip *hint)
{
	static struct cni_result prev;
	struct err ignored = {0};

	if (cni_result_read(&prev, json_get(rq->conf, "prevResult"), &ignored))
		return 0;
	for (unsigned i = 0; i < prev.ip_count; i++)
		hint[i] = prev.ips[i].address.ip;
	return prev.ip_count;
}

static int del(const struct cni_request *rq, struct err *e)
{
	struct job cleanup_job j;
	struct ip hint[CNI_IPS_MAX];
	bool was_there;

	begin_job(&j, rq);
	if (bash_conf_read_for_removal(&j.conf, rq->conf, e) ||
	    nl_open(&j.host.route, NL_ROUTE, e) || remove_link(&j, &was_there, e))
		return -1;
	if (!was_there && remove_foreign_link(&j, e))
		return -1;
	/* Only now: an address must not be given away while a link has it. */
	return release_leases(&j, hint, read_hints(rq, hint), e);
}

/* --- CHECK, STATUS, GC ------------------------------------------------------------------------- */

static int check_lease(const struct job *j, const struct ip *ip, struct err *e)
{
	struct lease_store cleanup_store store = {.dir = -1, .lock = -1};
	struct ip found[POD_FAMILIES];
	char text[IP_TEXT];
	unsigned count = 0;
	int there = lease_store_open_existing(&store, j->conf.data_dir, j->rq->network, e);

	if (there < 0 ||
	    (there && lease_find(&store, &j->owner, found, POD_FAMILIES, &count, e)))
		return -1;
	for (unsigned i = 0; i < count && i < POD_FAMILIES; i++)
		if (ip_equal(&found[i], ip))
			return 0;
	return err_set(e, ERR_STATE, "check lease", "%s is not leased to container %s, interface %s",
		       ip_format(text, ip), j->rq->container_id, j->rq->ifname);
}

static int check_links(struct job *j, const struct cni_interface *interface,
		       const struct link *bridge, struct link *pod, struct err *e)
{
	static const char checking[] = "check link";
	struct link host;
	char mac[MAC_TEXT];

	if (link_look(&j->host.route, j->host_name, &host, e) ||
	    link_look(&j->pod, j->rq->ifname, pod, e))
		return -1;
	if (!pod->index)
		return err_set(e, ERR_STATE, checking, "%s does not exist in CNI_NETNS=%s",
			       j->rq->ifname, j->rq->netns);
	if (!pod->up)
		return err_set(e, ERR_STATE, checking, "%s is down in CNI_NETNS=%s", j->rq->ifname,
			       j->rq->netns);
	names_format_mac(mac, pod->mac);
	if (*interface->mac && strcmp(interface->mac, mac) != 0)
		return err_set(e, ERR_STATE, checking, "%s has MAC address %s, not %s",
			       j->rq->ifname, mac, interface->mac);
	if (!host.index || !host.up)
		return err_set(e, ERR_STATE, checking, "the pod's host end %s %s", j->host_name,
			       host.index ? "is down" : "does not exist");
	if (!bridge->index || host.master != bridge->index)
		return err_set(e, ERR_STATE, checking, "the pod's host end %s is not in bridge %s",
			       j->host_name, j->conf.net.bridge);
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
	    address_look(&j->pod, pod->index, &a->address, &found, e))
		return -1;
	if (!found)
		return err_set(e, ERR_STATE, "check address", "%s has no address %s", j->rq->ifname,
			       prefix_format(text, &a->address));
	if (route_look(&j->pod, &outside, &r, e))
		return -1;
	if (!r.found || r.link != pod->index)
		return err_set(e, ERR_STATE, "check route", "the pod has no default route by %s",
			       j->rq->ifname);
	return 0;
}

static int check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	static const struct cni_interface none = {.mac = ""};
	const struct cni_interface *interface = &none;
	struct json prev_result = json_get(rq->conf, "prevResult");
	struct job cleanup_job j;
	struct node_state node;
	struct link pod;

	begin_job(&j, rq);
	if (!json_present(prev_result))
		return err_set(e, ERR_CONFIG, NULL, "Required prevResult missing");
	if (bash_conf_read(&j.conf, rq->conf, e) || cni_result_read(&prev, prev_result, e) ||
	    open_pod(&j, e) || node_sockets_open(&j.host, e) ||
	    node_look(&j.host, &j.conf.net, &node, e))
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
	struct lease_store cleanup_store store = {.dir = -1, .lock = -1};
	struct ip_range range;
	struct range_set set = {.range = &range, .count = 1};
	char text[128];
	unsigned free_count;
	int there = lease_store_open_existing(&store, j->conf.data_dir, j->rq->network, e);

	if (there <= 0)
		return there;
	if (pool(j, family, &range, e) || lease_free(&store, &set, 1, &free_count, e))
		return -1;
	if (free_count == 0)
		return err_set(e, ERR_UNAVAILABLE, "look at pool", "no free address in %s",
			       range_set_format(&set, text, sizeof(text)));
	return 0;
}

static int status(const struct cni_request *rq, struct err *e)
{
	struct job cleanup_job j;
	struct node_state node;

	begin_job(&j, rq);
	if (bash_conf_read(&j.conf, rq->conf, e))
		return -1;
	if (node_sockets_open(&j.host, e) || node_look(&j.host, &j.conf.net, &node, e) ||
	    (j.conf.manual && demand_bridge(&j, &node, e)))
		return unavailable(e);
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (used(&j, family) && check_pool(&j, family, e))
			return unavailable(e);
	return 0;
}

struct collection {
	const struct cni_request *rq;
	struct cni_attachments valid;
	struct nl_sock route;
	struct err *e; /* the first error; the collection goes on */
};

/* A lease that nobody names: its pod's link goes, then the lease. */
static bool keep_lease(const struct lease_owner *owner, const struct ip *ip, void *arg)
{
	struct collection *c = arg;
	struct cni_request gone = *c->rq;
	struct job j;
	bool was_there;
	char text[IP_TEXT];

	if (cni_attachments_have(&c->valid, owner->container_id, owner->ifname))
		return true;
	gone.container_id = owner->container_id;
	gone.ifname = owner->ifname;
	begin_job(&j, &gone);
	j.host.route = c->route;
	log_line("GC: releasing %s of container %s, interface %s", ip_format(text, ip),
		 owner->container_id, owner->ifname);
	if (remove_link(&j, &was_there, c->e))
		return true;
	c->route = j.host.route;
	return false;
}

static int gc(const struct cni_request *rq, struct err *e)
{
	struct lease_store cleanup_store store = {.dir = -1, .lock = -1};
	struct collection c = {.rq = rq, .route.fd = -1, .e = e};
	struct bash_conf conf;
	int there, result;

	if (bash_conf_read_for_removal(&conf, rq->conf, e) ||
	    cni_attachments_read(&c.valid, rq, e))
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

static const struct cni_plugin plugin = {
	.name = "bash-cni",
	.log_file = LOG_FILE,
	.refuses_get = true,
	.add = add,
	.del = del,
	.check = check,
	.gc = gc,
	.status = status,
};

const struct applet applet_bash_cni = {
	.name = "bash-cni",
	.summary = "CNI plugin: the walkthrough's bridge network, addresses included",
	.help =
"usage: bash-cni            called by a container runtime, never by hand\n"
"\n"
"CNI plugin: connects a pod to a bridge, gives it the first free address of this\n"
"node's subnet and a default route, and sets the node up where that is missing.\n"
"\n"
"Configuration, /etc/cni/net.d/10-bash-cni-plugin.conf:\n"
"  {\n"
"    \"cniVersion\": \"0.3.1\",\n"
"    \"name\": \"mynet\",\n"
"    \"type\": \"bash-cni\",\n"
"    \"network\": \"10.244.0.0/16\",\n"
"    \"subnet\": \"10.244.0.0/24\"\n"
"  }\n"
"\n"
"  network     range of all pods; default: subnet\n"
"  subnet      range of this node's pods; its first address is the gateway\n"
"  network6    the same for IPv6; both optional\n"
"  subnet6\n"
"  bridge      default cni0\n"
"  mtu         default: that of the link under the default route\n"
"  masquerade  outside: only what leaves network (default); all: whatever leaves\n"
"              the bridge, as the walkthrough's rule does; none\n"
"  accept      where forwarded packets are accepted. auto (default): in iptables'\n"
"              FORWARD if that drops; own: in cnibox's own table; iptables\n"
"  nodeSetup   auto (default): bridge, gateway address, forwarding and rules are\n"
"              made when missing; manual: they must be there (see cni-node)\n"
"  dataDir     where leases are kept; default " LEASE_DATA_DIR "\n"
"\n"
"Environment: CNI_COMMAND (ADD, DEL, CHECK, GC, STATUS, VERSION), CNI_CONTAINERID,\n"
"CNI_NETNS, CNI_IFNAME, CNI_PATH; DEBUG=1 logs every step.\n"
"Log: " LOG_FILE "\n"
"\n"
"Example:\n"
"  CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/var/run/netns/c1 CNI_IFNAME=eth0 \\\n"
"    CNI_PATH=/opt/cni/bin /opt/cni/bin/bash-cni </etc/cni/net.d/10-bash-cni-plugin.conf\n",
	.plugin = &plugin,
};
