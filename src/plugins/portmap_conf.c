#include "plugins/portmap_conf.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"

#define MARK_BIT     13
#define MARK_BIT_MAX 31

static struct json mappings(const struct cni_request *rq)
{
	return json_get(json_get(rq->conf, "runtimeConfig"), "portMappings");
}

/* Gives 0 for one that is not known. */
static uint8_t parse_protocol(const char *word)
{
	static const struct {
		const char *word;
		uint8_t proto;
	} known[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasecmp(known[i].word, word) == 0)
			return known[i].proto;
	return 0;
}

/* --- mappings --------------------------------------------------------------------------------- */

static int read_port(uint16_t *port, struct json v, const char *what, struct err *e)
{
	*port = (uint16_t)json_u32(v, 0, UINT16_MAX);
	if (e->code)
		return -1;
	return *port ? 0 : err_set(e, ERR_CONFIG, NULL, "Invalid %s port number: 0", what);
}

static int read_mapping(struct hostport *p, struct json v, struct err *e)
{
	struct json proto = json_get(v, "protocol");

	*p = (struct hostport){.proto = parse_protocol(json_str(proto, "tcp"))};
	if (read_port(&p->host, json_get(v, "hostPort"), "host", e) ||
	    read_port(&p->pod, json_get(v, "containerPort"), "container", e))
		return -1;
	if (!p->proto)
		return json_fault(proto, ERR_CONFIG, "want tcp, udp or sctp");
	json_ip(json_get(v, "hostIP"), &p->address);
	return e->code ? -1 : 0;
}

static bool is_unspecified(const struct ip *ip)
{
	static const uint8_t zero[sizeof(ip->b)];

	return memcmp(ip->b, zero, sizeof(zero)) == 0;
}

/* Put it into the list of a family, unless it is there already. */
static int keep(struct portmap_conf *c, unsigned family, const struct hostport *p, struct err *e)
{
	struct hostport *list = c->list[family];
	char text[HOSTPORT_TEXT];

	for (unsigned i = 0; i < c->count[family]; i++) {
		if (list[i].proto != p->proto || list[i].host != p->host ||
		    !ip_equal(&list[i].address, &p->address))
			continue;
		if (list[i].pod == p->pod)
			return 0;
		return err_set(e, ERR_CONFIG, "map host ports",
			       "runtimeConfig.portMappings leads %s to two ports of the container: "
			       "%u and %u",
			       hostport_text(text, p), list[i].pod, p->pod);
	}
	list[c->count[family]++] = *p;
	return 0;
}

static int read_mappings(struct portmap_conf *c, const struct cni_request *rq, struct err *e)
{
	struct json list = mappings(rq);
	unsigned n = 0;

	json_each(v, list)
		n++;
	for (unsigned family = 0; family < 2; family++) {
		c->list[family] = arena_take((n + 1) * sizeof(struct hostport), e);
		if (!c->list[family])
			return -1;
	}
	json_each(v, list) {
		struct hostport p;
		uint8_t only;

		if (read_mapping(&p, v, e))
			return -1;
		only = p.address.family; /* 0.0.0.0 means any, but of IPv4 */
		if (is_unspecified(&p.address))
			p.address.family = 0;
		for (unsigned family = 0; family < 2; family++)
			if ((!only || only == (family ? 6 : 4)) && keep(c, family, &p, e))
				return -1;
	}
	return e->code ? -1 : 0;
}

void portmap_conf_udp(struct conntrack_ports *udp, const struct cni_request *rq, struct err *e)
{
	struct err before = *e;

	if (json_type(json_get(rq->conf, "runtimeConfig")) == JSON_OBJECT &&
	    json_type(mappings(rq)) == JSON_ARRAY) {
		json_each(v, mappings(rq)) {
			uint32_t port;

			if (json_type(v) != JSON_OBJECT)
				continue;
			port = json_u32(json_get(v, "hostPort"), 0, UINT16_MAX);
			if (port &&
			    parse_protocol(json_str(json_get(v, "protocol"), "")) == IPPROTO_UDP)
				conntrack_add_port(udp, (uint16_t)port);
		}
	}
	*e = before;
}

/* --- settings --------------------------------------------------------------------------------- */

static int read_mark(struct portmap_conf *c, const struct cni_request *rq, struct err *e)
{
	struct json bit = json_get(rq->conf, "markMasqBit");
	const char *chain = json_str(json_get(rq->conf, "externalSetMarkChain"), "");
	uint32_t number = json_u32(bit, MARK_BIT, UINT32_MAX);

	if (e->code)
		return -1;
	if (*chain && json_present(bit))
		return err_set(e, ERR_CONFIG, NULL,
			       "Cannot specify externalSetMarkChain and markMasqBit");
	if (number > MARK_BIT_MAX)
		return err_set(e, ERR_CONFIG, NULL, "MasqMarkBit must be between 0 and %d",
			       MARK_BIT_MAX);
	c->mark = 1u << number;
	return 0;
}

/* Both backends come to the same here; but words of one in a configuration for the other are a slip. */
static int check_backend(const struct cni_request *rq, const char *iptables, const char *nftables,
			 struct err *e)
{
	const char *backend = json_str(json_get(rq->conf, "backend"), "");

	if (e->code)
		return -1;
	if (strcmp(backend, "iptables") == 0) {
		if (*nftables)
			return err_set(e, ERR_CONFIG, NULL,
				       "iptables backend was requested but configuration contains "
				       "nftables-specific options [%s]",
				       nftables + 1);
	} else if (strcmp(backend, "nftables") == 0) {
		if (*iptables)
			return err_set(e, ERR_CONFIG, NULL,
				       "nftables backend was requested but configuration contains "
				       "iptables-specific options [%s]",
				       iptables + 1);
	} else if (*backend) {
		return err_set(e, ERR_CONFIG, NULL, "unrecognized backend \"%s\"", backend);
	}
	return 0;
}

int portmap_conf_read(struct portmap_conf *c, const struct cni_request *rq, struct err *e)
{
	static const char *const keys[] = {"conditionsV4", "conditionsV6"};
	char iptables[128] = "", nftables[64] = "";
	bool is_iptables;

	*c = (struct portmap_conf){
		.snat = json_bool(json_get(rq->conf, "snat"), true),
		.masquerade_all = json_bool(json_get(rq->conf, "masqAll"), false),
	};
	if (e->code || read_mark(c, rq, e))
		return -1;
	if (*json_str(json_get(rq->conf, "externalSetMarkChain"), ""))
		strcat(iptables, " externalSetMarkChain");
	if (json_present(json_get(rq->conf, "markMasqBit")))
		strcat(iptables, " markMasqBit");
	for (unsigned family = 0; family < 2; family++) {
		if (portmap_conditions_read(&c->conditions[family],
					    json_get(rq->conf, keys[family]), family ? 6 : 4,
					    &is_iptables, e))
			return -1;
		if (c->conditions[family].count)
			strcat(strcat(is_iptables ? iptables : nftables, " "), keys[family]);
	}
	if (check_backend(rq, iptables, nftables, e))
		return -1;
	return read_mappings(c, rq, e);
}
