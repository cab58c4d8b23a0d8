/*
 * loopback: brings a pod's lo up. The runtime runs it as a network of its own before the others;
 * containerd insists on finding it.
 */
#include "applet.h"
#include "base/log.h"
#include "cni/plugin.h"
#include "net/address.h"
#include "net/link.h"
#include "net/netns.h"

#define LO "lo" /* whatever CNI_IFNAME says: CNI conventions */

static int open_lo(struct netns *ns, struct nl_sock *pod, const struct cni_request *rq,
		   struct link *lo, struct err *e)
{
	if (netns_open(ns, rq->netns, NULL, pod, e) || link_look(pod, LO, lo, e))
		return -1;
	if (!lo->index)
		return err_set(e, ERR_STATE, "look up " LO, "CNI_NETNS=%s has none", rq->netns);
	return 0;
}

/* The first address of a family, which must be a loopback one. */
static int add_address(struct nl_sock *pod, const struct link *lo, uint8_t family,
		       struct cni_result *rs, struct err *e)
{
	static const struct prefix loopback[] = {
		{.ip = {.family = 4, .b = {127}}, .len = 8},
		{.ip = {.family = 6, .b = {[15] = 1}}, .len = 128},
	};
	struct cni_address *a;
	struct prefix found;
	char text[IP_TEXT];

	if (address_first(pod, lo->index, family, true, &found, e))
		return -1;
	if (!found.ip.family)
		return 0;
	if (!prefix_contains(&loopback[family == 6], &found.ip))
		return err_set(e, ERR_STATE, NULL,
			       "loopback interface found with non-loopback address \"%s\"",
			       ip_format(text, &found.ip));
	a = cni_result_ip(rs, e);
	if (!a)
		return -1;
	a->address = found;
	a->interface = 0;
	return 0;
}

static int describe(struct nl_sock *pod, const struct link *lo, const char *netns,
		    struct cni_result *rs, struct err *e)
{
	struct cni_interface *interface = cni_result_interface(rs, e);

	if (!interface)
		return -1;
	interface->name = LO;
	interface->mac = "00:00:00:00:00:00";
	interface->sandbox = netns;
	return add_address(pod, lo, 4, rs, e) || add_address(pod, lo, 6, rs, e) ? -1 : 0;
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	static struct cni_result prev;
	cleanup_netns struct netns ns = {-1, -1};
	cleanup_nl struct nl_sock pod = {.fd = -1};
	struct link lo;

	rs->same_as = json_get(rq->conf, "prevResult");
	rs->dns_always = true;
	if (cni_result_read(&prev, rs->same_as, e) || open_lo(&ns, &pod, rq, &lo, e))
		return -1;
	if (link_raise(&pod, lo.index, e) == 0 && describe(&pod, &lo, rq->netns, rs, e) == 0)
		return 0;
	if (!lo.up && link_lower(&pod, lo.index, &(struct err){0}))
		log_line("undo: " LO " stays up");
	return -1;
}

static int del(const struct cni_request *rq, struct err *e)
{
	cleanup_netns struct netns ns = {-1, -1};
	cleanup_nl struct nl_sock pod = {.fd = -1};
	struct link lo;

	if (!*rq->netns)
		return 0;
	if (open_lo(&ns, &pod, rq, &lo, e)) {
		/* The namespace is gone, or was never one: then so is its lo. */
		if (e->code != ERR_ENV)
			return -1;
		err_clear(e);
		return 0;
	}
	return link_lower(&pod, lo.index, e);
}

static int check(const struct cni_request *rq, struct err *e)
{
	cleanup_netns struct netns ns = {-1, -1};
	cleanup_nl struct nl_sock pod = {.fd = -1};
	struct link lo;

	if (open_lo(&ns, &pod, rq, &lo, e))
		return -1;
	if (!lo.up)
		return err_set(e, ERR_STATE, NULL, "loopback interface is down");
	return 0;
}

static const struct cni_plugin plugin = {
	.name = "loopback",
	.add = add,
	.del = del,
	.check = check,
};

const struct applet applet_loopback = {
	.name = "loopback",
	.summary = "CNI plugin: brings a pod's lo up",
	.help = "usage: loopback            called by a container runtime, never by hand\n"
		"\n"
		"CNI plugin: brings the loopback interface of a pod up, whatever CNI_IFNAME says.\n"
		"Has no keys of its own.\n"
		"\n"
		"Example:\n"
		"  echo '{\"cniVersion\": \"1.0.0\", \"name\": \"lo\", \"type\": \"loopback\"}' |\n"
		"    CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/var/run/netns/c1 CNI_IFNAME=lo \\\n"
		"    CNI_PATH=/opt/cni/bin /opt/cni/bin/loopback\n",
	.plugin = &plugin,
};
