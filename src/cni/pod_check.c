#include <string.h>

#include "cni/pod.h"
#include "cni/previous.h"
#include "net/address.h"
#include "net/route.h"

static int check_mac(const struct cni_interface *said, const struct link *link, struct err *e)
{
	char mac[MAC_TEXT];

	names_format_mac(mac, link->mac);
	if (!*said->mac || strcasecmp(said->mac, mac) == 0)
		return 0;
	return err_set(e, ERR_STATE, NULL, "Interface %s Mac %s doesn't match container Mac: %s",
		       said->name, said->mac, mac);
}

static int find_pod_end(struct pod *p, const struct cni_result *prev, struct link *in,
			struct err *e)
{
	const char *ifname = p->rq->ifname;
	const struct cni_interface *said = cni_previous_pod(prev, p->rq);

	if (!said || strcmp(said->sandbox, p->rq->netns) != 0)
		return err_set(e, ERR_STATE, NULL,
			       "Sandbox in prevResult %s doesn't match configured netns: %s",
			       said ? said->sandbox : "", p->rq->netns);
	if (link_look(&p->in, ifname, in, e))
		return -1;
	if (!in->index)
		return err_set(e, ERR_STATE, NULL, "Interface name %s not found in CNI_NETNS=%s",
			       ifname, p->rq->netns);
	if (strcmp(in->kind, "veth") != 0)
		return err_set(e, ERR_STATE, NULL, "Error: Container interface %s not of type veth",
			       ifname);
	return check_mac(said, in, e);
}

/* By its derived name; or, when the reference plugin made it, as the other end of the pod's. */
static int find_host_end(struct pod *p, const struct link *in, struct link *host, struct err *e)
{
	if (link_look(&p->host.route, p->host_name, host, e))
		return -1;
	if (!host->index && link_look_index(&p->host.route, in->peer, host, e))
		return -1;
	if (!host->index || host->peer != in->index)
		return err_set(e, ERR_STATE, NULL, "the host end of %s, %s, does not exist",
			       p->rq->ifname, p->host_name);
	if (!host->up)
		return err_set(e, ERR_STATE, NULL, "the host end of %s, %s, is down", p->rq->ifname,
			       host->name);
	return 0;
}

static int check_address(struct pod *p, const struct link *in, const struct cni_address *a,
			 struct err *e)
{
	char text[PREFIX_TEXT];
	bool found;

	if (address_look(&p->in, in->index, &a->address, &found, e))
		return -1;
	if (!found)
		return err_set(e, ERR_STATE, NULL, "Failed to match addr %s on interface %s",
			       prefix_format(text, &a->address), p->rq->ifname);
	return 0;
}

static int check_route(struct pod *p, const struct cni_route *r, struct err *e)
{
	struct route_spec spec = {
		.dst = r->dst, .gateway = r->gw, .table = r->table > 0 ? (uint32_t)r->table : 0};
	char text[PREFIX_TEXT], gateway[IP_TEXT];
	bool found;

	if (route_exists(&p->in, &spec, &found, e))
		return -1;
	if (!found)
		return err_set(e, ERR_STATE, NULL,
			       "Expected Route %s%s%s not found in routing table",
			       prefix_format(text, &r->dst), r->gw.family ? " via " : "",
			       r->gw.family ? ip_format(gateway, &r->gw) : "");
	return 0;
}

int pod_check(struct pod *p, const struct cni_result *prev, struct link *in, struct link *host,
	      struct err *e)
{
	if (find_pod_end(p, prev, in, e) || find_host_end(p, in, host, e))
		return -1;
	for (unsigned i = 0; i < prev->ip_count; i++)
		if (cni_previous_is_pods(prev, &prev->ips[i], p->rq) &&
		    check_address(p, in, &prev->ips[i], e))
			return -1;
	for (unsigned i = 0; i < prev->route_count; i++)
		if (check_route(p, &prev->routes[i], e))
			return -1;
	return 0;
}
