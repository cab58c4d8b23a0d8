#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/pattern.h"
#include "plugins/tuning.h"

#define ALLOWLIST     "/etc/cni/tuning/allowlist.conf"
#define ALLOWLIST_MAX 65536
#define DATA_DIR      "/run/cni/tuning"
#define MTU_MAX	      65535
#define QUEUE_MAX     0x7fffffff

/* What a key says where the interface's name belongs. */
static const char placeholder[] = "IFNAME";

static struct json in_args(const struct cni_request *rq, const char *key)
{
	return json_get(json_get(json_get(rq->conf, "args"), "cni"), key);
}

/* The key's value in args.cni, else in the configuration itself. */
static struct json find(const struct cni_request *rq, const char *key)
{
	struct json v = in_args(rq, key);

	return json_present(v) ? v : json_get(rq->conf, key);
}

/* --- sysctls ----------------------------------------------------------------------------------- */

static bool leads_upwards(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p++)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	return false;
}

/*
 * "net.ipv4.conf.IFNAME.arp_filter" and "net/ipv4/conf/IFNAME/arp_filter" are the same. Dots of an
 * interface's name are none of the key's.
 */
static const char *path_of(const char *key, const char *ifname, struct err *e)
{
	char *path = arena_text(key, strlen(key), e), *name;

	if (!path)
		return NULL;
	if (path[strcspn(path, "./")] == '.')
		for (char *p = path; *p; p++)
			if (*p == '.')
				*p = '/';
	name = strstr(path, placeholder);
	if (name)
		path = arena_format(e, "%.*s%s%s", (int)(name - path), path, ifname,
				    name + strlen(placeholder));
	if (path && (strncmp(path, "net/", 4) != 0 || leads_upwards(path))) {
		err_set(e, ERR_CONFIG, NULL, "invalid net sysctl key: \"%s\"", path);
		return NULL;
	}
	return path;
}

static unsigned count_members(struct json object)
{
	unsigned n = 0;

	for (struct json m = json_first_member(object); m.tok >= 0; m = json_next_member(m))
		n++;
	return n;
}

static struct tuning_sysctl *find_sysctl(struct tuning_conf *c, const char *key)
{
	for (unsigned i = 0; i < c->sysctls; i++)
		if (strcmp(c->sysctl[i].key, key) == 0)
			return &c->sysctl[i];
	return NULL;
}

/* Those of args.cni come second, and win. */
static int read_sysctls(struct tuning_conf *c, struct json object, bool again,
			const struct cni_request *rq, struct err *e)
{
	for (struct json m = json_first_member(object); m.tok >= 0; m = json_next_member(m)) {
		const char *key = json_name(m), *path, *value = json_str(m, "");
		struct tuning_sysctl *s;

		if (e->code)
			return -1;
		s = find_sysctl(c, key);
		if (s && !again)
			return err_set(e, ERR_CONFIG, NULL,
				       "duplicated sysctl keys are not allowed: \"%s\"", key);
		path = path_of(key, rq->ifname, e);
		if (!path)
			return -1;
		if (!s)
			s = &c->sysctl[c->sysctls++];
		*s = (struct tuning_sysctl){.key = key, .path = path, .value = value};
	}
	return e->code ? -1 : 0;
}

/* The lines of text that say something, as the reference lists them: [a b]. */
static const char *list_lines(const char *text, struct err *e)
{
	char *list = arena_format(e, "%s", text), *to = list;

	if (!list)
		return "";
	for (const char *p = text; *p; p++)
		if (*p != '\n')
			*to++ = *p;
		else if (to > list && to[-1] != ' ')
			*to++ = ' ';
	while (to > list && to[-1] == ' ')
		to--;
	*to = '\0';
	return list;
}

static int check_allowed(const struct tuning_sysctl *s, const char *text, struct err *e)
{
	static struct pattern pattern;
	struct err ignored = {0};

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		const char *copy = arena_text(line, n, e), *fault;

		if (!copy)
			return -1;
		line += n + (line[n] == '\n');
		if (!copy[strspn(copy, " \t\r")])
			continue;
		fault = pattern_compile(&pattern, copy);
		if (fault)
			return err_set(e, ERR_CONFIG, "read " ALLOWLIST, "\"%s\": %s", copy, fault);
		if (pattern_found(&pattern, s->key))
			return 0;
	}
	return err_set(
		e, ERR_CONFIG, NULL,
		"Sysctl %s is not allowed. Only the following sysctls are allowed: [%s] (" ALLOWLIST
		")",
		s->key, list_lines(text, &ignored));
}

int tuning_conf_allowed(const struct tuning_conf *c, struct err *e)
{
	char *text = arena_take(ALLOWLIST_MAX + 1, e);
	cleanup_fd int fd = -1;

	if (!text)
		return -1;
	fd = openat(AT_FDCWD, ALLOWLIST, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || file_read_all(fd, text, ALLOWLIST_MAX) < 0)
		return err_sys(e, ERR_IO, "read list of allowed sysctls", errno, ALLOWLIST);
	for (unsigned i = 0; i < c->sysctls; i++)
		if (check_allowed(&c->sysctl[i], text, e))
			return -1;
	return 0;
}

/* --- the link ---------------------------------------------------------------------------------- */

/* The first that is there of args.cni.mac, runtimeConfig.mac, CNI_ARGS MAC, mac. */
static int read_mac(struct tuning_conf *c, const struct cni_request *rq, struct err *e)
{
	static const char *const known[] = {"MAC", NULL};
	const char *text = json_str(in_args(rq, "mac"), "");
	const char *arg;

	if (!*text)
		text = json_str(json_get(json_get(rq->conf, "runtimeConfig"), "mac"), "");
	if (cni_args_get(rq->args, known, "MAC", &arg, e))
		return -1;
	if (!*text && arg)
		text = arg;
	if (!*text)
		text = json_str(json_get(rq->conf, "mac"), "");
	if (e->code)
		return -1;
	if (!*text)
		return 0;
	if (!names_parse_mac(c->mac, text))
		return err_set(e, ERR_CONFIG, NULL, "invalid args %s for MAC addr", text);
	c->link.mac = c->mac;
	return 0;
}

int tuning_conf_read(struct tuning_conf *c, const struct cni_request *rq, struct err *e)
{
	struct json sysctl = json_get(rq->conf, "sysctl"), more = in_args(rq, "sysctl");
	struct json allmulti = find(rq, "allmulti"), queue = find(rq, "txQLen");
	unsigned max = count_members(sysctl) + count_members(more);

	*c = (struct tuning_conf){.link = LINK_UNCHANGED};
	c->data_dir = json_str(json_get(rq->conf, "dataDir"), "");
	if (!*c->data_dir)
		c->data_dir = DATA_DIR;
	c->sysctl = arena_take(max * sizeof(*c->sysctl) + 1, e);
	if (!c->sysctl || read_sysctls(c, sysctl, false, rq, e) ||
	    read_sysctls(c, more, true, rq, e) || read_mac(c, rq, e))
		return -1;
	if (json_bool(find(rq, "promisc"), false))
		c->link.promiscuous = 1;
	if (json_present(allmulti))
		c->link.allmulti = json_bool(allmulti, false);
	if (json_present(queue))
		c->link.queue = json_u32(queue, 0, QUEUE_MAX);
	c->link.mtu = json_u32(find(rq, "mtu"), 0, MTU_MAX);
	return e->code ? -1 : 0;
}
