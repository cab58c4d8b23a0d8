#include "gce/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "json/reader.h"

#define TOKEN_URI  "https://oauth2.googleapis.com/token"
#define WELL_KNOWN "application_default_credentials.json"

/* Never json_fault, whose message would show the value: it may be the secret itself. */
static const char *secret(struct json file, const char *key, const char *what, struct err *e)
{
	struct json v = json_get(file, key);

	if (json_type(v) == JSON_STRING)
		return json_str(v, "");
	err_set(e, ERR_CONFIG, "read credentials", "%s: %s is missing, or no text", what, key);
	return "";
}

static enum gce_credentials_type type_of(const char *name, const char *what, struct err *e)
{
	if (strcmp(name, "service_account") == 0)
		return GCE_SERVICE_ACCOUNT;
	if (strcmp(name, "authorized_user") == 0)
		return GCE_AUTHORIZED_USER;
	err_set(e, ERR_CONFIG, "read credentials", "%s: type '%.40s' is not supported", what, name);
	err_hint(e, "use a service_account's key, an authorized_user's file, or a token file "
		    "(CLOUDSDK_AUTH_ACCESS_TOKEN_FILE)");
	return GCE_NO_FILE;
}

/* A secret is sent there: not in the clear, and not to another universe's endpoint by mistake. */
static int check_places(const struct gce_credentials *c, const char *universe, const char *what,
			struct err *e)
{
	if (strncmp(c->token_uri, "https://", 8) != 0)
		return err_set(e, ERR_CONFIG, "read credentials",
			       "%s: token_uri does not begin with https://", what);
	if (strcmp(universe, "googleapis.com") != 0)
		return err_set(e, ERR_CONFIG, "read credentials",
			       "%s: universe_domain '%.100s' is not supported, only googleapis.com",
			       what, universe);
	return 0;
}

int gce_credentials_parse(struct gce_credentials *c, const char *text, size_t n, const char *what,
			  struct err *e)
{
	struct json file = json_open(text, n, what, e);
	const char *universe;

	if (e->code)
		return -1;
	if (json_type(file) != JSON_OBJECT)
		return err_set(e, ERR_CONFIG, "read credentials", "%s is no JSON object", what);
	memset(c, 0, sizeof(*c));
	c->type = type_of(secret(file, "type", what, e), what, e);
	c->project = json_present(json_get(file, "project_id"))
			     ? secret(file, "project_id", what, e)
			     : NULL;
	c->token_uri = json_present(json_get(file, "token_uri"))
			       ? secret(file, "token_uri", what, e)
			       : TOKEN_URI;
	universe = json_present(json_get(file, "universe_domain"))
			   ? secret(file, "universe_domain", what, e)
			   : "googleapis.com";
	if (c->type == GCE_SERVICE_ACCOUNT) {
		c->client_email = secret(file, "client_email", what, e);
		c->private_key_id = secret(file, "private_key_id", what, e);
		c->private_key = secret(file, "private_key", what, e);
	} else if (c->type == GCE_AUTHORIZED_USER) {
		c->client_id = secret(file, "client_id", what, e);
		c->client_secret = secret(file, "client_secret", what, e);
		c->refresh_token = secret(file, "refresh_token", what, e);
	}
	return e->code ? -1 : check_places(c, universe, what, e);
}

/* Gives 0, or -1 with errno set. */
static int read_file(struct gce_credentials *c, const char *path, struct err *e)
{
	cleanup_fd int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd < 0 ? NULL : arena_take(GCE_CREDENTIALS_MAX, e);
	ssize_t n = text ? file_read_all(fd, text, GCE_CREDENTIALS_MAX) : -1;

	return n < 0 ? -1 : gce_credentials_parse(c, text, (size_t)n, path, e);
}

/* Where gcloud puts the file of `gcloud auth application-default login`. */
static bool well_known(char path[static PATH_MAX])
{
	const char *config = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");
	int n;

	if (config && *config)
		n = snprintf(path, PATH_MAX, "%s/" WELL_KNOWN, config);
	else if (home && *home)
		n = snprintf(path, PATH_MAX, "%s/.config/gcloud/" WELL_KNOWN, home);
	else
		return false;
	return n < PATH_MAX;
}

int gce_credentials_find(struct gce_credentials *c, struct err *e)
{
	const char *named = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	char path[PATH_MAX];

	memset(c, 0, sizeof(*c));
	if (named && *named) {
		if (read_file(c, named, e) == 0)
			return 0;
		err_sys(e, ERR_CONFIG, "read credentials", errno, "%s", named);
		err_hint(e, "GOOGLE_APPLICATION_CREDENTIALS names this file");
		return -1;
	}
	if (!well_known(path) || read_file(c, path, e) == 0)
		return 0;
	if (e->code == 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	return err_sys(e, ERR_CONFIG, "read credentials", errno, "%s", path);
}
