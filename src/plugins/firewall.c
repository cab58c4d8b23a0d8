/*
 * firewall: lets a pod's forwarded packets through where FORWARD drops, or has firewalld do so, and
 * keeps networks apart where the configuration asks for it. A chained plugin.
 */
#include <string.h>

#include "applet.h"
#include "base/log.h"
#include "cni/gc.h"
#include "cni/previous.h"
#include "net/firewalld.h"
#include "net/netns.h"
#include "netfilter/admission.h"
#include "netfilter/isolation.h"
#include "netfilter/nft.h"

enum policy { OPEN, SAME_BRIDGE, ISOLATED };

struct firewall_conf {
	bool iptables, firewalld; /* demanded as what admits; neither: firewalld where it runs */
	const char *zone;	  /* firewalld's */
	const char *admin_chain;
	enum policy policy;
};

/* One request: whose rules, for which addresses. */
struct firewall_job {
	struct firewall_conf conf;
	struct owner_tag owner;
	struct ip addresses[2][ADMISSION_ADDRESSES_MAX]; /* IPv4, IPv6 */
	unsigned count[2];
	const char *bridge;	    /* NULL: none is needed */
	struct firewalld firewalld; /* where it does not run: rules */
};

static int read_conf(struct firewall_conf *c, const struct cni_request *rq, struct err *e)
{
	static const char *const words[] = {"open", "same-bridge", "isolated"};
	const char *policy = json_str(json_get(rq->conf, "ingressPolicy"), "open");
	const char *backend = json_str(json_get(rq->conf, "backend"), "");

	c->iptables = strcmp(backend, "iptables") == 0;
	c->firewalld = strcmp(backend, "firewalld") == 0;
	c->zone = json_str(json_get(rq->conf, "firewalldZone"), "");
	if (!*c->zone)
		c->zone = "trusted";
	c->admin_chain = json_str(json_get(rq->conf, "iptablesAdminChainName"), "");
	if (!*c->admin_chain)
		c->admin_chain = ADMISSION_ADMIN_CHAIN;
	if (e->code)
		return -1;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(policy, *policy ? words[i] : "") != 0)
			continue;
		c->policy = (enum policy)i;
		return 0;
	}
	return err_set(e, ERR_CONFIG, NULL, "unknown ingress policy: \"%s\"", policy);
}

static void note_address(struct firewall_job *j, const struct ip *ip)
{
	unsigned family = ip->family == 6;

	if (j->count[family] < ADMISSION_ADDRESSES_MAX)
		j->addresses[family][j->count[family]++] = *ip;
}

static void begin(struct firewall_job *j, const struct cni_request *rq)
{
	struct owner owner = {rq->network, rq->container_id, rq->ifname};

	memset(j, 0, sizeof(*j));
	j->owner = owner_tag(&owner);
}

/* Who is to admit the pods, now. */
static int choose_backend(struct firewall_job *j, struct err *e)
{
	j->firewalld.zone = j->conf.zone;
	if (j->conf.iptables)
		return 0;
	return firewalld_find(&j->firewalld, j->conf.firewalld, e);
}

/* For ADD and CHECK: configuration and previous result. */
static int begin_fully(struct firewall_job *j, const struct cni_request *rq,
		       struct cni_result *prev, struct err *e)
{
	static const char *const words[] = {"open", "same-bridge", "isolated"};

	begin(j, rq);
	if (read_conf(&j->conf, rq, e) ||
	    cni_previous_demand(prev, rq, "missing prevResult from earlier plugin", e))
		return -1;
	for (unsigned i = 0; i < prev->ip_count; i++)
		note_address(j, &prev->ips[i].address.ip);
	if (j->conf.policy != OPEN && prev->interface_count == 0)
		return err_set(e, ERR_CONFIG, NULL,
			       "interface needs to be set for ingress policy \"%s\", make sure to "
			       "chain \"firewall\" plugin with \"bridge\"",
			       words[j->conf.policy]);
	if (j->conf.policy != OPEN)
		j->bridge = prev->interfaces[0].name;
	return choose_backend(j, e);
}

static struct admission admission_of(const struct firewall_job *j, unsigned family)
{
	return (struct admission){
		.family = family ? 6 : 4,
		.admin_chain = j->conf.admin_chain,
		.addresses = j->addresses[family],
		.count = j->count[family],
	};
}

/* --- verbs ------------------------------------------------------------------------------------- */

static int remove_rules(struct nl_sock *nf, const struct firewall_job *j,
			const struct owner_choice *which, struct err *e)
{
	for (unsigned family = 0; family < 2; family++) {
		struct admission a = admission_of(j, family);

		if (admission_remove(nf, &a, which, e))
			return -1;
	}
	return 0;
}

/* firewalld's part: for each address, until one fails. */
static int ask_firewalld(struct firewall_job *j, enum firewalld_method method, struct err *e)
{
	if (!j->firewalld.runs)
		return 0;
	for (unsigned family = 0; family < 2; family++)
		for (unsigned i = 0; i < j->count[family]; i++)
			if (firewalld_ask(&j->firewalld, method, &j->addresses[family][i], e))
				return -1;
	return 0;
}

