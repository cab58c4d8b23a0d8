/*
 * cni-check: the walkthrough's connectivity matrix from a pod, or from the node, with the cause of
 * every failure, and whatever else is wrong with the node.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applet.h"
#include "base/number.h"
#include "base/say.h"
#include "cni/bash_conf.h"
#include "commands/check.h"
#include "commands/command.h"
#include "net/address.h"
#include "net/netstat.h"
#include "json/writer.h"

#define NAME	       "cni-check"
#define CONF_FILE      "/etc/cni/net.d/10-bash-cni-plugin.conf"
#define TIMEOUT_MS     1000
#define TIMEOUT_MS_MAX 60000
#define IPV6_MIN_MTU   1280

struct flags {
	const char *conf, *netns;
	const char *peer[CHECK_TARGETS_MAX], *outside[CHECK_TARGETS_MAX];
	unsigned peers, outsides;
	uint32_t timeout_ms;
	bool json;
};

static struct check check;

static int add_target(struct check *c, enum check_kind kind, const struct ip *to, struct err *e)
{
	if (c->count == CHECK_TARGETS_MAX)
		return err_set(e, ERR_USAGE, NULL, "more than %d addresses", CHECK_TARGETS_MAX);
	c->target[c->count].kind = kind;
	c->ping[c->count].to = *to;
	c->count++;
	return 0;
}

/* Which of the walkthrough's kinds an address is, seen from this node. */
static enum check_kind kind_of(const struct check *c, const struct ip *ip)
{
	const struct pod_range *range = &c->net.range[ip->family == 6];

	if (range->subnet.ip.family && prefix_contains(&range->subnet, ip))
		return CHECK_POD_HERE;
	if (range->network.ip.family && prefix_contains(&range->network, ip))
		return CHECK_POD_ELSEWHERE;
	return CHECK_OTHER_HOST;
}

/* The node's own address: what it would itself send to the outside from. */
static int add_own_host(struct check *c, uint8_t family, struct err *e)
{
	struct ip outside = route_outside(family);
	struct prefix own = {0};
	struct route r;

	if (route_look(&c->host.route, &outside, &r, e))
		return -1;
	if (r.found && address_first(&c->host.route, r.link, family, false, &own, e))
		return -1;
	if (!own.ip.family) /* no uplink: the gateway's address is the node's, too */
		own.ip = c->net.range[family == 6].gateway;
	return own.ip.family ? add_target(c, CHECK_OWN_HOST, &own.ip, e) : 0;
}

static int add_peers(struct check *c, const char *const *peer, unsigned n, bool outside,
		     uint8_t family, struct err *e)
{
	struct ip ip;

	for (unsigned i = 0; i < n; i++) {
		if (!ip_parse(&ip, peer[i]))
			return err_set(e, ERR_USAGE, NULL, "'%s' is not an IP address", peer[i]);
		if (ip.family == family &&
		    add_target(c, outside ? CHECK_OUTSIDE : kind_of(c, &ip), &ip, e))
			return -1;
	}
	return 0;
}

/* Look the pod over: its addresses, and by them, without a configuration, the network. */
static int open_pod(struct check *c, const char *netns, struct err *e)
{
	if (netns_open(&c->netns, netns, NULL, &c->pod, e))
		return -1;
	c->in_pod = true;
	c->netns_path = netns;
	for (unsigned i = 0; i < POD_FAMILIES; i++) {
		struct pod_range *range = &c->net.range[i];
		struct ip outside = route_outside(i ? 6 : 4);
		struct prefix *own = &c->own[i];
		struct route r;
		int link = 0;

		if (address_first(&c->pod, 0, i ? 6 : 4, false, own, e) ||
		    route_look(&c->pod, &outside, &r, e) ||
		    (own->ip.family && address_link(&c->pod, &own->ip, &link, e)))
			return -1;
		if (link && !c->pod_link.index && link_look_index(&c->pod, link, &c->pod_link, e))
			return -1;
		if (!own->ip.family || range->subnet.ip.family)
			continue;
		range->subnet = range->network = prefix_network(own);
		range->gateway = r.gateway;
	}
	if (!c->own[0].ip.family && !c->own[1].ip.family)
		return err_set(e, ERR_STATE, "look at pod",
			       "--netns %s: no interface has an address", netns);
	return 0;
}

