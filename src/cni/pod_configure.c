#include <string.h>
#include <time.h>

#include "cni/pod.h"
#include "net/address.h"
#include "net/route.h"
#include "net/sysctl.h"

/* How long duplicate address detection may take, and how often it is looked after. */
#define DETECTION_MS	  5000
#define DETECTION_LOOK_MS 50
/* The same of the carrier of a link. */
#define CARRIER_MS	2550
#define CARRIER_LOOK_MS 1

static bool has_ipv6(const struct cni_result *rs)
{
	for (unsigned i = 0; i < rs->ip_count; i++)
		if (rs->ips[i].address.ip.family == 6)
			return true;
	return false;
}

/* --- settings of IPv6, inside the namespace ------------------------------------------------------ */

/*
 * A pod without an address of IPv6 is spared them. Opening such a file takes the longer the more
 * namespaces there are; and with accept_dad=0 the kernel tells every other pod of the link-local
 * address as soon as the link is up, under the lock that all who change links wait for: with 400 pods
 * on a bridge, 3 ms of this ADD and of any other.
 */
struct settings {
	const struct pod *p;
	const struct pod_setup *setup;
};

static int apply_settings(void *arg, struct err *e)
{
	const struct settings *s = arg;
	const char *ifname = s->p->rq->ifname;

	if (sysctl_enable_ipv6(ifname, e))
		return -1;
	sysctl_try("ipv6", ifname, "keep_addr_on_down", 1);
	if (s->setup->shared) {
		if (s->setup->detect_duplicates)
			sysctl_try("ipv6", ifname, "enhanced_dad", 1);
		sysctl_try("ipv6", ifname, "accept_dad", s->setup->detect_duplicates);
	}
	return 0;
}

/* --- addresses and routes ----------------------------------------------------------------------- */

/* The first gateway of a family: that of routes which name none. */
static struct ip gateway_of(const struct cni_result *rs, uint8_t family)
{
	for (unsigned i = 0; i < rs->ip_count; i++)
		if (rs->ips[i].gateway.family == family)
			return rs->ips[i].gateway;
	return (struct ip){.family = 0};
}

static bool seen_before(const struct cni_result *rs, unsigned i)
{
	for (unsigned n = 0; n < i; n++)
		if (ip_equal(&rs->ips[n].gateway, &rs->ips[i].gateway))
			return true;
	return false;
}

/*
 * The subnet is not on the link: the gateway is, and all else is behind it. Said last, as the kernel
 * wants to see that a route's gateway is on the link.
 */
static void put_gateway_routes(struct nl_batch *b, int link, const struct cni_result *rs)
{
	for (unsigned i = 0; i < rs->ip_count; i++) {
		const struct cni_address *a = &rs->ips[i];
		uint8_t bits = (uint8_t)(8 * ip_size(&a->address.ip));
		struct route_spec to_gateway = {.dst = {a->gateway, bits},
						.source = a->address.ip,
						.scope = ROUTE_SCOPE_LINK};
		struct route_spec to_subnet = {
			.dst = a->address, .gateway = a->gateway, .source = a->address.ip};

		if (a->address.len < bits)
			put_subnet_route_removal(b, link, &a->address);
		if (!seen_before(rs, i))
			put_route(b, link, &to_gateway);
		if (a->address.len < bits)
			put_route(b, link, &to_subnet);
	}
}

static int send_batch(struct pod *p, struct nl_batch *b, struct err *e)
{
	if (nl_apply(&p->in, b, e))
		return -1;
	nl_batch_init(b);
	return 0;
}

/* A batch holds fewer operations than a result may have routes: full ones are sent. */
static int put_result_routes(struct pod *p, struct nl_batch *b, int link,
			     const struct cni_result *rs, struct err *e)
{
	for (unsigned i = 0; i < rs->route_count; i++) {
		const struct cni_route *r = &rs->routes[i];
		struct route_spec spec = {
			.dst = r->dst,
			.gateway = r->gw,
			.mtu = r->mtu,
			.advmss = r->advmss,
			.priority = r->priority,
			.table = r->table > 0 ? (uint32_t)r->table : 0,
			.scope = r->scope > 0 ? (uint8_t)r->scope : 0,
		};

		/* What is said to be on the link has no gateway. */
		if (!spec.gateway.family && spec.scope < ROUTE_SCOPE_LINK)
			spec.gateway = gateway_of(rs, r->dst.ip.family);
		if (b->ops == NL_BATCH_OPS && send_batch(p, b, e))
			return -1;
		put_route(b, link, &spec);
	}
	return 0;
}

