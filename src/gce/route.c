#include "gce/route.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/ip.h"
#include "gce/retry.h"
#include "json/writer.h"

static const char *const hop_kinds[] = {"nextHopInstance", "nextHopIp",	       "nextHopGateway",
					"nextHopIlb",	   "nextHopVpnTunnel", "nextHopPeering",
					"nextHopNetwork",  "nextHopHub"};

int gce_route_read(struct gce_route *r, struct json v, struct err *e)
{
	*r = (struct gce_route){
		.name = json_str(json_get(v, "name"), ""),
		.network = json_str(json_get(v, "network"), ""),
		.dest_range = json_str(json_get(v, "destRange"), ""),
		.hop_kind = "",
		.hop = "",
		.description = json_str(json_get(v, "description"), ""),
		.priority = json_u32(json_get(v, "priority"), 1000, 65535),
		.self_link = json_str(json_get(v, "selfLink"), ""),
		.warnings = json_get(v, "warnings"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(hop_kinds) && !*r->hop; i++) {
		r->hop = json_str(json_get(v, hop_kinds[i]), "");
		r->hop_kind = hop_kinds[i];
	}
	json_each(tag, json_get(v, "tags"))
		if (r->tag_count < GCE_TAGS_MAX)
			r->tags[r->tag_count++] = json_str(tag, "");
	return e->code ? -1 : 0;
}

bool gce_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t n = strspn(name, allowed);

	return n > 0 && n <= GCE_NAME_MAX && !name[n] && name[0] >= 'a' && name[0] <= 'z' &&
	       name[n - 1] != '-';
}

/* Both written in their canonical form, or both not. */
static bool same_range(const char *a, const char *b)
{
	struct prefix p, q;

	if (!prefix_parse(&p, a) || !prefix_parse(&q, b))
		return strcmp(a, b) == 0;
	return prefix_equal(&p, &q);
}

static bool same_hop(const struct gce_route *a, const struct gce_route *b, const char *project)
{
	struct err none = {0};
	const char *one, *other;
	struct ip p, q;

	if (strcmp(a->hop_kind, b->hop_kind) != 0)
		return false;
	if (ip_parse(&p, a->hop) && ip_parse(&q, b->hop))
		return ip_equal(&p, &q);
	one = gce_path(a->hop, project, &none);
	other = gce_path(b->hop, project, &none);
	return one && other && strcmp(one, other) == 0;
}

static bool has_tag(const struct gce_route *r, const char *tag)
{
	for (unsigned i = 0; i < r->tag_count; i++)
		if (strcmp(r->tags[i], tag) == 0)
			return true;
	return false;
}

static bool same_tags(const struct gce_route *a, const struct gce_route *b)
{
	for (unsigned i = 0; i < a->tag_count; i++)
		if (!has_tag(b, a->tags[i]))
			return false;
	for (unsigned i = 0; i < b->tag_count; i++)
		if (!has_tag(a, b->tags[i]))
			return false;
	return true;
}

const char *gce_route_difference(const struct gce_route *want, const struct gce_route *found,
				 const char *project)
{
	struct err none = {0};
	const char *one = gce_path(want->network, project, &none);
	const char *other = gce_path(found->network, project, &none);
	const char *text;

	if (!same_range(want->dest_range, found->dest_range))
		text = arena_format(&none, "its range is %s, not %s", found->dest_range,
				    want->dest_range);
	else if (!one || !other || strcmp(one, other) != 0)
		text = arena_format(&none, "its network is %s, not %s",
				    gce_basename(found->network), gce_basename(want->network));
	else if (!same_hop(want, found, project))
		text = arena_format(&none, "its next hop is %s, not %s", found->hop, want->hop);
	else if (want->priority != found->priority)
		text = arena_format(&none, "its priority is %u, not %u", found->priority,
				    want->priority);
	else if (!same_tags(want, found))
		text = arena_format(&none, "its tags are others");
	else
		return NULL;
	return text ? text : "";
}

/* Give the change an identity, so that a second try cannot be a second change. */
static void request_id(char out[static 64])
{
	char uuid[GCE_UUID_TEXT];

	gce_uuid(uuid);
	snprintf(out, 64, "requestId=%s", uuid);
}

