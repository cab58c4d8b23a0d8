#include "cni/result.h"

#include <string.h>

#include "json/writer.h"

struct cni_interface *cni_result_interface(struct cni_result *rs, struct err *e)
{
	if (rs->interface_count == CNI_INTERFACES_MAX) {
		err_set(e, ERR_FIELD, "build result", "more than %d interfaces",
			CNI_INTERFACES_MAX);
		return NULL;
	}
	rs->interfaces[rs->interface_count] = (struct cni_interface){.mac = "", .sandbox = ""};
	return &rs->interfaces[rs->interface_count++];
}

struct cni_address *cni_result_ip(struct cni_result *rs, struct err *e)
{
	if (rs->ip_count == CNI_IPS_MAX) {
		err_set(e, ERR_FIELD, "build result", "more than %d addresses", CNI_IPS_MAX);
		return NULL;
	}
	rs->ips[rs->ip_count] = (struct cni_address){.interface = -1};
	return &rs->ips[rs->ip_count++];
}

static void write_text(struct out *w, const char *key, const char *text)
{
	if (text && *text)
		out_str(w, key, text);
}

static void write_interfaces(struct out *w, const struct cni_result *rs, enum cni_version v)
{
	if (rs->interface_count == 0)
		return;
	out_array(w, "interfaces") {
		for (unsigned i = 0; i < rs->interface_count; i++) {
			const struct cni_interface *f = &rs->interfaces[i];

			out_object(w, NULL) {
				out_str(w, "name", f->name);
				write_text(w, "mac", f->mac);
				if (f->mtu && v >= CNI_1_1_0)
					out_u64(w, "mtu", f->mtu);
				if (v >= CNI_1_1_0)
					write_text(w, "pciID", f->pci_id);
				write_text(w, "sandbox", f->sandbox);
				if (v >= CNI_1_1_0)
					write_text(w, "socketPath", f->socket_path);
			}
		}
	}
}

static void write_ip(struct out *w, const char *key, const struct ip *ip)
{
	char text[IP_TEXT];

	if (ip->family)
		out_str(w, key, ip_format(text, ip));
}

static void write_prefix(struct out *w, const char *key, const struct prefix *p)
{
	char text[PREFIX_TEXT];

	out_str(w, key, prefix_format(text, p));
}

static void write_ips(struct out *w, const struct cni_result *rs, enum cni_version v)
{
	if (rs->ip_count == 0)
		return;
	out_array(w, "ips") {
		for (unsigned i = 0; i < rs->ip_count; i++) {
			const struct cni_address *a = &rs->ips[i];

			out_object(w, NULL) {
				if (v < CNI_1_0_0)
					out_str(w, "version",
						a->address.ip.family == 4 ? "4" : "6");
				write_prefix(w, "address", &a->address);
				write_ip(w, "gateway", &a->gateway);
				if (a->interface >= 0)
					out_u64(w, "interface", (uint64_t)a->interface);
			}
		}
	}
}

static void write_route(struct out *w, const struct cni_route *r, bool extras)
{
	out_object(w, NULL) {
		write_prefix(w, "dst", &r->dst);
		write_ip(w, "gw", &r->gw);
		if (extras && r->mtu)
			out_u64(w, "mtu", r->mtu);
		if (extras && r->advmss)
			out_u64(w, "advmss", r->advmss);
		if (extras && r->priority)
			out_u64(w, "priority", r->priority);
		if (extras && r->table >= 0)
			out_u64(w, "table", (uint64_t)r->table);
		if (extras && r->scope >= 0)
			out_u64(w, "scope", (uint64_t)r->scope);
	}
}

static void write_routes(struct out *w, const struct cni_result *rs, uint8_t family)
{
	bool any = false;

	for (unsigned i = 0; i < rs->route_count; i++)
		any |= !family || rs->routes[i].dst.ip.family == family;
	if (!any)
		return;
	out_array(w, "routes")
		for (unsigned i = 0; i < rs->route_count; i++)
			if (!family || rs->routes[i].dst.ip.family == family)
				write_route(w, &rs->routes[i], !family);
}

