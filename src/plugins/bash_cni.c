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
#include "cni/wanted.h"
#include "net/address.h"
#include "net/sysctl.h"
#include "node/node_memory.h"
#include "plugins/bash_cni.h"

#define LOG_FILE "/var/log/bash-cni-plugin.log"

void job_begin(struct job *j, const struct cni_request *rq)
{
	memset(j, 0, sizeof(*j));
	pod_begin(&j->pod, rq);
	j->owner = (struct lease_owner){rq->container_id, rq->ifname};
}

void job_end(struct job *j)
{
	pod_end(&j->pod);
}

bool job_uses(const struct job *j, unsigned family)
{
	return j->conf.net.range[family].subnet.ip.family != 0;
}

static struct prefix pod_address(const struct job *j, unsigned family)
{
	return (struct prefix){.ip = j->ip[family], .len = j->conf.net.range[family].subnet.len};
}

/* --- what the runtime asks for ------------------------------------------------------------------ */

/*
 * CNI_ARGS may hold anything else. An address of no configured family, or a second of one, would be
 * forgotten silently, so it is an error, in host-local's words.
 */
static int read_asked(struct job *j, struct err *e)
{
	struct cni_wanted_ips ips;
	char text[IP_TEXT];
	int mac;

	if (cni_wanted_ips(&ips, j->pod.rq, NULL, e))
		return -1;
	for (unsigned i = 0; i < ips.count; i++) {
		unsigned family = ips.ip[i].family == 6;

		if (!job_uses(j, family) || j->asked[family])
			return err_set(e, ERR_CONFIG, NULL,
				       "failed to allocate all requested IPs: %s",
				       ip_format(text, &ips.ip[i]));
		j->asked[family] = &ips.ip[i];
	}
	mac = cni_wanted_mac(j->mac, j->pod.rq, NULL, e);
	j->mac_asked = mac > 0;
	return mac < 0 ? -1 : 0;
}

/* --- leases ------------------------------------------------------------------------------------ */

/* The pool of a family: network and broadcast address never, the gateway never. */
int job_pool(const struct job *j, unsigned family, struct ip_range *range, struct err *e)
{
	*range = (struct ip_range){.subnet = j->conf.net.range[family].subnet};
	return ip_range_complete(range, e);
}

static int take_lease(struct job *j, struct lease_store *store, unsigned family, struct err *e)
{
	struct ip_range range;
	struct range_set set = {.range = &range, .count = 1};
	int leftover;

	if (job_pool(j, family, &range, e))
		return -1;
	if (lease_take(store, &j->owner, &set, family, LEASE_LOWEST, j->asked[family],
		       &j->ip[family], e) == 0)
		return 0;
	if (e->code != ERR_STATE || !j->ip[family].family)
		return -1;
	/*
	 * The pod has a lease. With a link it is a second ADD, without one the first was killed;
	 * but then it has to be the address that is asked for.
	 */
	if ((j->asked[family] && !ip_equal(j->asked[family], &j->ip[family])) ||
	    link_index(&j->pod.host.route, j->pod.host_name, &leftover, &(struct err){0}) ||
	    leftover)
		return -1;
	log_line("%s: taking up the lease of an ADD that was cut off", j->pod.rq->container_id);
	err_clear(e);
	return 0;
}

static int take_leases(struct job *j, struct lease_store *store, struct err *e)
{
	if (lease_store_open(store, j->conf.data_dir, j->pod.rq->network, e))
		return -1;
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (job_uses(j, family) && take_lease(j, store, family, e))
			return -1;
	if (!j->mac_asked)
		names_ip_mac(j->mac, &j->ip[0]);
	return 0;
}

static int release_leases(const struct job *j, const struct ip *hint, unsigned hints, struct err *e)
{
	cleanup_store struct lease_store store = LEASE_STORE_CLOSED;
	int there = lease_store_open_existing(&store, j->conf.data_dir, j->pod.rq->network, e);

	if (there <= 0)
		return there;
	return lease_release(&store, &j->owner, hint, hints, e);
}

/* --- ADD --------------------------------------------------------------------------------------- */

/* "manual": the walkthrough's division of labour, in which the bridge is made beforehand. */
int job_demand_bridge(const struct job *j, const struct node_state *node, struct err *e)
{
	if (node->bridge.index)
		return 0;
	err_set(e, ERR_STATE, "attach pod", "bridge %s does not exist", j->conf.net.bridge);
	err_hint(e, "make it: cni-node up --conf FILE; or set \"nodeSetup\" to \"auto\"");
	return -1;
}

static int create_link(struct job *j, const struct node_state *node, struct err *e)
{
	struct pod_link link = {.bridge = node->bridge.index};

	if (node_mtu(&j->pod.host.route, &j->conf.net, &link.mtu, e))
		return -1;
	memcpy(link.pod_mac, j->mac, MAC_BYTES);
	return pod_connect(&j->pod, &link, false, NULL, e);
}

