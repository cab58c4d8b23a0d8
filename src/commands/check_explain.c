/* cni-check gives every target that is silent the finding that says why. */
#include <stdio.h>
#include <string.h>

#include "commands/check.h"
#include "net/address.h"

static const struct check_finding *general(const struct check *c, unsigned i)
{
	const struct ip *to = &c->ping[i].to;

	for (unsigned n = 0; n < c->findings; n++) {
		const struct check_finding *f = &c->finding[n];

		if (f->kinds & CHECK_BIT(c->target[i].kind) &&
		    (!f->family || f->family == to->family) &&
		    (!f->target.family || ip_equal(&f->target, to)))
			return f;
	}
	return NULL;
}

/* The node sends it on; whoever is next must know both nodes' ranges. */
static struct check_finding *blame_next_hop(struct check *c, const struct ping *p,
					    const struct route *r)
{
	const struct prefix *subnet = &check_range(c, &p->to)->subnet;
	char to[IP_TEXT], next[IP_TEXT], range[PREFIX_TEXT], said[160] = "", from[IP_TEXT];

	if (p->complaint)
		snprintf(said, sizeof(said), "; %s says: %s", ip_format(from, &p->complaint_from),
			 p->complaint);
	return check_found(
		c, "network-route-missing", 0, p->to.family,
		"a route for each node's range there, in GCE: gcloud compute routes "
		"create <node> --destination-range <its range> --next-hop-instance <node>",
		"no route to that range: the node leaves %s to its default gateway %s, "
		"which must know the ranges of both nodes (%s here)%s",
		ip_format(to, &p->to), ip_format(next, &r->gateway), prefix_format(range, subnet),
		said);
}

/* Everything that can be seen here is in order. */
static int look_farther(struct check *c, unsigned i, struct check_finding **found, struct err *e)
{
	const struct check_target *t = &c->target[i];
	const struct ping *p = &c->ping[i];
	char text[IP_TEXT];
	struct route r;

	if (t->kind == CHECK_POD_ELSEWHERE) {
		if (route_look(&c->host.route, &p->to, &r, e))
			return -1;
		if (r.found && r.gateway.family && r.prefix_len == 0) {
			*found = blame_next_hop(c, p, &r);
			return 0;
		}
	}
	ip_format(text, &p->to);
	if (p->complaint) {
		char from[IP_TEXT];

		*found = check_found(c, "router-complains", 0, p->to.family,
				     "look there: what it says is its own", "%s: %s says: %s", text,
				     ip_format(from, &p->complaint_from), p->complaint);
	} else if (p->send_error) {
		*found = check_found(c, "cannot-send", 0, p->to.family,
				     "DEL the pod and ADD it again", "%s: it cannot be sent: %s",
				     text, strerror(p->send_error));
	} else {
		*found = check_found(
			c, "nothing-found", 0, p->to.family,
			t->kind == CHECK_POD_ELSEWHERE
				? "look at that node with cni-check"
				: "look at that host, or at the network between",
			"no answer from %s, and nothing wrong is to be seen on this node", text);
	}
	return 0;
}

/* On the bridge, it is known whether anybody has the address. */
static struct check_finding *look_on_bridge(struct check *c, unsigned i)
{
	const struct check_target *t = &c->target[i];
	char text[IP_TEXT];

	ip_format(text, &c->ping[i].to);
	if (!t->asked)
		return NULL;
	if (!t->there)
		return check_found(
			c, "pod-gone", 0, c->ping[i].to.family, "DEL that pod and ADD it again",
			"nobody on bridge %s has %s: its pod is gone, or its link there is "
			"down",
			c->net.bridge, text);
	return check_found(
		c, "pod-mute", 0, c->ping[i].to.family, "look into that pod",
		"%s is on bridge %s and says its MAC address, but answers no ping: rules "
		"of its own, or no way back",
		text, c->net.bridge);
}

static int explain(struct check *c, unsigned i, struct check_finding **found, struct err *e)
{
	if (c->target[i].too_big)
		return check_target_size(c, i, found, e);
	if (check_target_route(c, i, found, e))
		return -1;
	if (!*found && check_target_rules(c, i, true, found, e))
		return -1;
	if (!*found)
		*found = look_on_bridge(c, i);
	return *found ? 0 : look_farther(c, i, found, e);
}

int check_explain(struct check *c, struct err *e)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct check_finding *found = NULL;

		if (check_passed(c, i))
			continue;
		if (!c->target[i].too_big && !c->target[i].why)
			c->target[i].why = general(c, i);
		if (c->target[i].why)
			continue;
		if (explain(c, i, &found, e))
			return -1;
		c->target[i].why = found;
	}
	return 0;
}
