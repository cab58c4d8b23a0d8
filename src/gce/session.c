#include "gce/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "gce/metadata.h"
#include "gce/token.h"
#include "net/confine.h"

#define TIMEOUT_MS 300000

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/*
 * The token file comes before the file that gcloud leaves, not before one that was named. All are
 * read before root's right to read them is given up.
 */
static int find_credentials(struct gce *g, struct err *e)
{
	const char *token_file = from_environment("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE");

	g->token_file = g->options->token_file;
	if (!g->token_file && !from_environment("GOOGLE_APPLICATION_CREDENTIALS"))
		g->token_file = token_file;
	return g->token_file ? gce_token(g, e) : gce_credentials_find(&g->credentials, e);
}

/* A project's ID goes into URLs: letters, digits and "-", behind "DOMAIN:" maybe. */
static bool valid_project(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.:")] == '\0';
}

static int find_project(struct gce *g, struct err *e)
{
	const char *name = g->options->project;

	if (!name)
		name = from_environment("CLOUDSDK_CORE_PROJECT");
	if (!name)
		name = from_environment("GOOGLE_CLOUD_PROJECT");
	if (!name)
		name = g->credentials.project;
	if (name)
		snprintf(g->project, sizeof(g->project), "%s", name);
	else if (gce_metadata_need(g, "project/project-id", g->project, sizeof(g->project), e))
		return -1;
	if (valid_project(g->project) && (!name || strlen(name) < sizeof(g->project)))
		return 0;
	return err_set(e, ERR_USAGE, NULL, "'%.100s' is not the ID of a project", g->project);
}

/* A token is not for anybody on the way to read. */
static int check_endpoint(const struct gce_options *o, struct err *e)
{
	if (!o->endpoint || (strncmp(o->endpoint, "https://", 8) == 0 && o->endpoint[8] &&
			     !strchr(o->endpoint + 8, '/')))
		return 0;
	return err_set(e, ERR_USAGE, NULL,
		       "--api-endpoint is https://HOST or https://HOST:PORT, "
		       "not '%s'",
		       o->endpoint);
}

int gce_open(struct gce *g, const struct gce_options *options, struct err *e)
{
	struct http_options *http = arena_take(sizeof(*http), e);

	g->options = options;
	g->until = deadline_in(options->timeout_ms ? options->timeout_ms : TIMEOUT_MS);
	if (check_endpoint(options, e) || !http)
		return -1;
	http->ca_file = options->ca_file;
	g->http = http_open(http, e);
	if (!g->http || find_credentials(g, e))
		return -1;
	confine_client();
	return find_project(g, e);
}

void gce_rest(struct gce *g)
{
	http_close(g->http);
	g->http = NULL;
	arena_wipe();
}

void gce_close(struct gce *g)
{
	gce_rest(g);
	explicit_bzero(g->token, sizeof(g->token));
	g->token_until = 0;
}