static int enable_ipv6(void *arg, struct err *e)
{
	const struct job *j = arg;

	return sysctl_enable_ipv6(j->pod.rq->ifname, e);
}

static int configure_pod(struct job *j, struct err *e)
{
	struct nl_batch b;
	int index;

	if (job_uses(j, 1) && netns_run(&j->pod.netns, enable_ipv6, j, e))
		return -1;
	if (link_index(&j->pod.in, j->pod.rq->ifname, &index, e))
		return -1;
	nl_batch_init(&b);
	put_raise(&b, index);
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		const struct ip *gateway = &j->conf.net.range[family].gateway;
		struct prefix address = pod_address(j, family);

		if (!job_uses(j, family))
			continue;
		put_address(&b, index, &address, false);
		put_default_route(&b, index, gateway);
	}
	return nl_apply(&j->pod.in, &b, e);
}

static int attach(struct job *j, struct node_state *node, struct err *e)
{
	struct err ignored = {0};
	struct link host;
	unsigned made;

	if (!j->conf.manual && node->missing &&
	    (pod_demand_room(&j->pod, e) || node_up(&j->pod.host, &j->conf.net, node, &made, e)))
		return -1;
	if (create_link(j, node, e))
		return -1;
	if (configure_pod(j, e) == 0 &&
	    pod_await_carrier(&j->pod, j->conf.net.bridge, &host, e) == 0)
		return 0;
	if (pod_remove_link(&j->pod.host.route, j->pod.host_name, &ignored))
		log_line("undo: %s", ignored.msg);
	return -1;
}

static int describe(const struct job *j, struct cni_result *rs, struct err *e)
{
	struct cni_interface *interface = cni_result_interface(rs, e);
	char *text = arena_take(MAC_TEXT, e);

	if (!interface || !text)
		return -1;
	interface->name = j->pod.rq->ifname;
	interface->mac = names_format_mac(text, j->mac);
	interface->sandbox = j->pod.rq->netns;
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		struct cni_address *a;

		if (!job_uses(j, family))
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

static int look_at_node(struct job *j, struct node_state *node, struct err *e)
{
	if (!j->conf.manual)
		return node_look_again(&j->pod.host, &j->conf.net, node, e);
	if (node_look_bridge(&j->pod.host.route, &j->conf.net, node, e))
		return -1;
	return job_demand_bridge(j, node, e);
}

/*
 * The store is locked until the pod has its link, so that nobody finds a lease without one but
 * after an ADD that was killed.
 */
static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	cleanup_store struct lease_store store = LEASE_STORE_CLOSED;
	cleanup_job struct job j;
	struct node_state node;

	job_begin(&j, rq);
	if (bash_conf_read(&j.conf, rq->conf, e) || read_asked(&j, e) ||
	    node_sockets_open(&j.pod.host, e) || pod_enter(&j.pod, e) || look_at_node(&j, &node, e))
		return -1;
	if (take_leases(&j, &store, e) == 0 && describe(&j, rs, e) == 0 &&
	    attach(&j, &node, e) == 0)
		return 0;
	lease_undo(&store);
	return -1;
}

/* --- DEL --------------------------------------------------------------------------------------- */

static int del(const struct cni_request *rq, struct err *e)
{
	cleanup_job struct job j;
	struct ip hint[CNI_IPS_MAX];
	unsigned hints;

	job_begin(&j, rq);
	if (bash_conf_read_for_removal(&j.conf, rq->conf, e) ||
	    nl_open(&j.pod.host.route, NL_ROUTE, e) ||
	    pod_disconnect(&j.pod, j.conf.net.bridge, NULL, e))
		return -1;
	/* Only now: an address must not be given away while a link has it. */
	hints = cni_result_addresses(hint, ARRAY_SIZE(hint), json_get(rq->conf, "prevResult"));
	return release_leases(&j, hint, hints, e);
}

static const struct cni_plugin plugin = {
	.name = "bash-cni",
	.log_file = LOG_FILE,
	.refuses_get = true,
	.add = add,
	.del = del,
	.check = bash_cni_check,
	.gc = bash_cni_gc,
	.status = bash_cni_status,
};

const struct applet applet_bash_cni = {
	.name = "bash-cni",
	.summary = "CNI plugin: the walkthrough's bridge network, addresses included",
	.help = "usage: bash-cni            called by a container runtime, never by hand\n"
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
		"An address and a MAC address that the runtime asks for (CNI_ARGS IP=, MAC=;\n"
		"runtimeConfig and args.cni: ips, mac) are given, or the ADD fails.\n"
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
