#include "gce/firewall.h"

#include <stdio.h>
#include <string.h>

#include "gce/call.h"
#include "gce/retry.h"
#include "json/writer.h"

static const struct {
	const char *name, *number;
} protocols[GCE_PROTOCOLS] = {
	[GCE_TCP] = {"tcp", "6"}, [GCE_UDP] = {"udp", "17"}, [GCE_ICMP] = {"icmp", "1"}};

#define PRIORITY_DEFAULT 1000

void gce_opening_begin(struct gce_opening *o, const struct prefix *source, const char *network,
		       const struct gce_instance *instance)
{
	*o = (struct gce_opening){.source = *source, .network = network, .instance = instance};
	for (unsigned i = 0; i < GCE_PROTOCOLS; i++)
		o->allow[i] = o->deny[i] = GCE_NO_RULE;
}

static bool same_network(const char *a, const char *b)
{
	const char *one = strstr(a, "global/networks/"), *other = strstr(b, "global/networks/");

	return one && other && strcmp(one, other) == 0;
}

/* No target: every instance. A service account is not looked at: it may be ours. */
static bool applies_to(struct json rule, const struct gce_instance *i, bool allow)
{
	struct json tags = json_get(rule, "targetTags");

	if (json_present(json_get(rule, "targetServiceAccounts")))
		return !allow;
	if (!json_present(tags))
		return true;
	json_each(tag, tags)
		for (unsigned n = 0; n < i->tag_count; n++)
			if (strcmp(json_str(tag, ""), i->tags[n]) == 0)
				return true;
	return false;
}

static bool overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->ip.family == b->ip.family &&
	       prefix_contains(a->len < b->len ? a : b, a->len < b->len ? &b->ip : &a->ip);
}

/* A rule without sources is for all of them; one with tags or accounts only, not for pods. */
static bool matches_source(struct json rule, const struct prefix *source, bool allow)
{
	struct json ranges = json_get(rule, "sourceRanges");

	if (!json_present(ranges))
		return !json_present(json_get(rule, "sourceTags")) &&
		       !json_present(json_get(rule, "sourceServiceAccounts"));
	json_each(one, ranges) {
		struct prefix p;

		if (!prefix_parse(&p, json_str(one, "")))
			continue;
		if (allow ? p.len <= source->len && overlaps(&p, source) : overlaps(&p, source))
			return true;
	}
	return false;
}

/* All of the protocol for one that allows; any of it for one that denies. */
static bool covers(struct json entries, unsigned protocol, bool allow)
{
	json_each(entry, entries) {
		const char *name = json_str(json_get(entry, "IPProtocol"), "");
		struct json ports = json_get(entry, "ports");
		const char *first = json_str(json_first(ports), "");
		bool all_ports = !json_present(ports) || strcmp(first, "0-65535") == 0 ||
				 strcmp(first, "1-65535") == 0;

		if (strcmp(name, "all") == 0)
			return true;
		if (strcmp(name, protocols[protocol].name) != 0 &&
		    strcmp(name, protocols[protocol].number) != 0)
			continue;
		if (all_ports || !allow)
			return true;
	}
	return false;
}

static void weigh(struct gce_opening *o, struct json rule, const char *key, bool allow)
{
	uint32_t priority = json_u32(json_get(rule, "priority"), PRIORITY_DEFAULT, 65535);
	uint32_t *best = allow ? o->allow : o->deny;
	struct json entries = json_get(rule, key);

	if (!json_present(entries) || !applies_to(rule, o->instance, allow) ||
	    !matches_source(rule, &o->source, allow))
		return;
	for (unsigned i = 0; i < GCE_PROTOCOLS; i++) {
		if (!covers(entries, i, allow) || priority >= best[i])
			continue;
		best[i] = priority;
		if (!allow)
			snprintf(o->denied_by, sizeof(o->denied_by), "%s",
				 json_str(json_get(rule, "name"), ""));
	}
}

