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

static int read_words(struct gce_words *w, char **argv, struct err *e)
{
	struct command_words words = {.at = argv};
	int o;

	while ((o = command_next(&words, options, e)) >= 0) {
		if (o > 0 && take_flag(w, o, words.value, e))
			return -1;
		if (o == 0 && w->names == GCE_NAMES_MAX)
			return err_set(e, ERR_USAGE, NULL, "more than %d names", GCE_NAMES_MAX);
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

void gce_routes_warn(const struct gce_words *w, const char *warnings)
{
	while (*warnings) {
		size_t n = strcspn(warnings, "\n");

		complain("%s: warning: %.*s\n", w->program, (int)n, warnings);
		warnings += n + (warnings[n] == '\n');
	}
}

static int run_verb(const char *verb, struct gce_words *w, struct err *e)
{
	static const struct {
		const char *name;
		int (*run)(struct gce *g, const struct gce_words *w, struct err *e);
	} verbs[] = {{"create", gce_routes_create},
		     {"delete", gce_routes_delete},
		     {"list", gce_routes_list},
		     {"describe", gce_routes_describe}};
	cleanup_gce struct gce g = {0};

	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		if (gce_open(&g, &w->session, e))
			return -1;
		return verbs[i].run(&g, w, e);
	}
	return err_set(e, ERR_USAGE, NULL, "'%s' is not create, delete, list or describe", verb);
}

static int run_words(const char *program, char **words, struct err *e)
{
	static struct gce_words w;

	w = (struct gce_words){.program = program};
	if (!words[0])
		return err_set(e, ERR_USAGE, NULL,
			       "say what to do: create, delete, list or describe");
	return read_words(&w, words + 1, e) ? -1 : run_verb(words[0], &w, e);
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

const struct applet applet_gce_routes = {
	.name = "gce-routes",
	.summary = "VPC routes of Google's cloud, with the words of gcloud compute routes",
	.help = "usage: gce-routes create NAME --destination-range CIDR\n",
	.run = run,
};

const struct applet applet_gcloud = {
	.name = "gcloud",
	.summary = "gce-routes, for who types 'gcloud compute routes'",
	.help = "usage: gcloud compute routes create|delete|list|describe\n",
	.no_link = true,
	.run = run_gcloud,
};