/* Addresses before the link is raised, as the kernel announces those that are there then. */
static int apply_result(struct pod *p, int link, const struct cni_result *rs,
			const struct pod_setup *setup, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	for (unsigned i = 0; i < rs->ip_count; i++)
		put_address(&b, link, &rs->ips[i].address, setup->detect_duplicates);
	if (setup->shared)
		put_announcing(&b, link);
	put_raise(&b, link);
	if (put_result_routes(p, &b, link, rs, e) || send_batch(p, &b, e))
		return -1;
	if (!setup->by_gateway)
		return 0;
	put_gateway_routes(&b, link, rs);
	return send_batch(p, &b, e);
}

/* --- duplicate address detection ---------------------------------------------------------------- */

/* Gives 1 when no address is being tested any more, 0, or -1 with e set for a duplicate. */
static int look_at_detection(struct pod *p, int link, struct err *e)
{
	struct address found[CNI_IPS_MAX + 2];
	char text[IP_TEXT];
	unsigned count;

	if (address_list(&p->in, link, 6, found, ARRAY_SIZE(found), &count, e))
		return -1;
	for (unsigned i = 0; i < count; i++)
		if (found[i].duplicate)
			return err_set(e, ERR_STATE, NULL,
				       "link %s has address %s in DADFAILED state", p->rq->ifname,
				       ip_format(text, &found[i].prefix.ip));
	for (unsigned i = 0; i < count; i++)
		if (found[i].tentative)
			return 0;
	return 1;
}

static int await_detection(struct pod *p, int index, struct err *e)
{
	static const struct timespec pause = {.tv_nsec = DETECTION_LOOK_MS * 1000000L};
	struct link link;

	for (int waited = 0; waited <= DETECTION_MS; waited += DETECTION_LOOK_MS) {
		int done = look_at_detection(p, index, e);

		if (done)
			return done < 0 ? -1 : 0;
		nanosleep(&pause, NULL);
	}
	/* On a link without a carrier, there is nobody to ask. */
	if (link_look_index(&p->in, index, &link, e))
		return -1;
	if (!link_is_running(&link))
		return 0;
	return err_set(e, ERR_STATE, NULL, "link %s still has tentative addresses after %d ms",
		       p->rq->ifname, DETECTION_MS);
}

int pod_configure(struct pod *p, const struct cni_result *rs, const struct pod_setup *setup,
		  struct err *e)
{
	struct settings settings = {.p = p, .setup = setup};
	int index;

	if ((has_ipv6(rs) && netns_run(&p->netns, apply_settings, &settings, e)) ||
	    link_index(&p->in, p->rq->ifname, &index, e))
		return -1;
	if (!index)
		return err_set(e, ERR_TRY_AGAIN, "set up pod link", "%s vanished again",
			       p->rq->ifname);
	if (apply_result(p, index, rs, setup, e))
		return -1;
	if (setup->detect_duplicates && gateway_of(rs, 6).family)
		return await_detection(p, index, e);
	return 0;
}

/* The link that lacks its carrier; NULL: none. The port first: with it, the bridge's comes. */
static const char *without_carrier(struct pod *p, const char *bridge)
{
	if (link_lacks_carrier(&p->host.route, p->host_name))
		return p->host_name;
	return bridge && link_lacks_carrier(&p->host.route, bridge) ? bridge : NULL;
}

int pod_await_carrier(struct pod *p, const char *bridge, struct link *host, struct err *e)
{
	static const struct timespec pause = {.tv_nsec = CARRIER_LOOK_MS * 1000000L};
	const char *lacking = NULL;

	for (int waited = 0; waited < CARRIER_MS; waited += CARRIER_LOOK_MS) {
		lacking = without_carrier(p, bridge);
		/* This answer comes when the kernel has also acted on what it has heard. */
		if (!lacking && link_look(&p->host.route, p->host_name, host, e))
			return -1;
		if (!lacking && link_is_running(host))
			return 0;
		nanosleep(&pause, NULL);
	}
	return err_set(e, ERR_STATE, "await carrier", "%s %s", lacking ? lacking : p->host_name,
		       lacking ? "has no carrier" : "is down");
}
