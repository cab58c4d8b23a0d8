/*
 * host-local: the IPAM plugin that keeps its leases in files, disk-compatible with the reference
 * plugin of that name. What it does is in src/ipam, where other plugins find it too.
 */
#include "ipam/host_local.h"
#include "applet.h"
#include "cni/plugin.h"

static const struct cni_plugin plugin = {
	.name = "host-local",
	.add = host_local_add,
	.del = host_local_del,
	.check = host_local_check,
	.gc = host_local_gc,
	.status = host_local_status,
};

static const char help[] =
	"usage: called by a CNI plugin or runtime, by environment and standard input\n"
	"\n"
	"Gives a pod one address from each range set and keeps the leases in files that the\n"
	"reference plugin host-local understands and can take over at any time.\n"
	"\n"
	"keys of \"ipam\":\n"
	"  ranges       array of range sets; a set is an array of ranges that form one pool\n"
	"  of a range:  subnet, rangeStart, rangeEnd (both inclusive), gateway (subnet + 1)\n"
	"  subnet, rangeStart, rangeEnd, gateway   one more range, written without the arrays\n"
	"  routes       array of {\"dst\": RANGE, \"gw\": ADDRESS}, handed on as they are\n"
	"  resolvConf   file to fill the result's \"dns\" from\n"
	"  dataDir      where the leases are, /var/lib/cni/networks\n"
	"\n"
	"also read: runtimeConfig.ipRanges (more range sets), and addresses asked for in\n"
	"runtimeConfig.ips, args.cni.ips and CNI_ARGS IP=ADDRESS\n"
	"\n"
	"files in dataDir/NETWORK:\n"
	"  10.244.0.2            a lease: container ID and interface\n"
	"  last_reserved_ip.0    the address given last from range set 0\n"
	"  lock                  held while the leases are used\n"
	"  boot_id               the boot that they are of: a reboot releases them\n"
	"\n"
	"example, as the whole configuration of a network:\n"
	"  {\n"
	"    \"cniVersion\": \"1.0.0\",\n"
	"    \"name\": \"mynet\",\n"
	"    \"type\": \"bridge\",\n"
	"    \"bridge\": \"cni0\",\n"
	"    \"isGateway\": true,\n"
	"    \"ipam\": {\n"
	"      \"type\": \"host-local\",\n"
	"      \"ranges\": [\n"
	"        [{\"subnet\": \"10.244.0.0/24\", \"rangeStart\": \"10.244.0.10\"}],\n"
	"        [{\"subnet\": \"fd00:10:244::/64\"}]\n"
	"      ],\n"
	"      \"routes\": [{\"dst\": \"0.0.0.0/0\"}, {\"dst\": \"::/0\"}]\n"
	"    }\n"
	"  }\n";

const struct applet applet_host_local = {
	.name = "host-local",
	.summary = "IPAM plugin: addresses from ranges, leases in files",
	.help = help,
	.plugin = &plugin,
};
