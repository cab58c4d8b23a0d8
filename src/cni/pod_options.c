#include "cni/pod_options.h"

#include <string.h>

#include "base/arena.h"
#include "cni/gc.h"
#include "cni/previous.h"
#include "netfilter/masquerade.h"
#include "netfilter/reference.h"
#include "netfilter/reference_collect.h"
#include "node/node_forwarding.h"

int ip_masq_read(bool *masquerade, const struct cni_request *rq, struct err *e)
{
	const char *backend = json_str(json_get(rq->conf, "ipMasqBackend"), "");

	*masquerade = json_bool(json_get(rq->conf, "ipMasq"), false);
	if (e->code)
		return -1;
	if (*backend && strcmp(backend, "iptables") != 0 && strcmp(backend, "nftables") != 0)
		return err_set(e, ERR_CONFIG, NULL, "unknown ipmasq backend \"%s\"", backend);
	return 0;
}

int ip_masq_add(struct pod *p, const struct cni_result *rs, struct err *e)
{
	for (unsigned i = 0; i < rs->ip_count; i++)
		if (masquerade_add(&p->host.netfilter, p->rq->network, p->owner,
				   &rs->ips[i].address, e))
			return -1;
	return 0;
}

int ip_masq_check(struct pod *p, const struct cni_result *prev, struct err *e)
{
	char text[PREFIX_TEXT];
	bool there;

	for (unsigned i = 0; i < prev->ip_count; i++) {
		const struct prefix *address = &prev->ips[i].address;

		if (!cni_previous_is_pods(prev, &prev->ips[i], p->rq))
			continue;
		if (masquerade_look(&p->host.netfilter, p->rq->network, p->owner, address, &there,
				    e))
			return -1;
		if (!there)
			return err_set(e, ERR_STATE, NULL, "%s is not masqueraded",
				       prefix_format(text, address));
	}
	return 0;
}

int ip_masq_del(struct pod *p, struct err *e)
{
	unsigned legacy = xtables_families(XTABLES_NAT);
	const struct cni_request *rq = p->rq;

	if (masquerade_sweep(&p->host.netfilter, legacy, rq->network, nft_keep_others, p->owner, e))
		return -1;
	return reference_masquerade_remove(&p->host.netfilter, legacy, rq->network,
					   rq->container_id, rq->ifname, e);
}

int ip_masq_gc(struct pod *p, struct pod_owners *valid, struct err *e)
{
	struct cni_gc g;

	if (masquerade_sweep(&p->host.netfilter, xtables_families(XTABLES_NAT), p->rq->network,
			     pod_keep_valid, valid, e) ||
	    cni_gc_begin(&g, p->rq, e))
		return -1;
	for (uint8_t family = 4; family <= 6; family += 2)
		if (reference_collect(&p->host.netfilter, family, &reference_masquerade,
				      p->rq->network, cni_gc_keeps_container, &g, e))
			return -1;
	return 0;
}

int dns_override(struct cni_result *rs, const struct cni_request *rq, struct err *e)
{
	struct cni_dns dns = {.domain = NULL};

	if (cni_dns_read(&dns, json_get(rq->conf, "dns"), e))
		return -1;
	if (dns.nameservers.count || dns.search.count || dns.options.count ||
	    (dns.domain && *dns.domain))
		rs->dns = dns;
	return 0;
}

int pod_result_link(struct cni_result *rs, const struct link *link, const char *sandbox,
		    struct err *e)
{
	struct cni_interface *i = cni_result_interface(rs, e);
	char *mac = arena_take(MAC_TEXT, e), *name = arena_text(link->name, strlen(link->name), e);

	if (!i || !mac || !name)
		return -1;
	i->name = name;
	i->mac = names_format_mac(mac, link->mac);
	i->sandbox = sandbox;
	return 0;
}

int forwarding_enable(struct nl_sock *route, const struct cni_result *rs, struct err *e)
{
	for (unsigned i = 0; i < rs->ip_count; i++) {
		uint8_t family = rs->ips[i].gateway.family;

		if (family && node_enable_forwarding(route, family == 6, e)) {
			err_prefix(e, "Could not enable IP forwarding");
			return -1;
		}
	}
	return 0;
}