static int gather_targets(struct check *c, const struct flags *f, struct err *e)
{
	const struct prefix *own = c->own;

	if (f->netns && open_pod(c, f->netns, e))
		return -1;
	for (unsigned i = 0; i < POD_FAMILIES; i++) {
		uint8_t family = i ? 6 : 4;

		if (f->netns && !own[i].ip.family)
			continue;
		if ((f->netns && add_own_host(c, family, e)) ||
		    (own[i].ip.family && add_target(c, CHECK_OWN_POD, &own[i].ip, e)) ||
		    add_peers(c, f->peer, f->peers, false, family, e) ||
		    add_peers(c, f->outside, f->outsides, true, family, e))
			return -1;
	}
	if (c->count == 0 && !c->configured)
		return err_set(e, ERR_USAGE, NULL,
			       "nothing to look at: name --conf, --netns, --peer or --outside");
	return 0;
}

static int open_sockets(void *arg, struct err *e)
{
	return ping_open(arg, e);
}

/* Of what a small packet reached, does a full-sized one reach it, too? */
static int ping_full_size(struct check *c, struct ping_sockets *s, unsigned timeout_ms,
			  struct err *e)
{
	static struct ping big[CHECK_TARGETS_MAX];
	unsigned from[CHECK_TARGETS_MAX], n = 0;
	uint32_t size = c->in_pod ? c->pod_link.mtu : c->uplink.mtu;

	if (size < IPV6_MIN_MTU)
		return 0;
	for (unsigned i = 0; i < c->count; i++) {
		if (!c->ping[i].answered)
			continue;
		from[n] = i;
		big[n++] = (struct ping){.to = c->ping[i].to, .size = size};
	}
	if (ping_all(s, big, n, timeout_ms, e))
		return -1;
	for (unsigned i = 0; i < n; i++) {
		/* Who is told of a smaller MTU can adapt to it. */
		if (big[i].answered || big[i].complaint || big[i].send_error)
			continue;
		c->target[from[i]].too_big = true;
		c->ping[from[i]].size = size;
	}
	return 0;
}

static int ping_targets(struct check *c, unsigned timeout_ms, struct err *e)
{
	cleanup_ping struct ping_sockets s = {.v4 = -1, .v6 = -1};

	if (c->in_pod ? netns_run(&c->netns, open_sockets, &s, e) : ping_open(&s, e))
		return -1;
	if (ping_all(&s, c->ping, c->count, timeout_ms, e))
		return -1;
	return ping_full_size(c, &s, timeout_ms, e);
}

static int compare_kinds(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;
	enum check_kind kx = check.target[*x].kind, ky = check.target[*y].kind;

	return kx != ky ? (kx < ky ? -1 : 1) : (*x < *y ? -1 : *x > *y);
}

/* In the walkthrough's order, IPv4 before IPv6 within a kind. */
static void sort_targets(struct check *c)
{
	static struct check_target target[CHECK_TARGETS_MAX];
	static struct ping ping[CHECK_TARGETS_MAX];
	unsigned order[CHECK_TARGETS_MAX] = {0};

	for (unsigned i = 0; i < c->count; i++)
		order[i] = i;
	qsort(order, c->count, sizeof(*order), compare_kinds);
	for (unsigned i = 0; i < c->count; i++) {
		target[i] = c->target[order[i]];
		ping[i] = c->ping[order[i]];
	}
	memcpy(c->target, target, sizeof(target));
	memcpy(c->ping, ping, sizeof(ping));
}

static int read_conf(struct check *c, const struct flags *f, struct err *e)
{
	struct bash_conf conf;

	c->net.bridge = BASH_CONF_BRIDGE;
	if (!f->conf && access(CONF_FILE, R_OK))
		return 0;
	if (bash_conf_file(&conf, f->conf ? f->conf : CONF_FILE, e))
		return -1;
	c->net = conf.net;
	c->data_dir = conf.data_dir;
	c->configured = true;
	if (f->conf && strcmp(f->conf, CONF_FILE) != 0)
		c->conf = f->conf;
	return 0;
}

static uint32_t reverse_path_drops(void)
{
	return netstat_read("TcpExt", "IPReversePathFilter");
}

