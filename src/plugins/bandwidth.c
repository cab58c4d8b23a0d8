/*
 * bandwidth: limits the rate at which a pod receives (ingress) and sends (egress). A chained plugin,
 * behind one that made a veth pair: a TBF on the host end limits what goes to the pod; what comes
 * from it is redirected to an IFB that has a TBF of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "applet.h"
#include "base/arena.h"
#include "base/log.h"
#include "cni/gc.h"
#include "cni/previous.h"
#include "net/link.h"
#include "net/netns.h"
#include "net/qdisc.h"
#include "netfilter/owner.h"
#include "netfilter/reference.h"

#define IFB_PREFIX	"bwp"
#define IFB_DIGITS	12
#define BURST_BYTES_MAX UINT32_MAX /* this many are too many: the kernel counts in 32 bits */

/* Bits a second, and bits; 0: no limit. */
struct limit {
	uint64_t rate, burst;
};

struct bandwidth_conf {
	struct limit ingress, egress;
};

struct bandwidth_job {
	const struct cni_request *rq;
	struct bandwidth_conf conf;
	struct nl_sock route;
	struct link host; /* the pod's host end */
};

static void end(struct bandwidth_job *j)
{
	nl_close(&j->route);
}
#define cleanup_bandwidth on_scope_exit(end)

/* --- configuration ----------------------------------------------------------------------------- */

static int read_limit(struct limit *l, struct json from, const char *rate, const char *burst,
		      struct err *e)
{
	l->rate = json_u64(json_get(from, rate), 0, UINT64_MAX);
	l->burst = json_u64(json_get(from, burst), 0, UINT64_MAX);
	if (e->code)
		return -1;
	if (l->rate && !l->burst)
		return err_set(e, ERR_CONFIG, NULL, "if rate is set, burst must also be set");
	if (l->burst && !l->rate)
		return err_set(e, ERR_CONFIG, NULL, "if burst is set, rate must also be set");
	if (l->burst / 8 >= BURST_BYTES_MAX)
		return err_set(e, ERR_CONFIG, NULL, "burst cannot be more than 4GB");
	return 0;
}

/* One key in the plugin's object, and what the runtime says counts for nothing. */
static int read_conf(struct bandwidth_conf *c, const struct cni_request *rq, struct err *e)
{
	static const char *const keys[] = {"ingressRate", "ingressBurst", "egressRate",
					   "egressBurst"};
	struct json from = json_get(json_get(rq->conf, "runtimeConfig"), "bandwidth");

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (json_present(json_get(rq->conf, keys[i])))
			from = rq->conf;
	if (read_limit(&c->ingress, from, keys[0], keys[1], e))
		return -1;
	return read_limit(&c->egress, from, keys[2], keys[3], e);
}

/* --- names ------------------------------------------------------------------------------------- */

/*
 * The reference's name, which says nothing of the interface; a second interface of a container on
 * the same network gets one that does.
 */
static void ifb_name(char name[static LINK_NAME], const struct cni_request *rq, bool second)
{
	char id[512];

	snprintf(id, sizeof(id), "%s%s", rq->container_id, second ? rq->ifname : "");
	snprintf(name, LINK_NAME, "%s", IFB_PREFIX);
	reference_hash(name + strlen(IFB_PREFIX), IFB_DIGITS, rq->network, id);
}

/* What is written on an IFB: "cnibox NETWORK CONTAINER_ID IFNAME", cut to what there is room for. */
static void ifb_alias(char alias[static LINK_ALIAS], const char *network, const char *container_id,
		      const char *ifname)
{
	snprintf(alias, LINK_ALIAS, "cnibox %s %s %s", network, container_id, ifname);
}

