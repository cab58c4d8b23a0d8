/*
 * cni-node: what the walkthrough types on a node (bridge, gateway address, forwarding, accept
 * rules, masquerade) as one idempotent command.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "applet.h"
#include "base/file.h"
#include "base/number.h"
#include "base/say.h"
#include "cni/bash_conf.h"
#include "cni/request.h"
#include "commands/command.h"
#include "node/node_words.h"
#include "json/writer.h"

#define NAME	     "cni-node"
#define CONF_FILE    "/etc/cni/net.d/10-bash-cni-plugin.conf"
#define NETWORK_NAME "mynet"

struct flags {
	const char *conf, *name, *bridge, *output;
	const char *subnet[POD_FAMILIES], *network[POD_FAMILIES];
	const char *masquerade, *accept, *mtu;
	bool json;
};

/* Values of the options: their order is that of the slots in read_flags. */
enum option_key {
	OPT_CONF = 256,
	OPT_NAME,
	OPT_BRIDGE,
	OPT_SUBNET,
	OPT_SUBNET6,
	OPT_NETWORK,
	OPT_NETWORK6,
	OPT_MASQUERADE,
	OPT_ACCEPT,
	OPT_MTU,
	OPT_OUTPUT,
	OPT_FORMAT,
};

static const struct command_option options[] = {
	{"--conf", OPT_CONF, true},
	{"--name", OPT_NAME, true},
	{"--bridge", OPT_BRIDGE, true},
	{"--subnet", OPT_SUBNET, true},
	{"--pod-cidr", OPT_SUBNET, true},
	{"--subnet6", OPT_SUBNET6, true},
	{"--pod-cidr6", OPT_SUBNET6, true},
	{"--network", OPT_NETWORK, true},
	{"--network6", OPT_NETWORK6, true},
	{"--masquerade", OPT_MASQUERADE, true},
	{"--accept", OPT_ACCEPT, true},
	{"--mtu", OPT_MTU, true},
	{"--format", OPT_FORMAT, true},
	{"--output", OPT_OUTPUT, true},
	{0},
};

static int read_flags(struct flags *f, char **argv, struct err *e)
{
	const char **slot[] = {
		&f->conf,      &f->name,       &f->bridge,     &f->subnet[0],
		&f->subnet[1], &f->network[0], &f->network[1], &f->masquerade,
		&f->accept,    &f->mtu,	       &f->output,
	};
	struct command_words words = {.at = argv};
	int o;

	while ((o = command_next(&words, options, e)) >= 0) {
		if (o == OPT_FORMAT && command_format(words.value, &f->json, e))
			return -1;
		if (o >= OPT_CONF && o < OPT_FORMAT)
			*slot[o - OPT_CONF] = words.value;
		if (o == 0)
			return err_set(e, ERR_USAGE, NULL, "'%s' is too much", words.value);
	}
	return e->code ? -1 : 0;
}

/* The configuration that flags stand for, as a file would hold it. */
static int write_conf(const struct flags *f, char *text, size_t size, size_t *n, struct err *e)
{
	static const char *const subnet_key[] = {"subnet", "subnet6"};
	static const char *const network_key[] = {"network", "network6"};
	uint32_t mtu;
	struct out w;

	out_begin(&w, text, size);
	out_object(&w, NULL) {
		out_str(&w, "cniVersion", "0.3.1");
		out_str(&w, "name", f->name ? f->name : NETWORK_NAME);
		out_str(&w, "type", "bash-cni");
		for (unsigned i = 0; i < POD_FAMILIES; i++) {
			if (f->network[i])
				out_str(&w, network_key[i], f->network[i]);
			if (f->subnet[i])
				out_str(&w, subnet_key[i], f->subnet[i]);
		}
		if (f->bridge)
			out_str(&w, "bridge", f->bridge);
		if (f->mtu && number_parse(&mtu, f->mtu, UINT16_MAX))
			out_u64(&w, "mtu", mtu);
		if (f->masquerade)
			out_str(&w, "masquerade", f->masquerade);
		if (f->accept)
			out_str(&w, "accept", f->accept);
	}
	*n = w.len + 1;
	return out_end(&w, e);
}

/* Flags are read through the same eyes as a file. */
static int conf_from_flags(struct bash_conf *c, const struct flags *f, struct err *e)
{
	static char text[4096];
	uint32_t mtu;
	size_t n = 0;

	if (f->mtu && !number_parse(&mtu, f->mtu, UINT16_MAX))
		return err_set(e, ERR_USAGE, NULL, "--mtu is a number, not '%s'", f->mtu);
	if (write_conf(f, text, sizeof(text), &n, e) ||
	    bash_conf_read(c, json_open(text, n, "flags", e), e))
		return -1;
	if (!cni_name_valid(c->net.name))
		return err_set(e, ERR_USAGE, NULL,
			       "--name is made of letters, digits, '_', '.' and '-', not '%s'",
			       c->net.name);
	return 0;
}