static void write_words(struct out *w, const char *key, const struct cni_words *words)
{
	if (words->count == 0)
		return;
	out_array(w, key)
		for (unsigned i = 0; i < words->count; i++)
			out_str(w, NULL, words->word[i]);
}

static void write_dns(struct out *w, const struct cni_result *rs, enum cni_version v)
{
	const struct cni_dns *d = &rs->dns;

	if (!d->nameservers.count && !d->search.count && !d->options.count && !d->domain &&
	    !(rs->dns_always && v < CNI_1_0_0))
		return;
	out_object(w, "dns") {
		write_words(w, "nameservers", &d->nameservers);
		if (d->domain)
			out_str(w, "domain", d->domain);
		write_words(w, "search", &d->search);
		write_words(w, "options", &d->options);
	}
}

/* 0.1.0 and 0.2.0: one address per family, each with its own routes. */
static int write_old_ips(struct out *w, const struct cni_result *rs, struct err *e)
{
	static const char *const key[] = {[4] = "ip4", [6] = "ip6"};
	bool any = false;

	for (uint8_t family = 4; family <= 6; family += 2) {
		unsigned i = 0;

		while (i < rs->ip_count && rs->ips[i].address.ip.family != family)
			i++;
		if (i == rs->ip_count)
			continue;
		any = true;
		out_object(w, key[family]) {
			write_prefix(w, "ip", &rs->ips[i].address);
			write_ip(w, "gateway", &rs->ips[i].gateway);
			write_routes(w, rs, family);
		}
	}
	if (!any)
		return err_set(e, ERR_VERSION, "write result",
			       "cannot convert: no valid IP addresses");
	return 0;
}

long cni_result_write(const struct cni_result *rs, enum cni_version v, char *buf, size_t size,
		      struct err *e)
{
	struct out w;

	out_begin(&w, buf, size);
	if (json_present(rs->same_as)) {
		size_t len;
		const char *raw = json_raw(rs->same_as, &len);

		out_raw(&w, NULL, raw, len);
		return out_end(&w, e) ? -1 : (long)w.len;
	}
	out_object(&w, NULL) {
		out_str(&w, "cniVersion", cni_version_text(v));
		if (v >= CNI_0_3_0) {
			write_interfaces(&w, rs, v);
			write_ips(&w, rs, v);
			write_routes(&w, rs, 0);
		} else if (write_old_ips(&w, rs, e)) {
			return -1;
		}
		write_dns(&w, rs, v);
	}
	return out_end(&w, e) ? -1 : (long)w.len;
}

static int64_t optional_u32(struct json v)
{
	return json_present(v) ? (int64_t)json_u32(v, 0, UINT32_MAX) : -1;
}

int cni_routes_read(struct cni_result *rs, struct json routes, struct err *e)
{
	json_each(r, routes) {
		struct cni_route *route;

		if (rs->route_count == CNI_ROUTES_MAX)
			return json_fault(routes, ERR_FIELD, "want at most %d routes",
					  CNI_ROUTES_MAX);
		route = &rs->routes[rs->route_count++];
		*route = (struct cni_route){
			.mtu = json_u32(json_get(r, "mtu"), 0, UINT32_MAX),
			.advmss = json_u32(json_get(r, "advmss"), 0, UINT32_MAX),
			.priority = json_u32(json_get(r, "priority"), 0, UINT32_MAX),
			.table = optional_u32(json_get(r, "table")),
			.scope = optional_u32(json_get(r, "scope")),
		};
		if (!json_prefix(json_get(r, "dst"), &route->dst))
			return json_fault(json_get(r, "dst"), ERR_CONFIG, "want a range");
		json_ip(json_get(r, "gw"), &route->gw);
	}
	return e->code ? -1 : 0;
}

