#include "cni/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

#define IFNAME_MAX 15 /* IFNAMSIZ - 1 */

static const struct {
	const char *text;
	/* Which variables the verb requires (specification, section 2, "Parameters"). */
	bool attachment, netns, path;
	enum cni_version since;
} verbs[] = {
	[CNI_ADD] = {"ADD", true, true, true, CNI_0_1_0},
	[CNI_DEL] = {"DEL", true, false, true, CNI_0_1_0},
	[CNI_CHECK] = {"CHECK", true, true, true, CNI_0_4_0},
	[CNI_GC] = {"GC", false, false, true, CNI_1_1_0},
	[CNI_STATUS] = {"STATUS", false, false, true, CNI_1_1_0},
	[CNI_VERSION] = {"VERSION", false, false, false, CNI_0_1_0},
};

int cni_verb_parse(enum cni_verb *verb, const char *text, struct err *e)
{
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].text, text) == 0) {
			*verb = (enum cni_verb)i;
			return 0;
		}
	}
	return err_set(e, ERR_ENV, NULL, "unknown CNI_COMMAND: %s", text);
}

const char *cni_verb_text(enum cni_verb verb)
{
	return verbs[verb].text;
}

bool cni_name_valid(const char *name)
{
	if (!isalnum((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
			return false;
	return true;
}

int cni_ifname_check(const char *name, struct err *e)
{
	if (!*name)
		return err_set(e, ERR_ENV, NULL, "interface name is empty");
	if (strlen(name) > IFNAME_MAX) {
		err_set(e, ERR_ENV, NULL, "interface name is too long: CNI_IFNAME=%s", name);
		err_hint(e, "interface name should be less than %d characters", IFNAME_MAX + 1);
		return -1;
	}
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(e, ERR_ENV, NULL, "interface name is . or ..: CNI_IFNAME=%s", name);
	/* To the kernel, 0xa0 is a space as well. What it takes, but terminals obey, is refused, too. */
	if (strpbrk(name,
		    "/: \t\n\v\f\r\xa0\x7f\1\2\3\4\5\6\7\b\16\17\20\21\22\23\24\25\26\27\30\31\32"
		    "\33\34\35\36\37"))
		return err_set(e, ERR_ENV, NULL,
			       "interface name contains / or : or whitespace characters: "
			       "CNI_IFNAME=%s",
			       name);
	return 0;
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static int check_container_id(const char *id, struct err *e)
{
	if (cni_name_valid(id))
		return 0;
	err_set(e, ERR_ENV, NULL, "invalid characters in containerID: CNI_CONTAINERID=%s", id);
	err_hint(e, "letters, digits, '_', '.' and '-' are allowed, a letter or digit first");
	return -1;
}

int cni_request_env(struct cni_request *rq, struct err *e)
{
	char missing[128] = "";
	size_t n = 0;
	bool attachment, netns, path;

	rq->verb_text = env("CNI_COMMAND");
	rq->container_id = env("CNI_CONTAINERID");
	rq->netns = env("CNI_NETNS");
	rq->ifname = env("CNI_IFNAME");
	rq->args = env("CNI_ARGS");
	rq->path = env("CNI_PATH");
	if (cni_verb_parse(&rq->verb, rq->verb_text, e))
		return -1;
	attachment = verbs[rq->verb].attachment;
	netns = verbs[rq->verb].netns;
	path = verbs[rq->verb].path;

	if (attachment && *rq->container_id && check_container_id(rq->container_id, e))
		return -1;
	if (attachment && *rq->ifname && cni_ifname_check(rq->ifname, e))
		return -1;
	if (attachment && !*rq->container_id)
		n += (size_t)snprintf(missing + n, sizeof(missing) - n, "CNI_CONTAINERID,");
	if (netns && !*rq->netns)
		n += (size_t)snprintf(missing + n, sizeof(missing) - n, "CNI_NETNS,");
	if (attachment && !*rq->ifname)
		n += (size_t)snprintf(missing + n, sizeof(missing) - n, "CNI_IFNAME,");
	if (path && !*rq->path)
		n += (size_t)snprintf(missing + n, sizeof(missing) - n, "CNI_PATH,");
	if (n > 0)
		return err_set(e, ERR_ENV, NULL, "required env variables [%.*s] missing",
			       (int)(n - 1), missing);
	return 0;
}

static int check_version(struct cni_request *rq, struct err *e)
{
	const char *text = json_str(json_get(rq->conf, "cniVersion"), "");

	if (e->code)
		return -1;
	if (!cni_version_parse(&rq->version, text)) {
		err_set(e, ERR_VERSION, NULL, "incompatible CNI versions: cniVersion is \"%s\"",
			text);
		err_hint(e,
			 "config is \"%s\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" "
			 "\"0.3.1\" \"0.4.0\" \"1.0.0\" \"1.1.0\"]",
			 text);
		return -1;
	}
	if (rq->version < verbs[rq->verb].since)
		return err_set(e, ERR_VERSION, NULL, "config version does not allow %s",
			       rq->verb_text);
	return 0;
}

int cni_request_conf(struct cni_request *rq, int fd, struct err *e)
{
	char *text = arena_take(JSON_TEXT_MAX + 1, e);
	ssize_t n;

	if (!text)
		return -1;
	n = file_read_all(fd, text, JSON_TEXT_MAX);
	if (n < 0 && errno == EFBIG)
		return err_set(e, ERR_DECODE, "read network configuration",
			       "standard input is longer than %u bytes", JSON_TEXT_MAX);
	if (n < 0)
		return err_sys(e, ERR_IO, NULL, errno, "error reading from stdin");
	arena_keep(text, (size_t)n + 1);
	rq->text = text;
	rq->text_len = (size_t)n;
	rq->conf = json_open(text, (size_t)n, "network configuration", e);
	if (!e->code && json_type(rq->conf) != JSON_OBJECT)
		return json_fault(rq->conf, ERR_DECODE, "want an object");
	rq->network = json_str(json_get(rq->conf, "name"), "");
	if (e->code)
		return -1;
	if (!*rq->network)
		return err_set(e, ERR_CONFIG, NULL, "missing network name");
	if (!cni_name_valid(rq->network)) {
		err_set(e, ERR_CONFIG, NULL,
			"invalid characters found in network name: name is \"%s\"", rq->network);
		err_hint(e,
			 "letters, digits, '_', '.' and '-' are allowed, a letter or digit first");
		return -1;
	}
	return check_version(rq, e);
}

/* One of the words that Go's UnmarshallableBool takes. */
static int parse_ignore_unknown(const char *value, bool *ignore, struct err *e)
{
	*ignore = strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0;
	if (!*ignore && strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0)
		return err_set(e, ERR_ENV, NULL,
			       "ARGS: error parsing value of pair \"IgnoreUnknown=%s\": boolean "
			       "unmarshal error: invalid input %s",
			       value, value);
	return 0;
}

static bool is_known(const char *const *known, const char *key)
{
	if (!known)
		return true;
	for (; *known; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

int cni_args_get(const char *args, const char *const *known, const char *key, const char **value,
		 struct err *e)
{
	const char *unknown = NULL;
	bool ignore = false;
	char *copy, *next;

	*value = NULL;
	if (!*args)
		return 0;
	copy = arena_text(args, strlen(args), e);
	if (!copy)
		return -1;
	for (char *pair = copy; pair; pair = next) {
		char *equals = strchr(pair, '=');

		next = strchr(pair, ';');
		if (next)
			*next++ = '\0';
		if (equals && next && equals >= next)
			equals = NULL;
		if (!equals || strchr(equals + 1, '='))
			return err_set(e, ERR_ENV, NULL, "ARGS: invalid pair \"%s\"", pair);
		*equals = '\0';
		if (strcmp(pair, "IgnoreUnknown") == 0) {
			if (parse_ignore_unknown(equals + 1, &ignore, e))
				return -1;
		} else if (strcmp(pair, key) == 0) {
			*value = equals + 1;
		} else if (!is_known(known, pair) && !unknown) {
			*equals = '=';
			unknown = pair;
		}
	}
	if (unknown && !ignore)
		return err_set(e, ERR_ENV, NULL, "ARGS: unknown args [\"%s\"]", unknown);
	return 0;
}
