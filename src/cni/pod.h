/*
 * A pod as the plugins see it that connect it by a veth pair: opening its namespace, making the
 * pair, giving its end what a result says, checking that it still has it, removing the pair.
 *
 * The host end's name is derived from network, container and interface, and its alias says in words
 * whose it is, so that DEL and GC find it with the pod's namespace gone.
 */
#ifndef CNI_POD_H
#define CNI_POD_H

#include "cni/request.h"
#include "cni/result.h"
#include "net/bridge.h"
#include "net/netns.h"
#include "netfilter/nft_owned.h"
#include "node/node.h"

struct pod {
	const struct cni_request *rq;
	char host_name[LINK_NAME];
	char owner[NAMES_OWNER];
	struct node_sockets host;
	struct netns netns; /* opened by pod_enter */
	struct nl_sock in;  /* the same */
};

/* Fill in what the request alone says; nothing is opened. */
void pod_begin(struct pod *p, const struct cni_request *rq);
void pod_end(struct pod *p);
#define cleanup_pod on_scope_exit(pod_end)

/* Open CNI_NETNS and a socket in it. */
int pod_enter(struct pod *p, struct err *e) must_check;

/* For a DEL: gives 1, 0 when the namespace is gone or not named, -1 with e set. */
int pod_enter_if_there(struct pod *p, struct err *e) must_check;

/* Is CNI_IFNAME still free? Asked before an address is taken for nothing. */
int pod_demand_room(struct pod *p, struct err *e) must_check;

/*
 * Make the pair: host end up, and in a bridge if link says so; pod end in its namespace, down. After
 * a failure there is none.
 *
 * link    bridge, pod_mac and mtu are the caller's; the rest is filled in here
 * marked  the host end gets an alias that says whose it is, for pod_disconnect_others
 * port    flags of its bridge port, NULL for none
 */
int pod_connect(struct pod *p, struct pod_link *link, bool marked, const struct bridge_port *port,
		struct err *e) must_check;

/* How the pod's end is to be set up. */
struct pod_setup {
	bool shared; /* others are on the link: addresses are announced to them, and ... */
	bool detect_duplicates; /* ... those of IPv6 tested before they are used */
	bool by_gateway;	/* its own subnet, too, is reached through the gateway */
};

/*
 * Give the pod's end the addresses of rs that are its own (by their interface index), raise it, add
 * the routes; wait until addresses that are tested are good.
 */
int pod_configure(struct pod *p, const struct cni_result *rs, const struct pod_setup *setup,
		  struct err *e) must_check;

/*
 * Wait until the kernel has heard that the host end has a carrier, and the bridge that it is in, if
 * that is up: with its first port, a bridge loses its own and gets it again. The kernel hears a little
 * after the pod's end is raised (net/core/link_watch.c), and until then drops what comes from the pod
 * or goes to it: a first packet would come a second late. ERR_STATE when 2.5 s were not enough.
 *
 * bridge  its name; NULL: none
 * host    the host end is looked up into it
 */
int pod_await_carrier(struct pod *p, const char *bridge, struct link *host,
		      struct err *e) must_check;

/*
 * Is the pod's end as prevResult says: there, up, its MAC, its addresses, its routes? Its host end
 * must be as well. Both are filled in.
 */
int pod_check(struct pod *p, const struct cni_result *prev, struct link *in, struct link *host,
	      struct err *e) must_check;

/*
 * Remove the pair by its host end; one that another program has made before an upgrade, through the
 * pod's namespace. Success if there is none.
 *
 * bridge  where such a program had put it; NULL: anywhere
 * rules   removes the pod's rules, before; the pair goes also when that fails; NULL: there are none
 */
int pod_disconnect(struct pod *p, const char *bridge, int (*rules)(struct pod *p, struct err *e),
		   struct err *e) must_check;

/* Remove the pair by its host end's name alone. */
int pod_remove_link(struct nl_sock *route, const char *host_name, struct err *e) must_check;

/* Owners, as GC's list of valid attachments has them, and a keep() that wants them: arg is it. */
struct pod_owners {
	char (*owner)[NAMES_OWNER];
	unsigned count;
};
int pod_owners_read(struct pod_owners *valid, const struct cni_request *rq,
		    struct err *e) must_check;
bool pod_keep_valid(const char *owner, void *arg);

/* Remove the pairs of this network that keep() does not want. Goes on after a failure. */
int pod_disconnect_others(struct pod *p, nft_keep_fn *keep, void *arg, struct err *e) must_check;

#endif
