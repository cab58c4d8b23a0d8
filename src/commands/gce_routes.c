/*
 * gce-routes: VPC routes of Google's cloud, with gcloud's words and without gcloud; and `gcloud
 * compute routes` itself, for who has those words in scripts.
 */
#include "commands/gce_routes.h"

#include <stdlib.h>
#include <string.h>

#include "applet.h"
#include "base/number.h"
#include "base/say.h"
#include "commands/command.h"
#include "commands/gce_filter.h"
#include "commands/gce_output.h"

#define VERBS	      "create, delete, list, describe, ensure, firewall or prune"
#define WATCH_LEAST   10
#define TIMEOUT_MOST  86400
#define PRIORITY_MOST 65535

/* Options with a text for a value come first: their keys are the slots of take_text. */
enum option_key {
	OPT_RANGE = 256,
	OPT_NETWORK,
	OPT_INSTANCE,
	OPT_ZONE,
	OPT_ADDRESS,
	OPT_TAGS,
	OPT_DESCRIPTION,
	OPT_PROJECT,
	OPT_FILTER,
	OPT_FORMAT,
	OPT_CLUSTER,
	OPT_CONF,
	OPT_ENDPOINT,
	OPT_CA_FILE,
	OPT_TOKEN_FILE,
	OPT_PRIORITY,
	OPT_TIMEOUT,
	OPT_WATCH,
	OPT_CIDR,
	OPT_QUIET,
	OPT_REPLACE,
	OPT_DRY_RUN,
	OPT_CHECK,
};

static const struct command_option options[] = {
	{"--destination-range", OPT_RANGE, true},
	{"--network", OPT_NETWORK, true},
	{"--next-hop-instance", OPT_INSTANCE, true},
	{"--next-hop-instance-zone", OPT_ZONE, true},
	{"--next-hop-address", OPT_ADDRESS, true},
	{"--tags", OPT_TAGS, true},
	{"--description", OPT_DESCRIPTION, true},
	{"--project", OPT_PROJECT, true},
	{"--filter", OPT_FILTER, true},
	{"--format", OPT_FORMAT, true},
	{"--cluster", OPT_CLUSTER, true},
	{"--conf", OPT_CONF, true},
	{"--api-endpoint", OPT_ENDPOINT, true},
	{"--ca-file", OPT_CA_FILE, true},
	{"--access-token-file", OPT_TOKEN_FILE, true},
	{"--priority", OPT_PRIORITY, true},
	{"--timeout", OPT_TIMEOUT, true},
	{"--watch", OPT_WATCH, true},
	{"--pod-cidr", OPT_CIDR, true},
	{"--source-range", OPT_CIDR, true},
	{"--quiet", OPT_QUIET, false},
	{"-q", OPT_QUIET, false},
	{"--replace", OPT_REPLACE, false},
	{"--dry-run", OPT_DRY_RUN, false},
	{"--check", OPT_CHECK, false},
	{0},
};

static int take_number(uint32_t *out, const char *option, const char *text, uint32_t least,
		       uint32_t most, struct err *e)
{
	if (number_parse(out, text, most) && *out >= least)
		return 0;
	return err_set(e, ERR_USAGE, NULL, "%s is a number from %u to %u, not '%s'", option, least,
		       most, text);
}

static int take_flag(struct gce_words *w, int key, const char *value, struct err *e)
{
	const char **slot[] = {
		&w->range,
		&w->network,
		&w->instance,
		&w->zone,
		&w->address,
		&w->tags,
		&w->description,
		&w->session.project,
		&w->filter,
		&w->format,
		&w->cluster,
		&w->conf,
		&w->session.endpoint,
		&w->session.ca_file,
		&w->session.token_file,
	};
	uint32_t seconds;

	if (key < OPT_PRIORITY) {
		*slot[key - OPT_RANGE] = value;
		return 0;
	}
	switch ((enum option_key)key) {
	case OPT_PRIORITY:
		w->priority_given = true;
		return take_number(&w->priority, "--priority", value, 0, PRIORITY_MOST, e);
	case OPT_TIMEOUT:
		if (take_number(&seconds, "--timeout", value, 1, TIMEOUT_MOST, e))
			return -1;
		w->session.timeout_ms = seconds * 1000;
		return 0;
	case OPT_WATCH:
		return take_number(&w->watch, "--watch", value, WATCH_LEAST, TIMEOUT_MOST, e);
	case OPT_CIDR:
		if (w->cidrs == GCE_CIDRS_MAX)
			return err_set(e, ERR_USAGE, NULL, "more than %d ranges", GCE_CIDRS_MAX);
		w->cidr[w->cidrs++] = value;
		return 0;
	case OPT_QUIET:
		w->quiet = true;
		return 0;
	case OPT_REPLACE:
		w->replace = true;
		return 0;
	case OPT_DRY_RUN:
		w->dry_run = true;
		return 0;
	default:
		w->check = true;
		return 0;
	}
}