static int read_conf(struct bash_conf *c, const struct flags *f, struct err *e)
{
	bool flags = f->name || f->bridge || f->subnet[0] || f->subnet[1] || f->network[0] ||
		     f->network[1] || f->masquerade || f->accept || f->mtu;

	if (f->output)
		return err_set(e, ERR_USAGE, NULL, "--output goes with config only");
	if (flags && f->conf)
		return err_set(e, ERR_USAGE, NULL,
			       "--conf FILE holds what the other flags would say");
	if (flags)
		return conf_from_flags(c, f, e);
	if (bash_conf_file(c, f->conf ? f->conf : CONF_FILE, e) == 0)
		return 0;
	if (e->sys == ENOENT)
		err_hint(e, "name another with --conf, or --subnet; 'cni-node config' writes one");
	return -1;
}

/* A part as this network wants it: "10.244.0.1/24 on cni0". */
static const char *wanted_text(const struct pod_network *net, unsigned part, unsigned family)
{
	static char text[192];
	const struct pod_range *r = &net->range[family];
	struct prefix gateway = {.ip = r->gateway, .len = r->subnet.len};
	char a[PREFIX_TEXT], b[PREFIX_TEXT];

	prefix_format(a, &r->subnet);
	prefix_format(b, &r->network);
	switch ((enum node_part)part) {
	case NODE_BRIDGE:
		snprintf(text, sizeof(text), "bridge %s", net->bridge);
		break;
	case NODE_UP:
		snprintf(text, sizeof(text), "%s up", net->bridge);
		break;
	case NODE_ADDRESS:
		snprintf(text, sizeof(text), "%s on %s", prefix_format(a, &gateway), net->bridge);
		break;
	case NODE_LISTEN:
		snprintf(text, sizeof(text), "accept_ra=2 where IPv6 routes come by advertisement");
		break;
	case NODE_FORWARDING:
		snprintf(text, sizeof(text), "%s=1",
			 family ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward");
		break;
	case NODE_MASQUERADE:
		if (net->masquerade == MASQUERADE_NONE)
			snprintf(text, sizeof(text), "no masquerade of %s", a);
		else if (net->masquerade == MASQUERADE_ALL)
			snprintf(text, sizeof(text), "masquerade %s where it leaves %s", a,
				 net->bridge);
		else
			snprintf(text, sizeof(text), "masquerade %s where it leaves %s", a, b);
		if (net->accept == ACCEPT_OWN)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), ", accept %s",
				 b);
		break;
	case NODE_ACCEPT:
	case NODE_LEGACY:
		snprintf(text, sizeof(text), "%s%s FORWARD accepts from and to %s",
			 family ? "ip6tables" : "iptables", part == NODE_LEGACY ? "-legacy" : "",
			 b);
		break;
	case NODE_PARTS:
		break;
	}
	return text;
}

static void print_parts(const struct pod_network *net, unsigned shown, unsigned marked,
			const char *marked_word, const char *other_word)
{
	for (unsigned part = 0; part < NODE_PARTS; part++)
		for (unsigned family = 0; family < POD_FAMILIES; family++)
			if (shown & NODE_BIT(part, family))
				say("%-10s %s\n",
				    marked & NODE_BIT(part, family) ? marked_word : other_word,
				    wanted_text(net, part, family));
}

/* The same for programs: word says what being marked means. */
static int print_json(const struct pod_network *net, unsigned shown, unsigned marked,
		      const char *word, struct err *e)
{
	static char text[8192];
	struct out w;

	out_begin(&w, text, sizeof(text));
	out_object(&w, NULL) {
		out_str(&w, "network", net->name);
		out_str(&w, "bridge", net->bridge);
		out_array(&w, "parts") {
			for (unsigned i = 0; i < NODE_PARTS * POD_FAMILIES; i++) {
				if (!(shown & 1u << i))
					continue;
				out_object(&w, NULL) {
					out_str(&w, "part", node_part_words(1u << i));
					out_str(&w, "wanted",
						wanted_text(net, i / POD_FAMILIES,
							    i % POD_FAMILIES));
					out_bool(&w, word, marked & 1u << i);
				}
			}
		}
	}
	if (out_end(&w, e))
		return -1;
	say_text(text);
	return 0;
}

static int up(struct node_sockets *s, const struct pod_network *net, const struct flags *f,
	      struct err *e)
{
	struct node_state state;
	unsigned made;

	if (node_look(s, net, &state, e) || node_up(s, net, &state, &made, e))
		return -1;
	if (f->json)
		return print_json(net, state.wanted | made, made, "made", e);
	print_parts(net, state.wanted | made, made, "made", "was there");
	return 0;
}