void gce_opening_weigh(struct gce_opening *o, struct json rule)
{
	if (json_bool(json_get(rule, "disabled"), false) ||
	    strcmp(json_str(json_get(rule, "direction"), "INGRESS"), "INGRESS") != 0 ||
	    !same_network(json_str(json_get(rule, "network"), ""), o->network))
		return;
	weigh(o, rule, "allowed", true);
	weigh(o, rule, "denied", false);
}

void gce_opening_closed(const struct gce_opening *o, char out[static 32])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < GCE_PROTOCOLS; i++)
		if (o->allow[i] == GCE_NO_RULE || o->deny[i] <= o->allow[i])
			n += (size_t)snprintf(out + n, 32 - n, "%s%s", n ? ", " : "",
					      protocols[i].name);
}

const char *gce_rule_difference(const struct gce_rule *want, struct json found, const char *project)
{
	struct json ranges = json_get(found, "sourceRanges"), allowed = json_get(found, "allowed");
	struct json range = json_first(ranges), entry = json_first(allowed);
	struct err none = {0};
	const char *one = gce_path(want->network, project, &none);
	const char *other = gce_path(json_str(json_get(found, "network"), ""), project, &none);

	if (!one || !other || strcmp(one, other) != 0)
		return "it is for another network";
	if (strcmp(json_str(json_get(found, "direction"), "INGRESS"), "INGRESS") != 0)
		return "it is for packets that go out";
	if (json_bool(json_get(found, "disabled"), false))
		return "it is switched off";
	if (!json_present(range) || json_next(range).tok >= 0 ||
	    strcmp(json_str(range, ""), want->range) != 0)
		return "its source ranges are others";
	if (!json_present(entry) || json_next(entry).tok >= 0 ||
	    strcmp(json_str(json_get(entry, "IPProtocol"), ""), "all") != 0)
		return "it does not allow all protocols";
	if (json_present(json_get(found, "targetTags")) ||
	    json_present(json_get(found, "targetServiceAccounts")))
		return "it is for some instances only";
	return NULL;
}

int gce_rule_get(struct gce *g, const char *name, struct gce_answer *a, struct err *e)
{
	char doing[128], path[128];
	struct gce_request rq = {.doing = doing, .method = "GET", .path = path};

	snprintf(doing, sizeof(doing), "look at the firewall rule %s", name);
	snprintf(path, sizeof(path), "/global/firewalls/%s", name);
	if (gce_call(g, &rq, a, e) == 0)
		return 1;
	if (a->refusal.status != 404)
		return -1;
	err_clear(e);
	return 0;
}

int gce_rule_put(struct gce *g, const struct gce_rule *r, bool exists, unsigned *status,
		 struct err *e)
{
	static struct gce_operation o;
	static char body[2048];
	char doing[128], path[128], query[64], uuid[GCE_UUID_TEXT];
	struct gce_request rq = {.doing = doing,
				 .method = exists ? "PATCH" : "POST",
				 .path = path,
				 .query = query,
				 .body = body};
	struct gce_answer a;
	struct out w;

	gce_uuid(uuid);
	snprintf(query, sizeof(query), "requestId=%s", uuid);
	snprintf(doing, sizeof(doing), "%s the firewall rule %s", exists ? "change" : "create",
		 r->name);
	snprintf(path, sizeof(path), "/global/firewalls%s%s", exists ? "/" : "",
		 exists ? r->name : "");
	out_begin(&w, body, sizeof(body));
	w.compact = true;
	out_object(&w, NULL) {
		out_str(&w, "name", r->name);
		out_str(&w, "network", r->network);
		out_str(&w, "description", r->description);
		out_str(&w, "direction", "INGRESS");
		out_bool(&w, "disabled", false);
		out_array(&w, "sourceRanges")
			out_str(&w, NULL, r->range);
		out_array(&w, "allowed")
			out_object(&w, NULL)
				out_str(&w, "IPProtocol", "all");
		if (exists)
			out_raw(&w, "targetTags", "null", 4);
	}
	*status = 0;
	if (out_end(&w, e))
		return -1;
	if (gce_call(g, &rq, &a, e)) {
		*status = a.refusal.status;
		return -1;
	}
	return gce_operation_read(&o, &a, e) || gce_operation_wait(g, &o, doing, e) ? -1 : 0;
}
