/*
 * static: the IPAM plugin whose addresses are in the configuration. What it does is in src/ipam,
 * where other plugins find it too.
 */
#include "ipam/static.h"
#include "applet.h"
#include "cni/plugin.h"

static const struct cni_plugin plugin = {
	.name = "static",
	.add = static_add,
	.check = static_check,
	.status = static_status,
};

static const char help[] =
	"usage: called by a CNI plugin or runtime, by environment and standard input\n"
	"\n"
	"Gives a pod the addresses that the configuration names. Nothing is kept: every pod of\n"
	"the network gets the same ones, unless the runtime asks for others.\n"
	"\n"
	"keys of \"ipam\":\n"
	"  addresses    array of {\"address\": ADDRESS/LENGTH, \"gateway\": ADDRESS}\n"
	"  routes       array of {\"dst\": RANGE, \"gw\": ADDRESS}, handed on as they are\n"
	"  dns          handed on: nameservers, domain, search, options\n"
	"\n"
	"also read: CNI_ARGS IP=ADDRESS/LENGTH,... (more addresses) and GATEWAY=ADDRESS,...;\n"
	"args.cni.ips and runtimeConfig.ips (arrays of ADDRESS/LENGTH, instead of all others)\n"
	"\n"
	"example, as the \"ipam\" of a network:\n"
	"  {\n"
	"    \"type\": \"static\",\n"
	"    \"addresses\": [{\"address\": \"10.10.0.5/24\", \"gateway\": \"10.10.0.1\"}],\n"
	"    \"routes\": [{\"dst\": \"0.0.0.0/0\"}]\n"
	"  }\n";

const struct applet applet_static = {
	.name = "static",
	.summary = "IPAM plugin: addresses from the configuration",
	.help = help,
	.plugin = &plugin,
};