/* The attachment's IFB, by either name. One without an alias is the reference's. */
static int find_ifb(struct nl_sock *route, const struct cni_request *rq, struct link *ifb,
		    char free_name[static LINK_NAME], struct err *e)
{
	char alias[LINK_ALIAS], name[LINK_NAME];

	ifb_alias(alias, rq->network, rq->container_id, rq->ifname);
	*free_name = '\0';
	for (unsigned second = 0; second < 2; second++) {
		ifb_name(name, rq, second);
		if (link_look(route, name, ifb, e))
			return -1;
		if (ifb->index && (!*ifb->alias || strcmp(ifb->alias, alias) == 0))
			return 0;
		if (!ifb->index && !*free_name)
			memcpy(free_name, name, LINK_NAME);
		ifb->index = 0;
	}
	return 0;
}

/* --- the pod's host end ------------------------------------------------------------------------ */

static int find_host_end(struct bandwidth_job *j, struct err *e)
{
	cleanup_netns struct netns netns = {-1, -1};
	cleanup_nl struct nl_sock inside = {.fd = -1};
	const char *ifname = j->rq->ifname;
	struct link pod;

	if (netns_open(&netns, j->rq->netns, &j->route, &inside, e) ||
	    link_look(&inside, ifname, &pod, e))
		return -1;
	if (!pod.index)
		return err_set(e, ERR_STATE, "look up link", "%s does not exist in CNI_NETNS=%s",
			       ifname, j->rq->netns);
	if (!pod.peer || strcmp(pod.kind, "veth") != 0)
		return err_set(e, ERR_STATE, NULL,
			       "container interface %s has no veth peer: it is a %s", ifname,
			       *pod.kind ? pod.kind : "device");
	if (link_look_index(&j->route, pod.peer, &j->host, e))
		return -1;
	if (!j->host.index || j->host.peer != pod.index || strcmp(j->host.kind, "veth") != 0)
		return err_set(e, ERR_STATE, NULL, "veth peer with index %d is not in host ns",
			       pod.peer);
	return 0;
}

/* --- ADD --------------------------------------------------------------------------------------- */

static int report_ifb(struct cni_result *rs, const char *name, const uint8_t mac[static MAC_BYTES],
		      struct err *e)
{
	struct cni_interface *interface = cni_result_interface(rs, e);
	char *text = arena_take(MAC_TEXT, e), *copy = arena_text(name, strlen(name), e);

	if (!interface || !text || !copy)
		return -1;
	interface->name = copy;
	interface->mac = names_format_mac(text, mac);
	return 0;
}

static int limit_egress(struct bandwidth_job *j, struct cni_result *rs, struct err *e)
{
	struct tbf tbf = tbf_of(j->conf.egress.rate, j->conf.egress.burst);
	char name[LINK_NAME], alias[LINK_ALIAS];
	uint8_t mac[MAC_BYTES];
	struct link ifb;

	if (find_ifb(&j->route, j->rq, &ifb, name, e))
		return -1;
	if (ifb.index) { /* of an ADD that was cut off */
		if (link_remove(&j->route, ifb.index, e))
			return -1;
		memcpy(name, ifb.name, LINK_NAME);
	}
	ifb_alias(alias, j->rq->network, j->rq->container_id, j->rq->ifname);
	names_host_mac(mac, name);
	if (ifb_create(&j->route, name, j->host.mtu, mac, alias, e) ||
	    link_look(&j->route, name, &ifb, e) || qdisc_shape(&j->route, ifb.index, &tbf, e) ||
	    qdisc_redirect(&j->route, j->host.index, ifb.index, e))
		return -1;
	return report_ifb(rs, name, mac, e);
}

static int remove_ifb(struct nl_sock *route, const struct cni_request *rq, struct err *e)
{
	char name[LINK_NAME];
	struct link ifb;

	if (find_ifb(route, rq, &ifb, name, e))
		return -1;
	return link_remove_quickly(route, NULL, ifb.index, e);
}

