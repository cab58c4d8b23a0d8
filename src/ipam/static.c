#include "ipam/static.h"

#include <string.h>

#include "base/arena.h"
#include "cni/previous.h"

/* An address with its prefix length, appended to rs. complaint names the place and shows the text. */
static int append(struct cni_result *rs, const char *text, const char *complaint, struct err *e)
{
	struct cni_address *a;
	struct prefix p;

	if (!prefix_parse(&p, text)) {
		err_set(e, ERR_CONFIG, NULL, "%s in CIDR notation, got: '%s'", complaint, text);
		return -1;
	}
	a = cni_result_ip(rs, e);
	if (!a)
		return -1;
	a->address = p;
	return 0;
}

static int read_addresses(struct cni_result *rs, struct json addresses, struct err *e)
{
	json_each(v, addresses) {
		if (append(rs, json_str(json_get(v, "address"), ""),
			   "the 'address' field is expected to be", e))
			return -1;
		json_ip(json_get(v, "gateway"), &rs->ips[rs->ip_count - 1].gateway);
	}
	return e->code ? -1 : 0;
}

/* These replace all addresses known before, gateways and all. */
static int replace(struct cni_result *rs, struct json ips, struct err *e)
{
	unsigned n = 0;

	json_each(v, ips) {
		if (n++ == 0)
			rs->ip_count = 0;
		if (append(rs, json_str(v, ""), "an entry in the 'ips' field is NOT", e))
			return -1;
	}
	return e->code ? -1 : 0;
}

/* The next word of a list with commas, without blanks around it; NULL behind the last. */
static char *next_word(char **list)
{
	char *word = *list, *end;

	if (!word)
		return NULL;
	*list = strchr(word, ',');
	if (*list)
		*(*list)++ = '\0';
	word += strspn(word, " \t");
	end = word + strlen(word);
	while (end > word && strchr(" \t", end[-1]))
		*--end = '\0';
	return word;
}

static int read_args(struct cni_result *rs, const struct cni_request *rq, struct err *e)
{
	static const char *const known[] = {"IP", "GATEWAY", NULL};
	const char *ips, *gateways;
	char *list, *word;
	struct ip gateway;

	if (cni_args_get(rq->args, known, "IP", &ips, e) ||
	    cni_args_get(rq->args, known, "GATEWAY", &gateways, e))
		return -1;
	list = ips && *ips ? arena_text(ips, strlen(ips), e) : NULL;
	while ((word = next_word(&list)))
		if (append(rs, word, "the 'ip' field is expected to be", e))
			return -1;
	list = gateways && *gateways ? arena_text(gateways, strlen(gateways), e) : NULL;
	while ((word = next_word(&list))) {
		if (!ip_parse(&gateway, word))
			return err_set(e, ERR_ENV, NULL, "invalid gateway address: %s", word);
		for (unsigned i = 0; i < rs->ip_count; i++)
			if (prefix_contains(&rs->ips[i].address, &gateway))
				rs->ips[i].gateway = gateway;
	}
	return e->code ? -1 : 0;
}

/* Results before 0.3.0 have room for one address of each family. */
static int check_version(const struct cni_result *rs, enum cni_version version, struct err *e)
{
	unsigned count[7] = {0};

	for (unsigned i = 0; i < rs->ip_count; i++)
		count[rs->ips[i].address.ip.family]++;
	if (version < CNI_0_3_0 && (count[4] > 1 || count[6] > 1))
		return err_set(e, ERR_CONFIG, NULL,
			       "CNI version %s does not support more than 1 address per family",
			       cni_version_text(version));
	return 0;
}

int static_add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	struct json ipam = json_get(rq->conf, "ipam");
	struct json args = json_get(json_get(rq->conf, "args"), "cni");
	struct json runtime = json_get(rq->conf, "runtimeConfig");

	if (!e->code && !json_present(ipam))
		return err_set(e, ERR_CONFIG, NULL, "IPAM config missing 'ipam' key");
	rs->dns_always = true;
	if (read_addresses(rs, json_get(ipam, "addresses"), e) || read_args(rs, rq, e) ||
	    replace(rs, json_get(args, "ips"), e) || replace(rs, json_get(runtime, "ips"), e) ||
	    check_version(rs, rq->version, e))
		return -1;
	return cni_routes_read(rs, json_get(ipam, "routes"), e) ||
			       cni_dns_read(&rs->dns, json_get(ipam, "dns"), e)
		       ? -1
		       : 0;
}

static const struct cni_address *find(const struct cni_result *rs, const struct ip *ip)
{
	for (unsigned i = 0; i < rs->ip_count; i++)
		if (ip_equal(&rs->ips[i].address.ip, ip))
			return &rs->ips[i];
	return NULL;
}

int static_check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result wanted, previous;
	char text[IP_TEXT];

	memset(&wanted, 0, sizeof(wanted));
	if (static_add(rq, &wanted, e) ||
	    cni_previous_demand(&previous, rq, "Required prevResult missing", e))
		return -1;
	for (unsigned i = 0; i < wanted.ip_count; i++) {
		const struct cni_address *w = &wanted.ips[i];
		const struct cni_address *a = find(&previous, &w->address.ip);

		if (!a || (w->gateway.family && !ip_equal(&w->gateway, &a->gateway)))
			return err_set(e, ERR_STATE, NULL,
				       "static: Failed to match addr %s on interface %s",
				       ip_format(text, &w->address.ip), rq->ifname);
	}
	return 0;
}

int static_status(const struct cni_request *rq, struct err *e)
{
	static struct cni_result wanted;

	memset(&wanted, 0, sizeof(wanted));
	return static_add(rq, &wanted, e);
}
