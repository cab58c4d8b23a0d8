#include "gce/place.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "gce/call.h"
#include "gce/metadata.h"

/* Copy a name that goes into paths. Gives 0, or -1 with e set. */
static int take_name(char out[static GCE_NAME_MAX + 1], const char *what, const char *text,
		     struct err *e)
{
	if (!gce_name_valid(text))
		return err_set(e, ERR_STATE, "ask the metadata server", "%s is '%.80s'", what,
			       text);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

/* "projects/NUMBER/networks/NAME": without "global/", and with a number for the project's name. */
static int find_network(struct gce *g, struct gce_here *h, struct err *e)
{
	char text[512], number[64], name[GCE_NAME_MAX + 1];
	size_t n;

	if (gce_metadata_need(g, "instance/network-interfaces/0/network", text, sizeof(text), e) ||
	    gce_metadata_need(g, "project/numeric-project-id", number, sizeof(number), e) ||
	    take_name(name, "the network", gce_basename(text), e))
		return -1;
	n = strlen(number);
	if (strcmp(h->project, g->project) == 0 && strncmp(text, "projects/", 9) == 0 &&
	    (strncmp(text + 9, number, n) != 0 || text[9 + n] != '/')) {
		err_set(e, ERR_STATE, NULL,
			"the network of this instance, %s, is another project's", text);
		err_hint(e, "a shared VPC's routes belong to its host project: --project HOST");
		return -1;
	}
	snprintf(h->network, sizeof(h->network), "projects/%s/global/networks/%s", g->project,
		 name);
	return 0;
}

int gce_here(struct gce *g, struct gce_here *h, struct err *e)
{
	char text[512];

	memset(h, 0, sizeof(*h));
	if (gce_metadata_need(g, "project/project-id", h->project, sizeof(h->project), e) ||
	    gce_metadata_need(g, "instance/zone", text, sizeof(text), e) ||
	    take_name(h->zone, "the zone", gce_basename(text), e) ||
	    gce_metadata_need(g, "instance/name", text, sizeof(text), e) ||
	    take_name(h->instance, "the instance", text, e))
		return -1;
	snprintf(h->path, sizeof(h->path), "projects/%s/zones/%s/instances/%s", h->project, h->zone,
		 h->instance);
	return find_network(g, h, e);
}

enum want {
	CAN_IP_FORWARD,
	STATUS,
	TAGS,
};

/* An instance may have hundreds of KiB of metadata: only what is wanted is kept. */
static int take_instance(void *context, unsigned want, const char *text, size_t len, struct err *e)
{
	struct gce_instance *i = context;
	size_t mark = arena_mark();
	struct json v = json_open(text, len, "the instance", e);

	switch ((enum want)want) {
	case CAN_IP_FORWARD:
		i->can_ip_forward = json_bool(v, false);
		break;
	case STATUS:
		snprintf(i->status, sizeof(i->status), "%s", json_str(v, ""));
		break;
	case TAGS:
		i->tag_count = 0;
		json_each(tag, json_get(v, "items"))
			if (i->tag_count < GCE_TAGS_MAX)
				snprintf(i->tags[i->tag_count++], sizeof(*i->tags), "%s",
					 json_str(tag, ""));
		break;
	}
	arena_back(mark);
	return e->code ? -1 : 0;
}

int gce_instance_get(struct gce *g, const char *path, struct gce_instance *i, struct err *e)
{
	static const struct json_want wants[] = {[CAN_IP_FORWARD] = {"canIpForward", false},
						 [STATUS] = {"status", false},
						 [TAGS] = {"tags", false}};
	const char *project = path + strlen("projects/"), *rest = strchr(project, '/');
	char doing[GCE_PATH_MAX + 32], name[GCE_PROJECT_MAX];
	struct gce_request rq = {.doing = doing,
				 .method = "GET",
				 .project = name,
				 .path = rest,
				 .query = "fields=canIpForward,status,tags/items",
				 .wants = wants,
				 .want_count = ARRAY_SIZE(wants),
				 .take = take_instance,
				 .context = i};
	struct gce_answer a;

	memset(i, 0, sizeof(*i));
	if (strncmp(path, "projects/", 9) != 0 || !rest || (size_t)(rest - project) >= sizeof(name))
		return err_set(e, ERR_STATE, "look at an instance", "'%.100s' is no path of one",
			       path);
	snprintf(name, sizeof(name), "%.*s", (int)(rest - project), project);
	snprintf(doing, sizeof(doing), "look at the instance %s", gce_basename(path));
	if (gce_call(g, &rq, &a, e) == 0)
		return 1;
	if (a.refusal.status != 404)
		return -1;
	err_clear(e);
	return 0;
}

int gce_network_is_auto(struct gce *g, const char *network, bool *is_auto, struct err *e)
{
	char path[128], doing[128];
	struct gce_request rq = {.doing = doing,
				 .method = "GET",
				 .path = path,
				 .query = "fields=autoCreateSubnetworks"};
	struct gce_answer a;
	struct json v;

	snprintf(path, sizeof(path), "/global/networks/%s", gce_basename(network));
	snprintf(doing, sizeof(doing), "look at the network %s", gce_basename(network));
	if (gce_call(g, &rq, &a, e))
		return -1;
	v = json_open(a.text, a.len, "the network", e);
	*is_auto = json_bool(json_get(v, "autoCreateSubnetworks"), false);
	return e->code ? -1 : 0;
}

/* The whole part of a number such as 250.0. */
static unsigned long whole(struct json v)
{
	unsigned long n = 0;
	const char *raw;
	size_t len;

	if (json_type(v) != JSON_NUMBER)
		return 0;
	raw = json_raw(v, &len);
	for (size_t i = 0; i < len && raw[i] >= '0' && raw[i] <= '9' && n < 1000000000; i++)
		n = n * 10 + (unsigned long)(raw[i] - '0');
	return n;
}

int gce_quota_check(struct gce *g, unsigned more, struct err *e)
{
	struct gce_request rq = {.doing = "look at the project's quotas",
				 .method = "GET",
				 .path = "",
				 .query = "fields=quotas"};
	struct gce_answer a;
	struct json v;

	if (gce_call(g, &rq, &a, e))
		return -1;
	v = json_open(a.text, a.len, "the project", e);
	json_each(quota, json_get(v, "quotas")) {
		const char *metric = json_str(json_get(quota, "metric"), "");
		unsigned long limit = whole(json_get(quota, "limit"));
		unsigned long usage = whole(json_get(quota, "usage"));

		if (!strstr(metric, "ROUTES") || usage + more <= limit)
			continue;
		err_set(e, ERR_STATE, "look at the project's quotas", "%s is %lu, and %lu are used",
			metric, limit, usage);
		err_hint(e, "delete routes that nobody needs, or ask for a higher quota of this "
			    "project; nothing was changed");
	}
	return e->code ? -1 : 0;
}