static int limit(struct bandwidth_job *j, struct cni_result *rs, struct err *e)
{
	if (j->conf.ingress.rate) {
		struct tbf tbf = tbf_of(j->conf.ingress.rate, j->conf.ingress.burst);

		if (qdisc_shape(&j->route, j->host.index, &tbf, e))
			return -1;
	}
	return j->conf.egress.rate ? limit_egress(j, rs, e) : 0;
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	cleanup_bandwidth struct bandwidth_job j = {.rq = rq, .route.fd = -1};
	struct err why = {0};

	if (read_conf(&j.conf, rq, e) ||
	    cni_previous_demand(rs, rq, "must be called as chained plugin", e))
		return -1;
	if (!j.conf.ingress.rate && !j.conf.egress.rate)
		return 0;
	if (nl_open(&j.route, NL_ROUTE, e) || find_host_end(&j, e))
		return -1;
	if (limit(&j, rs, e) == 0)
		return 0;
	if (qdisc_clear(&j.route, j.host.index, &why) || remove_ifb(&j.route, rq, &why))
		log_line("undo: %s", why.msg);
	return -1;
}

/* --- the other verbs --------------------------------------------------------------------------- */

/* The TBF of the host end goes with it. */
static int del(const struct cni_request *rq, struct err *e)
{
	cleanup_nl struct nl_sock route = {.fd = -1};

	return nl_open(&route, NL_ROUTE, e) || remove_ifb(&route, rq, e) ? -1 : 0;
}

static int check_tbf(const struct qdisc_state *state, const struct limit *limit, const char *link,
		     struct err *e)
{
	static const char doing[] = "check bandwidth";
	struct tbf want = tbf_of(limit->rate, limit->burst);

	if (!state->shaped)
		return err_set(e, ERR_STATE, doing, "Failed to find qdisc: %s has no TBF", link);
	if (state->tbf.rate != want.rate)
		return err_set(e, ERR_STATE, doing,
			       "Rate doesn't match: %s has %llu bytes a second, not %llu", link,
			       (unsigned long long)state->tbf.rate, (unsigned long long)want.rate);
	if (state->tbf.limit != want.limit)
		return err_set(e, ERR_STATE, doing, "Limit doesn't match: %s has %u bytes, not %u",
			       link, state->tbf.limit, want.limit);
	if (state->tbf.buffer != want.buffer)
		return err_set(e, ERR_STATE, doing, "Buffer doesn't match: %s has %u ticks, not %u",
			       link, state->tbf.buffer, want.buffer);
	return 0;
}

static int check_egress(struct bandwidth_job *j, const struct qdisc_state *host, struct err *e)
{
	struct qdisc_state state;
	char name[LINK_NAME];
	struct link ifb;

	if (find_ifb(&j->route, j->rq, &ifb, name, e))
		return -1;
	if (!ifb.index)
		return err_set(e, ERR_STATE, "check bandwidth", "get ifb device: %s does not exist",
			       name);
	if (!ifb.up || host->redirect != ifb.index)
		return err_set(e, ERR_STATE, "check bandwidth", "%s %s", ifb.name,
			       ifb.up ? "does not get what the pod sends" : "is down");
	if (qdisc_look(&j->route, ifb.index, &state, e))
		return -1;
	return check_tbf(&state, &j->conf.egress, ifb.name, e);
}

static int check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	cleanup_bandwidth struct bandwidth_job j = {.rq = rq, .route.fd = -1};
	struct qdisc_state host;

	if (read_conf(&j.conf, rq, e) ||
	    cni_previous_demand(&prev, rq, "must be called as chained plugin", e))
		return -1;
	if (!j.conf.ingress.rate && !j.conf.egress.rate)
		return 0;
	if (nl_open(&j.route, NL_ROUTE, e) || find_host_end(&j, e) ||
	    qdisc_look(&j.route, j.host.index, &host, e))
		return -1;
	if (j.conf.ingress.rate && check_tbf(&host, &j.conf.ingress, j.host.name, e))
		return -1;
	return j.conf.egress.rate ? check_egress(&j, &host, e) : 0;
}

struct collection {
	const struct cni_gc *gc;
	struct nl_sock *route;
	struct err *e;
};