/* Gives 0 or 1, the exit status, or -1 with e set. */
static int run_check(struct check *c, const struct flags *f, struct err *e)
{
	bool failed = false;
	uint32_t drops;

	c->timeout_ms = f->timeout_ms;
	if (read_conf(c, f, e) || node_sockets_open(&c->host, e) || gather_targets(c, f, e))
		return -1;
	sort_targets(c);
	drops = reverse_path_drops();
	if (ping_targets(c, f->timeout_ms, e))
		return -1;
	c->reverse_path_drops = reverse_path_drops() - drops;
	if (check_links(c, e) || check_routes(c, e) || check_rules(c, e) ||
	    check_neighbours(c, e) || check_explain(c, e))
		return -1;
	for (unsigned i = 0; i < c->count; i++)
		failed |= !check_passed(c, i);
	if (f->json && check_print_json(c, e))
		return -1;
	if (!f->json)
		check_print_table(c);
	return failed || c->findings;
}

static int read_flags(struct flags *f, char **argv, struct err *e)
{
	static const struct command_option options[] = {
		{"--conf", 'c', true},
		{"--netns", 'n', true},
		{"--peer", 'p', true},
		{"--outside", 'o', true},
		{"--timeout", 't', true},
		{"--format", 'f', true},
		{0},
	};
	struct command_words words = {.at = argv + 1};
	int o;

	f->timeout_ms = TIMEOUT_MS;
	while ((o = command_next(&words, options, e)) >= 0) {
		if (o == 'c')
			f->conf = words.value;
		else if (o == 'n')
			f->netns = words.value;
		else if (o == 'p' && f->peers < CHECK_TARGETS_MAX)
			f->peer[f->peers++] = words.value;
		else if (o == 'o' && f->outsides < CHECK_TARGETS_MAX)
			f->outside[f->outsides++] = words.value;
		else if (o == 't') {
			if (!number_parse(&f->timeout_ms, words.value, TIMEOUT_MS_MAX) ||
			    f->timeout_ms == 0)
				return err_set(e, ERR_USAGE, NULL,
					       "--timeout is 1 to 60000 milliseconds, not '%s'",
					       words.value);
		} else if (o == 'f') {
			if (command_format(words.value, &f->json, e))
				return -1;
		} else {
			return err_set(e, ERR_USAGE, NULL, "'%s' is too much", words.value);
		}
	}
	return e->code ? -1 : 0;
}

static int run(char **argv, struct err *e)
{
	struct flags f = {0};

	check.host.route.fd = check.host.netfilter.fd = check.pod.fd = -1;
	check.netns.fd = check.netns.host = -1;
	return read_flags(&f, argv, e) ? -1 : run_check(&check, &f, e);
}

const struct applet applet_cni_check = {
	.name = NAME,
	.summary = "pings what a pod must reach, says what is wrong and what mends it",
	.help = "usage: cni-check [--netns PATH] [--peer IP]... [--outside IP]... [--conf FILE]\n"
		"                 [--timeout MS] [--format=text|json]\n"
		"\n"
		"The walkthrough's six pings, all at once, from the pod whose network namespace is\n"
		"PATH: its own host, other hosts, itself, pods here, pods on other hosts, an address\n"
		"outside. Without --netns the peers are pinged from the node. Then the node and the\n"
		"pod are looked over, whether or not a ping failed: links, addresses, forwarding,\n"
		"routes, rules, neighbours. What is wrong is printed with the command that mends it.\n"
		"Nothing is changed, and no other program is run.\n"
		"\n"
		"  --netns PATH    network namespace of a pod\n"
		"  --peer IP       a host or pod; which of them is seen by the ranges\n"
		"  --outside IP    an address outside\n"
		"  --conf FILE     configuration with the ranges; default, if it is there,\n"
		"                  " CONF_FILE "\n"
		"  --timeout MS    for all answers together, default 1000\n"
		"  --format=json   {\"pings\": [...], \"findings\": [...]}; a finding has a code that\n"
		"                  does not change, cause, fix, and the addresses that it makes silent\n"
		"\n"
		"Exit status: 0 all is well; 1 a ping fails or something is wrong; 2 usage.\n"
		"\n"
		"Example:\n"
		"  cni-check --netns /var/run/netns/c1 --peer 10.168.0.7 --peer 10.244.1.3 \\\n"
		"            --outside 108.177.121.113\n",
	.run = run,
};