static int down(struct node_sockets *s, const struct pod_network *net, const struct flags *f,
		struct err *e)
{
	unsigned removed;

	if (node_down(s, net, &removed, e))
		return -1;
	if (f->json)
		return print_json(net, removed, removed, "removed", e);
	if (!removed)
		say("nothing here was made by cnibox for network %s\n", net->name);
	print_parts(net, removed, removed, "removed", "");
	return 0;
}

/* Gives 1 where something is missing, for scripts. */
static int status(struct node_sockets *s, const struct pod_network *net, const struct flags *f,
		  struct err *e)
{
	struct node_state state;

	if (node_look(s, net, &state, e))
		return -1;
	if (f->json ? print_json(net, state.wanted, state.wanted & ~state.missing, "found", e) : 0)
		return -1;
	if (!f->json) {
		say("%-10s %s\n", "FOUND", "WANTED");
		print_parts(net, state.wanted, state.missing, "missing", "yes");
	}
	return state.missing ? 1 : 0;
}

/* The walkthrough's configuration file, from two ranges. */
static int config(const struct flags *f, struct err *e)
{
	const char *path = f->output ? f->output : CONF_FILE;
	const char *slash = strrchr(path, '/');
	static char text[4096], dir[4096];
	struct bash_conf checked;
	size_t n = 0;

	if (f->conf)
		return err_set(e, ERR_USAGE, NULL, "config makes a file, --conf reads one");
	if (!f->subnet[0])
		return err_set(e, ERR_USAGE, NULL,
			       "--pod-cidr is missing: this node's range of pods");
	if (conf_from_flags(&checked, f, e) || write_conf(f, text, sizeof(text), &n, e))
		return -1;
	if (strcmp(path, "-") == 0) {
		say_text(text);
		return 0;
	}
	if (slash && slash != path) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		if (file_make_directories(dir, 0755, e))
			return -1;
	}
	if (file_replace(path, 0644, text, n, e))
		return -1;
	say("wrote %s\n", path);
	return 0;
}

static int run_verb(const char *verb, const struct flags *f, struct err *e)
{
	static const struct {
		const char *name;
		int (*run)(struct node_sockets *s, const struct pod_network *net,
			   const struct flags *f, struct err *e);
	} verbs[] = {{"up", up}, {"down", down}, {"status", status}};
	cleanup_node struct node_sockets s = {.route.fd = -1, .netfilter.fd = -1};
	struct bash_conf conf;

	if (strcmp(verb, "config") == 0)
		return config(f, e);
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		if (read_conf(&conf, f, e) || node_sockets_open(&s, e))
			return -1;
		return verbs[i].run(&s, &conf.net, f, e);
	}
	return err_set(e, ERR_USAGE, NULL, "'%s' is not up, down, status or config", verb);
}

static int run(char **argv, struct err *e)
{
	struct flags f = {0};

	if (!argv[1])
		return err_set(e, ERR_USAGE, NULL, "say what to do: up, down, status or config");
	return read_flags(&f, argv + 2, e) ? -1 : run_verb(argv[1], &f, e);
}

const struct applet applet_cni_node = {
	.name = NAME,
	.summary = "sets a node up for pods: bridge, forwarding, accept rules, masquerade",
	.help = "usage: cni-node up|down|status [--conf FILE | FLAGS] [--format=text|json]\n"
		"       cni-node config --network CIDR --pod-cidr CIDR [FLAGS] [--output FILE]\n"
		"\n"
		"  up       makes what is missing and says what was there; may be repeated\n"
		"  down     removes what up made, and nothing else\n"
		"  status   wanted against found; exit status 1 if something is missing\n"
		"  config   writes a CNI configuration; --output - prints it\n"
		"\n"
		"  --conf FILE         a configuration of bash-cni, .conf or .conflist; default\n"
		"                      " CONF_FILE "\n"
		"or its keys as flags:\n"
		"  --subnet CIDR       range of this node's pods (also --pod-cidr)\n"
		"  --network CIDR      range of all pods; default: the subnet\n"
		"  --subnet6, --network6   the same for IPv6\n"
		"  --bridge NAME       default cni0\n"
		"  --masquerade outside|all|none   what leaves the network (default), what leaves\n"
		"                      the bridge, nothing\n"
		"  --accept auto|own|iptables   where forwarded packets are accepted: iptables'\n"
		"                      FORWARD, legacy or not, if it drops (default), cnibox's own\n"
		"                      table, or FORWARD in any case\n"
		"  --mtu N             of pods' links; default: the uplink's\n"
		"  --name NAME         of the network; default " NETWORK_NAME "\n"
		"\n"
		"Example:\n"
		"  cni-node up --subnet 10.244.0.0/24 --network 10.244.0.0/16\n",
	.run = run,
};
