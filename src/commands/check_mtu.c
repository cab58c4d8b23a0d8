/*
 * cni-check looks for the size of packets that still pass, where full-sized ones are lost without a
 * word, by pings with DF: many sizes at once, then those between the last that passed and the first
 * that did not.
 */
#include <stdio.h>
#include <string.h>

#include "commands/check.h"

#define SMALLEST 84 /* what was answered before */

struct search {
	struct check *c;
	struct ping_sockets s;
	struct ip to;
	uint32_t passes, lost; /* bytes of the whole packet */
};

static int open_sockets(void *arg, struct err *e)
{
	return ping_open(arg, e);
}

/* One round of sizes between passes and lost, both excluded. */
static int narrow(struct search *s, struct err *e)
{
	static struct ping ping[PING_MAX];
	uint32_t gap = s->lost - s->passes, step = (gap + PING_MAX) / (PING_MAX + 1);
	unsigned n = 0;

	for (uint32_t size = s->passes + step; size < s->lost && n < PING_MAX; size += step)
		ping[n++] = (struct ping){.to = s->to, .size = size};
	if (ping_all(&s->s, ping, n, s->c->timeout_ms, e))
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (ping[i].answered)
			s->passes = ping[i].size;
	for (unsigned i = n; i-- > 0;)
		if (!ping[i].answered && ping[i].size > s->passes)
			s->lost = ping[i].size;
	return 0;
}

static int find_size(struct search *s, struct err *e)
{
	struct check *c = s->c;

	s->s = (struct ping_sockets){.v4 = -1, .v6 = -1};
	if (c->in_pod ? netns_run(&c->netns, open_sockets, &s->s, e) : ping_open(&s->s, e))
		return -1;
	while (s->lost - s->passes > 1) {
		if (narrow(s, e)) {
			ping_close(&s->s);
			return -1;
		}
	}
	ping_close(&s->s);
	return 0;
}

int check_target_size(struct check *c, unsigned i, struct check_finding **found, struct err *e)
{
	struct search s = {
		.c = c, .to = c->ping[i].to, .passes = SMALLEST, .lost = c->ping[i].size};
	const struct check_target *t = &c->target[i];
	char fix[CHECK_FIX], where[160];
	const struct link *tight = NULL;
	struct link other = {0};

	if (find_size(&s, e) || (*t->link && link_look(&c->host.route, t->link, &other, e)))
		return -1;
	/* A bridge drops what is too big for a port, a veth what is too big for its other end. */
	if (c->port.index && c->port.mtu <= s.passes)
		tight = &c->port;
	else if (t->kind == CHECK_POD_HERE && other.index && other.mtu <= s.passes)
		tight = &other;
	if (tight) {
		snprintf(where, sizeof(where), "the MTU of %s is %u, that of the pod %u",
			 tight->name, tight->mtu, c->pod_link.mtu);
		snprintf(fix, sizeof(fix), "ip link set %s mtu %u", tight->name, c->pod_link.mtu);
	} else if (CHECK_BIT(t->kind) & CHECK_FAR && c->uplink.index && s.passes < c->uplink.mtu) {
		snprintf(where, sizeof(where),
			 "a link beyond %s, whose MTU is %u, has a smaller one", c->uplink.name,
			 c->uplink.mtu);
		snprintf(fix, sizeof(fix), "ip link set %s mtu %u", c->uplink.name, s.passes);
	} else if (c->in_pod) {
		snprintf(where, sizeof(where),
			 "a link on the way has a smaller MTU than the pod's %s", c->pod_link.name);
		check_in_pod(c, fix, "ip link set %s mtu %u", c->pod_link.name, s.passes);
	} else {
		snprintf(where, sizeof(where), "a link on the way has a smaller MTU");
		snprintf(fix, sizeof(fix), "set \"mtu\": %u in the configuration", s.passes);
	}
	*found = check_found(c, "mtu-black-hole", 0, c->ping[i].to.family, fix,
			     "packets of up to %u bytes pass, larger ones are lost without a word: "
			     "%s",
			     s.passes, where);
	return 0;
}