/* All that is iptables' in any case, and what admits where firewalld does not. */
static int add_rules(struct nl_sock *nf, const struct firewall_job *j, struct err *e)
{
	for (unsigned family = 0; family < 2; family++) {
		struct admission a = admission_of(j, family);

		if (a.count == 0)
			continue;
		if ((!j->firewalld.runs && admission_add(nf, &a, &j->owner, e)) ||
		    (j->bridge &&
		     isolation_add(nf, a.family, j->bridge, j->conf.policy == ISOLATED, e)))
			return -1;
	}
	return 0;
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct firewall_job j;
	struct owner_choice own = owner_only(&j.owner);

	if (begin_fully(&j, rq, rs, e) || nft_open(&nf, e))
		return -1;
	if (ask_firewalld(&j, FIREWALLD_ADD, e) == 0 && add_rules(&nf, &j, e) == 0)
		return 0;
	if (ask_firewalld(&j, FIREWALLD_REMOVE, &(struct err){0}) ||
	    remove_rules(&nf, &j, &own, &(struct err){0}))
		log_line("undo: not all of it");
	return -1;
}

static int del(const struct cni_request *rq, struct err *e)
{
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct firewall_job j;
	struct owner_choice own = owner_only(&j.owner);
	struct ip hint[CNI_IPS_MAX];
	unsigned hints =
		cni_result_addresses(hint, ARRAY_SIZE(hint), json_get(rq->conf, "prevResult"));

	begin(&j, rq);
	if (read_conf(&j.conf, rq, e))
		err_clear(e); /* what cannot be read is passed over */
	for (unsigned i = 0; i < hints; i++)
		note_address(&j, &hint[i]);
	/* Rules as well: it may not have run then. And what it cannot be told, it is not. */
	if (hints && (choose_backend(&j, e) || ask_firewalld(&j, FIREWALLD_REMOVE, e))) {
		log_line("%s", e->msg);
		err_clear(e);
	}
	if (nft_open(&nf, e))
		return -1;
	return remove_rules(&nf, &j, &own, e);
}

static int check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct firewall_job j;

	if (begin_fully(&j, rq, &prev, e) || ask_firewalld(&j, FIREWALLD_CHECK, e) ||
	    nft_open(&nf, e))
		return -1;
	for (unsigned family = 0; family < 2; family++) {
		struct admission a = admission_of(&j, family);

		if (a.count == 0)
			continue;
		if ((!j.firewalld.runs && admission_check(&nf, &a, e)) ||
		    (j.bridge &&
		     isolation_check(&nf, a.family, j.bridge, j.conf.policy == ISOLATED, e)))
			return -1;
	}
	return 0;
}

/* Of rules: whose the sources of firewalld's zone are, it does not know. */
static int gc(const struct cni_request *rq, struct err *e)
{
	cleanup_nl struct nl_sock nf = {.fd = -1};
	struct firewall_job j;
	struct owner_choice stale;
	struct cni_gc g;

	begin(&j, rq);
	if (cni_gc_begin(&g, rq, e) || nft_open(&nf, e))
		return -1;
	stale = cni_gc_choice(&g);
	return remove_rules(&nf, &j, &stale, e);
}

/* In a namespace of its own: all that an ADD needs of the kernel. */
static int try_add(void *arg, struct err *e)
{
	struct firewall_job *j = arg;
	cleanup_nl struct nl_sock nf = {.fd = -1};

	note_address(j, &(struct ip){4, {192, 0, 2, 1}});
	if (j->conf.policy != OPEN)
		j->bridge = "cni0";
	return nft_open(&nf, e) || add_rules(&nf, j, e) ? -1 : 0;
}

static int status(const struct cni_request *rq, struct err *e)
{
	struct firewall_job j;

	begin(&j, rq);
	if (read_conf(&j.conf, rq, e))
		return -1;
	if (choose_backend(&j, e) == 0 && netns_try(try_add, &j, e) == 0)
		return 0;
	e->code = ERR_UNAVAILABLE;
	return -1;
}

static const struct cni_plugin plugin = {
	.name = "firewall",
	.since = CNI_0_4_0,
	.add = add,
	.del = del,
	.check = check,
	.gc = gc,
	.status = status,
};

const struct applet applet_firewall = {
	.name = "firewall",
	.summary = "CNI plugin: forwarded packets of pods pass, networks stay apart",
	.help = "usage: firewall            called by a container runtime, never by hand\n"
		"\n"
		"CNI plugin, behind one that gives the pod its addresses: accepts what a pod sends\n"
		"and the replies to it, where chain FORWARD would drop them. What administrators\n"
		"want to stop goes into chain CNI-ADMIN, which is asked before.\n"
		"\n"
		"Keys:\n"
		"  ingressPolicy  open (default); same-bridge: nothing comes from other bridges'\n"
		"                 pods; isolated: nor from other pods of this one\n"
		"  iptablesAdminChainName   default CNI-ADMIN\n"
		"  backend        iptables, or firewalld: the default where that runs\n"
		"  firewalldZone  whose sources pods then become; default trusted\n"
		"\n"
		"'iptables -S' shows the rules: FORWARD, CNI-FORWARD, CNI-ADMIN,\n"
		"CNI-ISOLATION-STAGE-1 and -2.\n"
		"\n"
		"Example:\n"
		"  {\"cniVersion\": \"1.0.0\", \"name\": \"mynet\", \"plugins\": [\n"
		"    {\"type\": \"bash-cni\", \"subnet\": \"10.244.0.0/24\"},\n"
		"    {\"type\": \"firewall\", \"ingressPolicy\": \"same-bridge\"}]}\n",
	.plugin = &plugin,
};
