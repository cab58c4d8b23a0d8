#include "cni/bash_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "cni/request.h"
#include "ipam/store.h"

/* The smallest pool: network, gateway, one pod, broadcast (IPv4 /30, IPv6 /126). */
#define HOST_BITS_MIN 2

#define MTU_MIN 68 /* RFC 791: every link must carry 68 bytes */
#define MTU_MAX 65535

static const char doing[] = "network configuration";

int bridge_name_check(const char *name, struct err *e)
{
	struct err why = {0};

	if (cni_ifname_check(name, &why) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, doing, "bridge: want the name of an interface, got \"%s\"",
		       name);
}

int pod_range_complete(struct pod_range *r, const char *key, struct err *e)
{
	unsigned bits = r->subnet.ip.family == 4 ? 32 : 128;
	struct prefix network = prefix_network(&r->subnet);
	char subnet[PREFIX_TEXT], text[PREFIX_TEXT];

	prefix_format(subnet, &r->subnet);
	if (r->subnet.len > bits - HOST_BITS_MIN)
		return err_set(e, ERR_CONFIG, doing,
			       "%s: %s is too small: pods need a /%u or larger", key, subnet,
			       bits - HOST_BITS_MIN);
	if (!prefix_equal(&network, &r->subnet))
		return err_set(e, ERR_CONFIG, doing, "%s: %s has host bits set: the network is %s",
			       key, subnet, prefix_format(text, &network));
	if (!r->network.ip.family)
		r->network = r->subnet;
	network = prefix_network(&r->network);
	if (!prefix_equal(&network, &r->network))
		return err_set(e, ERR_CONFIG, doing, "network: %s has host bits set",
			       prefix_format(text, &r->network));
	if (r->network.len > r->subnet.len || !prefix_contains(&r->network, &r->subnet.ip))
		return err_set(e, ERR_CONFIG, doing, "%s: %s is not part of the network %s", key,
			       subnet, prefix_format(text, &r->network));
	r->gateway = r->subnet.ip;
	return ip_add(&r->gateway, 1) ? 0 : -1;
}

static int read_range(struct pod_range *r, struct json conf, const char *subnet_key,
		      const char *network_key, uint8_t family, struct err *e)
{
	struct json subnet = json_get(conf, subnet_key);
	struct json network = json_get(conf, network_key);

	if (!json_prefix(subnet, &r->subnet))
		return json_fault(subnet, ERR_CONFIG, "want a range such as 10.244.0.0/24");
	json_prefix(network, &r->network);
	if (r->subnet.ip.family != family)
		return json_fault(subnet, ERR_CONFIG, "want a range of IPv%u", family);
	if (r->network.ip.family && r->network.ip.family != family)
		return json_fault(network, ERR_CONFIG, "want a range of IPv%u", family);
	return e->code ? -1 : pod_range_complete(r, subnet_key, e);
}

/* The index of a value's word in words[n]; 0 when absent, an error when it is none of them. */
static unsigned read_word(struct json v, const char *const *words, unsigned n, const char *want)
{
	const char *word = json_str(v, words[0]);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	json_fault(v, ERR_CONFIG, "want %s", want);
	return 0;
}

int bash_conf_read_for_removal(struct bash_conf *c, struct json conf, struct err *e)
{
	memset(c, 0, sizeof(*c));
	c->net.name = json_str(json_get(conf, "name"), "");
	c->net.bridge = json_str(json_get(conf, "bridge"), BASH_CONF_BRIDGE);
	c->data_dir = json_str(json_get(conf, "dataDir"), LEASE_DATA_DIR);
	return e->code ? -1 : 0;
}

int bash_conf_read(struct bash_conf *c, struct json conf, struct err *e)
{
	static const char *const masquerades[] = {"outside", "all", "none"};
	static const char *const setups[] = {"auto", "manual"};
	static const char *const places[] = {"auto", "own", "iptables"};
	struct json mtu = json_get(conf, "mtu");

	if (bash_conf_read_for_removal(c, conf, e) || bridge_name_check(c->net.bridge, e))
		return -1;
	c->net.mtu = json_u32(mtu, 0, MTU_MAX);
	if (c->net.mtu && c->net.mtu < MTU_MIN)
		json_fault(mtu, ERR_CONFIG, "want %u or more", MTU_MIN);
	c->net.masquerade = (enum masquerade)read_word(json_get(conf, "masquerade"), masquerades, 3,
						       "\"outside\", \"all\" or \"none\"");
	c->net.accept = (enum accept_place)read_word(json_get(conf, "accept"), places, 3,
						     "\"auto\", \"own\" or \"iptables\"");
	c->manual = read_word(json_get(conf, "nodeSetup"), setups, 2, "\"auto\" or \"manual\"");
	if (*c->data_dir != '/')
		json_fault(json_get(conf, "dataDir"), ERR_CONFIG, "want an absolute path");
	if (e->code || read_range(&c->net.range[0], conf, "subnet", "network", 4, e))
		return -1;
	if (!json_present(json_get(conf, "subnet6")))
		return 0;
	return read_range(&c->net.range[1], conf, "subnet6", "network6", 6, e);
}

static bool is_bash_cni(struct json plugin)
{
	return strcmp(json_str(json_get(plugin, "type"), ""), "bash-cni") == 0;
}

int bash_conf_file(struct bash_conf *c, const char *path, struct err *e)
{
	char *text = arena_take(JSON_TEXT_MAX + 1, e);
	cleanup_fd int fd = -1;
	struct json root, plugin;
	ssize_t n;

	if (!text)
		return -1;
	fd = openat(AT_FDCWD, path,
		    O_RDONLY | O_CLOEXEC); /* a link is fine: a person has named it */
	n = fd < 0 ? -1 : file_read_all(fd, text, JSON_TEXT_MAX);
	if (n < 0)
		return err_sys(e, ERR_IO, "read configuration", errno, "%s", path);
	root = json_open(text, (size_t)n, path, e);
	if (e->code)
		return -1;
	plugin = root;
	if (json_present(json_get(root, "plugins"))) {
		json_each(p, json_get(root, "plugins"))
			if (is_bash_cni(p))
				plugin = p;
	}
	if (!is_bash_cni(plugin))
		return err_set(e, ERR_CONFIG, "read configuration",
			       "%s configures no plugin of type \"bash-cni\"", path);
	if (bash_conf_read(c, plugin, e))
		return -1;
	c->net.name = json_str(json_get(root, "name"), "");
	if (!cni_name_valid(c->net.name))
		return json_fault(json_get(root, "name"), ERR_CONFIG,
				  "want a name of letters, digits, '_', '.' and '-'");
	return 0;
}