/* gcloud's own variables, where a flag does not say it. */
static void take_environment(struct gce_words *w)
{
	const char *zone = getenv("CLOUDSDK_COMPUTE_ZONE");

	if (!w->zone && w->instance && zone && *zone)
		w->zone = zone;
}

static int ensure_once(struct gce *g, const struct gce_words *w, struct err *e)
{
	return gce_routes_ensure(g, w, true, e);
}

#define BIT(key) (1u << ((key)-OPT_RANGE))
#define OF_SESSION                                                                                 \
	(BIT(OPT_PROJECT) | BIT(OPT_ENDPOINT) | BIT(OPT_CA_FILE) | BIT(OPT_TOKEN_FILE) |           \
	 BIT(OPT_TIMEOUT) | BIT(OPT_QUIET))
#define OF_CLUSTER (BIT(OPT_CLUSTER) | BIT(OPT_CONF) | BIT(OPT_CIDR))

/* What can be done, and what it takes. */
static const struct verb {
	const char *name;
	unsigned names_least, names_most;			/* of routes */
	unsigned options;					/* beside those of the session */
	int (*check)(const struct gce_words *w, struct err *e); /* more than that; may be NULL */
	int (*run)(struct gce *g, const struct gce_words *w, struct err *e);
} verbs[] = {
	{"create", 1, 1,
	 BIT(OPT_RANGE) | BIT(OPT_NETWORK) | BIT(OPT_INSTANCE) | BIT(OPT_ZONE) | BIT(OPT_ADDRESS) |
		 BIT(OPT_TAGS) | BIT(OPT_DESCRIPTION) | BIT(OPT_PRIORITY) | BIT(OPT_FORMAT) |
		 BIT(OPT_REPLACE),
	 gce_routes_create_check, gce_routes_create},
	{"delete", 1, GCE_NAMES_MAX, 0, NULL, gce_routes_delete},
	{"list", 0, 0, BIT(OPT_FILTER) | BIT(OPT_FORMAT), NULL, gce_routes_list},
	{"describe", 1, 1, BIT(OPT_FORMAT), NULL, gce_routes_describe},
	{"ensure", 0, 0, OF_CLUSTER | BIT(OPT_WATCH), NULL, ensure_once},
	{"firewall", 0, 0, OF_CLUSTER | BIT(OPT_NETWORK) | BIT(OPT_REPLACE) | BIT(OPT_CHECK), NULL,
	 gce_routes_firewall},
	{"prune", 0, 0, BIT(OPT_CLUSTER) | BIT(OPT_DRY_RUN), NULL, gce_routes_prune},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int refuse_option(const struct verb *v, int key, struct err *e)
{
	const struct command_option *o = options;

	while (o->key != key)
		o++;
	return err_set(e, ERR_USAGE, NULL, "%s does not take %s", v->name, o->word);
}

static int read_words(struct gce_words *w, const struct verb *v, char **argv, struct err *e)
{
	struct command_words words = {.at = argv};
	int o;

	while ((o = command_next(&words, options, e)) >= 0) {
		if (o >= OPT_RANGE && !(BIT(o) & (v->options | OF_SESSION)))
			return refuse_option(v, o, e);
		if (o >= OPT_RANGE && take_flag(w, o, words.value, e))
			return -1;
		if (o == 0 && w->names == v->names_most)
			return err_set(e, ERR_USAGE, NULL, "'%s' is too much", words.value);
		if (o == 0 && !gce_name_valid(words.value))
			return err_set(e, ERR_USAGE, NULL,
				       "'%s' is no name: lower-case letters, digits and hyphens, a "
				       "letter first, %d at most",
				       words.value, GCE_NAME_MAX);
		if (o == 0)
			w->name[w->names++] = words.value;
	}
	take_environment(w);
	return e->code ? -1 : 0;
}

void gce_routes_complain(const struct gce_words *w, struct err *e)
{
	complain("%s: %s\n", w->program, e->msg);
	if (*e->details)
		complain("  %s\n", e->details);
	err_clear(e);
}

/* What can be known to be wrong before anybody is asked. */
static int check_words(const struct gce_words *w, const struct verb *v, struct err *e)
{
	struct gce_output output;
	struct gce_filter filter;

	if (w->names < v->names_least)
		return err_set(e, ERR_USAGE, NULL, "%s wants the name of a route", v->name);
	if (gce_output_begin(&output, w->format, "table", true, e) ||
	    gce_filter_parse(&filter, w->filter, e) || !gce_routes_cluster(w, e))
		return -1;
	return v->check ? v->check(w, e) : 0;
}

static int run_words(const char *program, char **words, struct err *e)
{
	const struct verb *v = words[0] ? find_verb(words[0]) : NULL;
	cleanup_gce struct gce g = {0};
	static struct gce_words w;

	if (!v)
		return err_set(e, ERR_USAGE, NULL, "%s%s%s " VERBS, words[0] ? "'" : "",
			       words[0] ? words[0] : "say what to do:", words[0] ? "' is not" : "");
	w = (struct gce_words){.program = program};
	if (read_words(&w, v, words + 1, e) || check_words(&w, v, e))
		return -1;
	if (w.watch)
		return gce_routes_watch(&w, e);
	return gce_open(&g, &w.session, e) ? -1 : v->run(&g, &w, e);
}

static int run(char **argv, struct err *e)
{
	return run_words("gce-routes", argv + 1, e);
}

/* The one of gcloud's many commands that is here. */
static int run_gcloud(char **argv, struct err *e)
{
	if (!argv[1] || strcmp(argv[1], "compute") != 0 || !argv[2] ||
	    strcmp(argv[2], "routes") != 0)
		return err_set(e, ERR_USAGE, NULL,
			       "this is cnibox: of gcloud it has 'gcloud compute routes' only");
	return run_words("gcloud", argv + 3, e);
}

#define OPTIONS                                                                                    \
	"  --project ID          default: CLOUDSDK_CORE_PROJECT, GOOGLE_CLOUD_PROJECT, the\n"      \
	"                        credentials', or this instance's\n"                               \
	"  --timeout SECONDS     of all together; default 300\n"                                   \
	"  --api-endpoint URL, --ca-file FILE, --access-token-file FILE\n"                         \
	"\n"                                                                                       \
	"Credentials: the key or refresh token that GOOGLE_APPLICATION_CREDENTIALS names, the\n"   \
	"token in CLOUDSDK_AUTH_ACCESS_TOKEN_FILE, gcloud's application default credentials,\n"    \
	"or the service account of this instance. DEBUG=1 shows the requests, without secrets.\n"  \
	"\n"

#define GCLOUDS                                                                                       \
	" create NAME --destination-range CIDR\n"                                                     \
	"           --next-hop-instance NAME --next-hop-instance-zone ZONE | --next-hop-address IP\n" \
	"           [--network NAME] [--priority N] [--tags TAG,...] [--description TEXT]\n"          \
	"           [--replace] [--format FORMAT]\n"

#define MEANING                                                                                       \
	"  create    makes a route and waits until it is there. One that is there as asked is no\n"   \
	"            failure; another one of that name is, unless --replace. One whose next hop is\n" \
	"            missing, stopped or may not forward is: exit status 1\n"                         \
	"  delete    all are tried, each failure is told; one that is gone already is none\n"         \
	"  list      --filter: terms FIELD=VALUE, FIELD!=VALUE, FIELD:WORD, FIELD~REGEX with AND\n"   \
	"  describe  one route; YAML without --format\n"

#define FORMATS                                                                                    \
	"  --format table|table(FIELD,...)|json|yaml|value(FIELD,...)\n"                           \
	"  --quiet, -q           asks nothing before it deletes\n"

const struct applet applet_gce_routes = {
	.name = "gce-routes",
	.summary = "VPC routes of Google's cloud, with the words of gcloud compute routes",
	.help = "usage: gce-routes" GCLOUDS "       gce-routes delete NAME... [--quiet]\n"
		"       gce-routes list [--filter TERMS] [--format FORMAT]\n"
		"       gce-routes describe NAME [--format FORMAT]\n"
		"       gce-routes ensure [--pod-cidr CIDR]... [--cluster NAME] [--watch SECONDS]\n"
		"       gce-routes firewall [--source-range CIDR]... [--network NAME]\n"
		"                           [--cluster NAME] [--check] [--replace]\n"
		"       gce-routes prune --cluster NAME [--dry-run]\n"
		"\n" MEANING
		"  ensure    on a node: the routes to it for its ranges of pods (default: those of the\n"
		"            CNI configuration, --conf), made where they are missing, made anew where\n"
		"            they lead elsewhere; --watch looks again and again\n"
		"  firewall  the rule that lets pods' packets in; --check only looks (exit status 1)\n"
		"  prune     deletes routes that ensure made to instances that are gone\n"
		"\n" FORMATS "  --cluster NAME        whose routes; default kubernetes\n" OPTIONS
		"Examples:\n"
		"  gce-routes create k8s-master --destination-range 10.244.0.0/24 --network default \\\n"
		"    --next-hop-instance-zone us-west2-b --next-hop-instance k8s-master\n"
		"  gce-routes ensure --watch 300\n",
	.run = run,
};

const struct applet applet_gcloud = {
	.name = "gcloud",
	.summary = "gce-routes for scripts that say 'gcloud compute routes'; not linked by install",
	.no_link = true,
	.help = "usage: gcloud compute routes" GCLOUDS
		"       gcloud compute routes delete NAME... [--quiet]\n"
		"       gcloud compute routes list [--filter TERMS] [--format FORMAT]\n"
		"       gcloud compute routes describe NAME [--format FORMAT]\n"
		"\n"
		"cnibox's gce-routes under the name of Google's program, for scripts that are written\n"
		"for that. 'ln -s /opt/cni/bin/cnibox /usr/local/bin/gcloud' makes the name.\n"
		"\n" MEANING "\n" FORMATS OPTIONS "Example:\n"
		"  gcloud compute routes delete k8s-master k8s-worker --quiet\n",
	.run = run_gcloud,
};