static int read_ip(struct cni_result *rs, struct json v, const char *address_key, struct err *e)
{
	struct cni_address *a = cni_result_ip(rs, e);
	struct json address = json_get(v, address_key);
	struct json interface = json_get(v, "interface");

	if (!a)
		return -1;
	if (!json_prefix(address, &a->address))
		return json_fault(address, ERR_CONFIG, "want an address with its prefix length");
	json_ip(json_get(v, "gateway"), &a->gateway);
	/* Some plugins write -1 for "none". */
	if (json_present(interface) && *json_raw(interface, &(size_t){0}) != '-')
		a->interface = (int)json_u32(interface, 0, CNI_INTERFACES_MAX - 1);
	return 0;
}

static int read_old_ip(struct cni_result *rs, struct json v, struct err *e)
{
	if (!json_present(v))
		return 0;
	if (read_ip(rs, v, "ip", e))
		return -1;
	return cni_routes_read(rs, json_get(v, "routes"), e);
}

static int read_words(struct cni_words *words, struct json list)
{
	json_each(v, list) {
		if (words->count == CNI_DNS_MAX)
			return json_fault(list, ERR_FIELD, "want at most %d words", CNI_DNS_MAX);
		words->word[words->count++] = json_str(v, "");
	}
	return 0;
}

int cni_dns_read(struct cni_dns *d, struct json v, struct err *e)
{
	d->domain = json_str(json_get(v, "domain"), NULL);
	if (read_words(&d->nameservers, json_get(v, "nameservers")) ||
	    read_words(&d->search, json_get(v, "search")))
		return -1;
	return read_words(&d->options, json_get(v, "options")) || e->code ? -1 : 0;
}

int cni_result_read(struct cni_result *rs, struct json v, struct err *e)
{
	memset(rs, 0, sizeof(*rs));
	json_each(i, json_get(v, "interfaces")) {
		struct cni_interface *f = cni_result_interface(rs, e);

		if (!f)
			return -1;
		f->name = json_str(json_get(i, "name"), "");
		f->mac = json_str(json_get(i, "mac"), "");
		f->sandbox = json_str(json_get(i, "sandbox"), "");
		f->mtu = json_u32(json_get(i, "mtu"), 0, UINT32_MAX);
		f->socket_path = json_str(json_get(i, "socketPath"), NULL);
		f->pci_id = json_str(json_get(i, "pciID"), NULL);
	}
	json_each(i, json_get(v, "ips"))
		if (read_ip(rs, i, "address", e))
			return -1;
	if (read_old_ip(rs, json_get(v, "ip4"), e) || read_old_ip(rs, json_get(v, "ip6"), e) ||
	    cni_dns_read(&rs->dns, json_get(v, "dns"), e))
		return -1;
	return cni_routes_read(rs, json_get(v, "routes"), e);
}

int cni_result_read_as(struct cni_result *rs, struct json v, enum cni_version version,
		       struct err *e)
{
	const char *text = json_str(json_get(v, "cniVersion"), cni_version_text(version));
	enum cni_version found;

	if (e->code)
		return -1;
	if (!cni_version_parse(&found, text))
		return err_set(e, ERR_VERSION, NULL, "unsupported CNI result version \"%s\"", text);
	/* One text for each family. */
	if (cni_version_family(found) != cni_version_family(version))
		return err_set(e, ERR_VERSION, NULL,
			       "result type supports [%s] but unmarshalled CNIVersion is \"%s\"",
			       cni_version_family(version), text);
	return cni_result_read(rs, v, e);
}

unsigned cni_result_addresses(struct ip *ip, unsigned max, struct json v)
{
	struct json ips = json_type(v) == JSON_OBJECT ? json_get(v, "ips") : v;
	unsigned n = 0;

	if (json_type(ips) != JSON_ARRAY)
		return 0;
	json_each(i, ips) {
		struct json address = json_type(i) == JSON_OBJECT ? json_get(i, "address") : i;
		struct prefix p;

		if (n < max && json_type(address) == JSON_STRING &&
		    prefix_parse(&p, json_str(address, "")))
			ip[n++] = p.ip;
	}
	return n;
}
