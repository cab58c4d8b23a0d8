/*
 * The walkthrough's configuration: bash-cni's keys, which cni-node and cni-check read, too.
 *
 *	{ "cniVersion": "0.3.1", "name": "mynet", "type": "bash-cni",
 *	  "network": "10.244.0.0/16", "subnet": "10.244.0.0/24" }
 */
#ifndef CNI_BASH_CONF_H
#define CNI_BASH_CONF_H

#include "base/err.h"
#include "node/node.h"
#include "json/reader.h"

#define BASH_CONF_BRIDGE "cni0"

struct bash_conf {
	struct pod_network net;
	const char *data_dir;
	bool manual; /* nodeSetup: the bridge and all else is the administrator's */
};

/*
 * Read and check the plugin's object. Gives 0, or -1 with e (which must be conf's document's) set:
 * ERR_CONFIG naming key and value.
 */
int bash_conf_read(struct bash_conf *c, struct json conf, struct err *e) must_check;

/* Only what DEL and GC need, without judging the rest: a pod must be removable under any of it. */
int bash_conf_read_for_removal(struct bash_conf *c, struct json conf, struct err *e) must_check;

/*
 * Check a range, fill in its gateway and, when there is no network, that: for command line flags.
 *
 * key  what to call the subnet in messages
 */
int pod_range_complete(struct pod_range *r, const char *key, struct err *e) must_check;

/* Is it a name that a bridge can have? Gives 0, or -1 with e set (ERR_CONFIG). */
int bridge_name_check(const char *name, struct err *e) must_check;

/*
 * Read a configuration file, single (.conf) or list (.conflist), and find the plugin object in it
 * whose type is bash-cni.
 */
int bash_conf_file(struct bash_conf *c, const char *path, struct err *e) must_check;

#endif
