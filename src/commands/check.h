/*
 * What cni-check works with: the walkthrough's six kinds of targets, what is found to be wrong with
 * the node or the pod, and which of that explains a target's silence.
 *
 * First everything is pinged. Then everything is looked at that a node should hold, whether or not
 * it was a ping that failed: check_links.c, check_routes.c, check_rules.c, check_neighbours.c. Each
 * finding says which kinds of pings it makes fail. What they leave unexplained is looked at target by
 * target: check_explain.c. Nothing is changed.
 */
#ifndef COMMANDS_CHECK_H
#define COMMANDS_CHECK_H

#include "base/err.h"
#include "net/netns.h"
#include "net/ping.h"
#include "node/node.h"

enum check_kind {
	CHECK_OWN_HOST,
	CHECK_OTHER_HOST,
	CHECK_OWN_POD,
	CHECK_POD_HERE,
	CHECK_POD_ELSEWHERE,
	CHECK_OUTSIDE,
	CHECK_KINDS,
};

#define CHECK_BIT(kind) (1u << (kind))
/* What goes through the node's forwarding. */
#define CHECK_FAR                                                                                  \
	(CHECK_BIT(CHECK_OTHER_HOST) | CHECK_BIT(CHECK_POD_ELSEWHERE) | CHECK_BIT(CHECK_OUTSIDE))
/* What goes to the node, or through it. */
#define CHECK_BY_NODE (CHECK_FAR | CHECK_BIT(CHECK_OWN_HOST))
/* What leaves the pod. */
#define CHECK_BY_LINK (CHECK_BY_NODE | CHECK_BIT(CHECK_POD_HERE))

/* Something that is not as it has to be. */
struct check_finding {
	const char *code; /* for programs; README.md of the tests lists them */
	unsigned kinds;	  /* bits of the kinds of pings that it makes fail */
	uint8_t family;	  /* 4, 6; 0: both */
	struct ip target; /* the one address that it makes silent; family 0: all of these kinds */
	char cause[720], fix[400];
};

struct check_target {
	enum check_kind kind;
	bool too_big; /* a small packet is answered, a full-sized one is lost */
	const struct check_finding *why;
	char link[LINK_NAME]; /* of a pod here: host end, by its lease; "": it has none */
	bool asked, there;    /* on the bridge who has its address; somebody has */
};

#define CHECK_TARGETS_MAX  PING_MAX
#define CHECK_LINKS_MAX	   2048 /* of a node; kubelet's bound is 110 pods, people's about 500 */
#define CHECK_FINDINGS_MAX 96

struct check {
	struct pod_network net;
	bool configured;      /* net is from a configuration; else what could be seen of it */
	const char *conf;     /* its file, if it is not the usual one; else NULL */
	const char *data_dir; /* of the leases; NULL: not configured */
	struct node_sockets host;
	unsigned timeout_ms; /* that answers may take */

	bool in_pod; /* pings start in a pod, not on the node */
	const char *netns_path;
	struct netns netns;
	struct nl_sock pod;
	struct link pod_link;		 /* the one with the pod's address */
	struct prefix own[POD_FAMILIES]; /* the pod's addresses */

	struct link bridge, uplink; /* index 0: there is none */
	struct link port;	    /* of the pod: the host end of its link */

	struct check_target target[CHECK_TARGETS_MAX];
	struct ping ping[CHECK_TARGETS_MAX]; /* one per target */
	unsigned count;
	uint32_t reverse_path_drops; /* that the kernel counted during the pings */

	struct check_finding finding[CHECK_FINDINGS_MAX];
	unsigned findings;
};

/*
 * Note a finding, unless the very same is noted already: family and target as in the struct, fix
 * and cause as texts. Gives it; it stays where it is.
 */
struct check_finding *check_found(struct check *c, const char *code, unsigned kinds, uint8_t family,
				  const char *fix, const char *fmt, ...) print_format(6, 7);

/* Is there a finding of that code for that family? What follows from it need not be named, too. */
bool check_has(const struct check *c, const char *code, uint8_t family);

/* The command that sets the node up; gives text. */
#define CHECK_FIX 400
const char *check_node_up(const struct check *c, char text[static CHECK_FIX]);
/* A command to be run in the pod, as a command to be run on the node; gives text. */
const char *check_in_pod(const struct check *c, char text[static CHECK_FIX], const char *fmt, ...)
	print_format(3, 4);

/* Was target i answered, by small packets and by large ones? */
bool check_passed(const struct check *c, unsigned i);
/* Was any target of these kinds in that family answered? Is any silent? */
bool check_any_passed(const struct check *c, unsigned kinds, uint8_t family);
bool check_any_silent(const struct check *c, unsigned kinds, uint8_t family);

/* The range of an address's family. */
static inline const struct pod_range *check_range(const struct check *c, const struct ip *ip)
{
	return &c->net.range[ip->family == 6];
}

/* --- looking: each adds its findings ---------------------------------------------------------- */

/* Bridge, gateway's address, host ends of links, the pod's side. Fills in bridge, uplink, port. */
int check_links(struct check *c, struct err *e) must_check;
/* Forwarding, the pods' route, the pod's default route, reverse path filters. */
int check_routes(struct check *c, struct err *e) must_check;
/* Rules that drop what they should not, masquerading that is missing or too much. */
int check_rules(struct check *c, struct err *e) must_check;
/* Addresses that two have, neighbours' entries that are wrong. */
int check_neighbours(struct check *c, struct err *e) must_check;

/* --- explaining one target that is silent ----------------------------------------------------- */

/* Is there a rule that drops its packets, or (with maybe) one that may? *found NULL: none. */
int check_target_rules(struct check *c, unsigned i, bool maybe, struct check_finding **found,
		       struct err *e) must_check;
/* Is there no route to it, or one that refuses it? *found NULL: there is one. */
int check_target_route(struct check *c, unsigned i, struct check_finding **found,
		       struct err *e) must_check;
/* Its full-sized packets are lost: which size passes, and which link is to be told. */
int check_target_size(struct check *c, unsigned i, struct check_finding **found,
		      struct err *e) must_check;

/* Give every target that is silent a finding that says why. */
int check_explain(struct check *c, struct err *e) must_check;

/* --- telling ---------------------------------------------------------------------------------- */

void check_print_table(const struct check *c);
int check_print_json(const struct check *c, struct err *e) must_check;

#endif