static int begin(struct gce *g, const struct gce_request *rq, struct gce_operation *o,
		 struct gce_answer *a, struct err *e)
{
	if (gce_call(g, rq, a, e))
		return -1;
	if (gce_operation_read(o, a, e)) {
		err_prefix(e, "%s", rq->doing);
		return -1;
	}
	return 0;
}

int gce_route_insert(struct gce *g, const struct gce_route *r, struct gce_operation *o,
		     struct gce_answer *a, struct err *e)
{
	static char body[8192];
	char doing[128], query[64];
	struct gce_request rq = {.doing = doing,
				 .method = "POST",
				 .path = "/global/routes",
				 .query = query,
				 .body = body};
	struct out w;

	request_id(query);
	snprintf(doing, sizeof(doing), "create the route %s", r->name);
	out_begin(&w, body, sizeof(body));
	w.compact = true;
	out_object(&w, NULL) {
		out_str(&w, "name", r->name);
		out_str(&w, "network", r->network);
		out_str(&w, "destRange", r->dest_range);
		out_str(&w, r->hop_kind, r->hop);
		out_u64(&w, "priority", r->priority);
		if (*r->description)
			out_str(&w, "description", r->description);
		if (r->tag_count)
			out_array(&w, "tags")
				for (unsigned i = 0; i < r->tag_count; i++)
					out_str(&w, NULL, r->tags[i]);
	}
	a->refusal.status = 0;
	if (out_end(&w, e))
		return -1;
	return begin(g, &rq, o, a, e);
}

int gce_route_delete(struct gce *g, const char *name, struct gce_operation *o, struct gce_answer *a,
		     struct err *e)
{
	char doing[128], path[128], query[64];
	struct gce_request rq = {.doing = doing, .method = "DELETE", .path = path, .query = query};

	request_id(query);
	snprintf(doing, sizeof(doing), "delete the route %s", name);
	snprintf(path, sizeof(path), "/global/routes/%s", name);
	return begin(g, &rq, o, a, e);
}

/* Which of the API's errors says that the name is taken. */
static bool is_taken(const struct gce_answer *a, const struct gce_operation *o)
{
	return a->refusal.status == 409 || strcmp(o->error_code, "RESOURCE_ALREADY_EXISTS") == 0;
}

int gce_route_make(struct gce *g, const struct gce_route *r, struct gce_operation *o, struct err *e)
{
	char doing[128];
	struct gce_answer a;

	snprintf(doing, sizeof(doing), "create the route %s", r->name);
	o->error_code[0] = '\0';
	if (gce_route_insert(g, r, o, &a, e) == 0 && gce_operation_wait(g, o, doing, e) == 0)
		return 0;
	if (!is_taken(&a, o))
		return -1;
	err_clear(e);
	return 1;
}

int gce_route_unmake(struct gce *g, const char *name, struct err *e)
{
	char doing[128];
	struct gce_operation o = {0};
	struct gce_answer a;

	snprintf(doing, sizeof(doing), "delete the route %s", name);
	if (gce_route_delete(g, name, &o, &a, e) == 0 && gce_operation_wait(g, &o, doing, e) == 0)
		return 0;
	if (a.refusal.status != 404 && strcmp(o.error_code, "RESOURCE_NOT_FOUND") != 0)
		return -1;
	err_clear(e);
	return 0;
}

int gce_route_get(struct gce *g, const char *name, struct gce_route *r, struct gce_answer *a,
		  struct err *e)
{
	char doing[128], path[128];
	struct gce_request rq = {.doing = doing, .method = "GET", .path = path};

	snprintf(doing, sizeof(doing), "read the route %s", name);
	snprintf(path, sizeof(path), "/global/routes/%s", name);
	if (gce_call(g, &rq, a, e))
		return -1;
	return gce_route_read(r, json_open(a->text, a->len, "the route", e), e);
}

void gce_route_link(char out[static GCE_LINK_MAX], const struct gce *g, const char *name)
{
	snprintf(out, GCE_LINK_MAX,
		 "https://www.googleapis.com/compute/v1/projects/%s/global/routes/%s", g->project,
		 name);
}