static void collect_ifb(const struct link *ifb, void *arg)
{
	const struct collection *c = arg;
	const struct cni_attachments *valid = &c->gc->valid;
	char alias[LINK_ALIAS], network[LINK_ALIAS];

	snprintf(network, sizeof(network), "cnibox %s ", c->gc->network);
	if (strncmp(ifb->alias, network, strlen(network)) != 0)
		return;
	for (unsigned i = 0; i < valid->count; i++) {
		ifb_alias(alias, c->gc->network, valid->item[i].container_id,
			  valid->item[i].ifname);
		if (strcmp(alias, ifb->alias) == 0)
			return;
	}
	if (cni_gc_removes("link %s, rate limit of %s", ifb->name,
			   ifb->alias + strlen("cnibox ")) &&
	    link_remove(c->route, ifb->index, c->e))
		log_line("%s", c->e->msg);
}

static int gc(const struct cni_request *rq, struct err *e)
{
	/* One lists the links, the other removes them. */
	cleanup_nl struct nl_sock list = {.fd = -1}, route = {.fd = -1};
	struct cni_gc g;
	struct err first = {0};
	struct collection c = {&g, &route, &first};

	if (cni_gc_begin(&g, rq, e) || nl_open(&list, NL_ROUTE, e) ||
	    nl_open(&route, NL_ROUTE, e) || link_each(&list, "ifb", collect_ifb, &c, e))
		return -1;
	if (first.code)
		*e = first;
	return first.code ? -1 : 0;
}

/* In a namespace of its own: all that an ADD needs of the kernel. */
static int try_add(void *arg, struct err *e)
{
	static const uint8_t mac[MAC_BYTES] = {0xfe, 1};
	cleanup_nl struct nl_sock route = {.fd = -1};
	struct tbf tbf = tbf_of(8000000, 8000000);
	struct link ifb, other;

	(void)arg;
	if (nl_open(&route, NL_ROUTE, e) || ifb_create(&route, "bwp0", 1500, mac, "status", e) ||
	    ifb_create(&route, "bwp1", 1500, mac, "status", e) ||
	    link_look(&route, "bwp0", &ifb, e) || link_look(&route, "bwp1", &other, e))
		return -1;
	return qdisc_shape(&route, ifb.index, &tbf, e) ||
	       qdisc_redirect(&route, other.index, ifb.index, e);
}

static int status(const struct cni_request *rq, struct err *e)
{
	struct bandwidth_conf conf;

	if (read_conf(&conf, rq, e))
		return -1;
	if (netns_try(try_add, NULL, e) == 0)
		return 0;
	e->code = ERR_UNAVAILABLE;
	return -1;
}

static const struct cni_plugin plugin = {
	.name = "bandwidth",
	.since = CNI_0_3_0,
	.add = add,
	.del = del,
	.check = check,
	.gc = gc,
	.status = status,
};

const struct applet applet_bandwidth = {
	.name = "bandwidth",
	.summary = "CNI plugin: limits a pod's rates",
	.help = "usage: bandwidth           called by a container runtime, never by hand\n"
		"\n"
		"CNI plugin, behind one that gives the pod a veth pair: limits the rate at which the\n"
		"pod receives (ingress) and sends (egress), each by a token bucket.\n"
		"\n"
		"Keys, here or from the runtime in runtimeConfig.bandwidth:\n"
		"  ingressRate, egressRate    bits a second\n"
		"  ingressBurst, egressBurst  bits that may come at once\n"
		"\n"
		"'tc qdisc show' shows what is limited; a pod that may not send at will has a link\n" IFB_PREFIX
		"... of its own.\n"
		"\n"
		"Example:\n"
		"  {\"cniVersion\": \"1.0.0\", \"name\": \"mynet\", \"plugins\": [\n"
		"    {\"type\": \"bash-cni\", \"subnet\": \"10.244.0.0/24\"},\n"
		"    {\"type\": \"bandwidth\", \"capabilities\": {\"bandwidth\": true}}]}\n",
	.plugin = &plugin,
};
