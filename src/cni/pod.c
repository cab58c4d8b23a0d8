#include "cni/pod.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "cni/gc.h"
#include "cni/plugin.h"

/* Before the owner in a host end's alias. */
static const char mark[] = "cnibox ";

void pod_begin(struct pod *p, const struct cni_request *rq)
{
	memset(p, 0, sizeof(*p));
	p->rq = rq;
	p->host.route.fd = p->host.netfilter.fd = p->in.fd = -1;
	p->netns.fd = p->netns.host = -1;
	names_host_link(p->host_name, rq->network, rq->container_id, rq->ifname);
	names_owner(p->owner, rq->network, rq->container_id, rq->ifname);
}

void pod_end(struct pod *p)
{
	node_sockets_close(&p->host);
	nl_close(&p->in);
	netns_close(&p->netns);
}

int pod_enter(struct pod *p, struct err *e)
{
	return netns_open(&p->netns, p->rq->netns, &p->host.route, &p->in, e);
}

int pod_enter_if_there(struct pod *p, struct err *e)
{
	if (!*p->rq->netns)
		return 0;
	if (pod_enter(p, e) == 0)
		return 1;
	/* Gone, or never one; or the host's own, in which no pod has ever been. */
	if (e->code != ERR_ENV && e->code != ERR_NETNS)
		return -1;
	err_clear(e);
	return 0;
}

/* --- making ------------------------------------------------------------------------------------ */

int pod_demand_room(struct pod *p, struct err *e)
{
	int taken;

	if (link_index(&p->in, p->rq->ifname, &taken, e))
		return -1;
	if (!taken)
		return 0;
	return err_set(e, ERR_STATE, "create veth pair",
		       "CNI_IFNAME=%s exists already in CNI_NETNS=%s", p->rq->ifname, p->rq->netns);
}

/* One end of the pair is there already: which? */
static int refuse_existing(struct pod *p, const struct err *why, struct err *e)
{
	if (pod_demand_room(p, e))
		return -1;
	*e = *why;
	err_hint(e, "the host link %s exists: DEL this container first", p->host_name);
	return -1;
}

int pod_connect(struct pod *p, struct pod_link *link, bool marked, const struct bridge_port *port,
		struct err *e)
{
	char alias[LINK_ALIAS];
	struct err why = {0};
	struct nl_batch b;

	snprintf(alias, sizeof(alias), "%s%s", mark, p->owner);
	link->host_name = p->host_name;
	names_host_mac(link->host_mac, p->host_name);
	link->pod_name = p->rq->ifname;
	link->netns = p->netns.fd;
	nl_batch_init(&b);
	put_pod_link(&b, link);
	if (marked)
		put_alias(&b, p->host_name, 0, alias);
	if (port && (port->hairpin || port->isolated))
		put_port_flags(&b, p->host_name, port);
	if (link_create(&p->host.route, &b, "CONFIG_VETH", &why) == 0)
		return 0;
	if (why.sys == EEXIST)
		return refuse_existing(p, &why, e);
	*e = why;
	/* The pair may be there: without its marks, or without our hearing of it. */
	if (pod_remove_link(&p->host.route, p->host_name, &why))
		log_line("undo: %s", why.msg);
	return -1;
}

/* --- removing ---------------------------------------------------------------------------------- */

int pod_remove_link(struct nl_sock *route, const char *host_name, struct err *e)
{
	int index;

	if (link_index(route, host_name, &index, e))
		return -1;
	return link_remove_quickly(route, NULL, index, e);
}

/*
 * A pod end whose other end has a name that is not of our making: the reference plugin, or the
 * walkthrough's bash, made it before an upgrade. A name of our making is another container's, to
 * which the path belongs now.
 */
static int find_foreign(struct pod *p, const char *bridge, int *index, struct err *e)
{
	struct link in, host, master;
	int there = pod_enter_if_there(p, e);

	if (there <= 0)
		return there;
	if (link_look(&p->in, p->rq->ifname, &in, e))
		return -1;
	if (!in.index || strcmp(in.kind, "veth") != 0)
		return 0;
	if (link_look_index(&p->host.route, in.peer, &host, e) ||
	    link_look_index(&p->host.route, host.master, &master, e))
		return -1;
	if (host.peer == in.index && !names_is_host_link(host.name) &&
	    (!bridge || strcmp(bridge, master.name) == 0))
		*index = host.index;
	return 0;
}

int pod_disconnect(struct pod *p, const char *bridge, int (*rules)(struct pod *p, struct err *e),
		   struct err *e)
{
	struct err later = {0};
	int failed, index;

	if (link_index(&p->host.route, p->host_name, &index, e) ||
	    (!index && find_foreign(p, bridge, &index, e)))
		return -1;
	failed = rules ? rules(p, e) : 0;
	failed |=
		link_remove_quickly(&p->host.route, &p->host.netfilter, index, failed ? &later : e);
	return failed;
}

/* --- collecting what is left over -------------------------------------------------------------- */

int pod_owners_read(struct pod_owners *valid, const struct cni_request *rq, struct err *e)
{
	struct cni_attachments list;

	if (cni_attachments_read(&list, rq, e))
		return -1;
	valid->owner = arena_take(list.count * sizeof(*valid->owner) + 1, e);
	valid->count = list.count;
	for (unsigned i = 0; valid->owner && i < list.count; i++)
		names_owner(valid->owner[i], rq->network, list.item[i].container_id,
			    list.item[i].ifname);
	return valid->owner ? 0 : -1;
}

bool pod_keep_valid(const char *owner, void *arg)
{
	const struct pod_owners *valid = arg;

	for (unsigned i = 0; i < valid->count; i++)
		if (strcmp(valid->owner[i], owner) == 0)
			return true;
	return !cni_gc_removes("link or rule, %s", owner);
}

#define REMOVED_AT_ONCE 256

struct collection {
	const char *network;
	nft_keep_fn *keep;
	void *arg;
	int index[REMOVED_AT_ONCE];
	unsigned count;
};

static void collect(const struct link *link, void *arg)
{
	const char *owner = link->alias + strlen(mark);
	struct collection *c = arg;

	if (c->count < REMOVED_AT_ONCE && names_is_host_link(link->name) &&
	    strncmp(link->alias, mark, strlen(mark)) == 0 && names_is_of(owner, c->network) &&
	    !c->keep(owner, c->arg))
		c->index[c->count++] = link->index;
}

int pod_disconnect_others(struct pod *p, nft_keep_fn *keep, void *arg, struct err *e)
{
	static struct collection c;
	struct err first = {0};

	do {
		c = (struct collection){.network = p->rq->network, .keep = keep, .arg = arg};
		if (link_each(&p->host.route, "veth", collect, &c, e))
			return -1;
		for (unsigned i = 0; i < c.count; i++) {
			struct err why = {0};

			if (link_remove_quickly(&p->host.route, &p->host.netfilter, c.index[i],
						&why) &&
			    !first.code)
				first = why;
		}
	} while (c.count == REMOVED_AT_ONCE && !first.code);
	if (first.code)
		*e = first;
	return first.code ? -1 : 0;
}
