/*
 * cni-gc: removes what containers have left that are gone: leases, links, rules, ports. What a
 * runtime would have the plugins do by GC, for runtimes that never call it. Who is alive is read
 * from the runtime's cache of results: an attachment lives as long as its namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "applet.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/number.h"
#include "base/say.h"
#include "cni/gc.h"
#include "commands/cni_gc.h"
#include "commands/command.h"
#include "ipam/lease_index.h"
#include "ipam/store.h"
#include "json/writer.h"

#define NAME	 "cni-gc"
#define CONF_DIR "/etc/cni/net.d"
#define BIN_DIR	 "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni"
#define GRACE	 60

#define CACHES_MAX   8
#define CONF_MAX     (256u << 10) /* bytes of a configuration */
#define REPORT_BYTES (1u << 20)

struct flags {
	const char *conf_dir, *bin_dir;
	const char *network; /* NULL: all */
	const char *caches[CACHES_MAX];
	unsigned cache_count, grace;
	bool dry, json;
};

enum option_key {
	OPT_CONF_DIR = 256,
	OPT_CACHE_DIR,
	OPT_BIN_DIR,
	OPT_NETWORK,
	OPT_GRACE,
	OPT_DRY,
	OPT_FORMAT
};

static const struct command_option options[] = {
	{"--conf-dir", OPT_CONF_DIR, true}, {"--cache-dir", OPT_CACHE_DIR, true},
	{"--bin-dir", OPT_BIN_DIR, true},   {"--network", OPT_NETWORK, true},
	{"--grace", OPT_GRACE, true},	    {"--dry-run", OPT_DRY, false},
	{"--format", OPT_FORMAT, true},	    {0},
};

static int read_flag(struct flags *f, int option, const char *value, struct err *e)
{
	switch (option) {
	case OPT_CONF_DIR:
		f->conf_dir = value;
		return 0;
	case OPT_CACHE_DIR:
		if (f->cache_count == CACHES_MAX)
			return err_set(e, ERR_USAGE, NULL, "more than %d times --cache-dir",
				       CACHES_MAX);
		f->caches[f->cache_count++] = value;
		return 0;
	case OPT_BIN_DIR:
		f->bin_dir = value;
		return 0;
	case OPT_NETWORK:
		f->network = value;
		return 0;
	case OPT_GRACE:
		if (number_parse(&f->grace, value, 86400))
			return 0;
		return err_set(e, ERR_USAGE, NULL, "--grace is seconds, at most a day, not '%s'",
			       value);
	case OPT_DRY:
		f->dry = true;
		return 0;
	case OPT_FORMAT:
		return command_format(value, &f->json, e);
	}
	return err_set(e, ERR_USAGE, NULL, "'%s' is too much", value);
}

static int read_flags(struct flags *f, char **argv, struct err *e)
{
	struct command_words words = {.at = argv};
	int option;

	*f = (struct flags){.conf_dir = CONF_DIR, .bin_dir = BIN_DIR, .grace = GRACE};
	while ((option = command_next(&words, options, e)) >= 0)
		if (read_flag(f, option, words.value, e))
			return -1;
	if (f->cache_count == 0)
		f->caches[f->cache_count++] = CACHE_DIR;
	return e->code ? -1 : 0;
}

/* --- what is removed, told ---------------------------------------------------------------------- */

struct report {
	const struct flags *flags;
	const char *network;
	unsigned count;
	char last[512];
	struct out json;
};

static void tell(const char *what, void *arg)
{
	struct report *r = arg;

	/* A pod's link and each of its rules go by the same words. */
	if (strcmp(r->last, what) == 0)
		return;
	snprintf(r->last, sizeof(r->last), "%s", what);
	r->count++;
	if (!r->flags->json) {
		say("%s%s: %s\n", r->flags->dry ? "would remove: " : "removing: ", r->network,
		    what);
		return;
	}
	out_object(&r->json, NULL) {
		out_str(&r->json, "network", r->network);
		out_str(&r->json, "what", what);
	}
}

/* --- one network -------------------------------------------------------------------------------- */

struct collection {
	const struct flags *flags;
	struct gc_keep keep;
	struct report report;
	unsigned failures;
};

static void fail(struct collection *c, const char *about, const struct err *e)
{
	c->failures++;
	complain(NAME ": %s: %s\n", about, e->msg);
	if (*e->details)
		complain("  %s\n", e->details);
}

/* Where a plugin of the network keeps its leases; NULL: it keeps none. */
static const char *data_dir_of(struct json plugin)
{
	struct json ipam = json_get(plugin, "ipam");
	const char *type = json_str(json_get(plugin, "type"), "");

	if (strcmp(type, "bash-cni") == 0)
		return json_str(json_get(plugin, "dataDir"), LEASE_DATA_DIR);
	if (strcmp(json_str(json_get(ipam, "type"), ""), "host-local") == 0)
		return json_str(json_get(ipam, "dataDir"), LEASE_DATA_DIR);
	return NULL;
}

/* The plugin's GC; for another program's plugin with our IPAM, that one's. NULL: none. */
static const struct cni_plugin *collector_of(struct json plugin)
{
	const char *types[] = {json_str(json_get(plugin, "type"), ""),
			       json_str(json_get(json_get(plugin, "ipam"), "type"), "")};

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		const struct applet *a = applet_find(types[i]);

		if (a && a->plugin && a->plugin->gc)
			return a->plugin;
	}
	return NULL;
}

/* What a runtime would send: the plugin's object, the network's name, and who is alive. */
static int put_request(char *buf, size_t size, size_t *len, struct json plugin, const char *network,
		       const char *attachments, size_t attachments_len, struct err *e)
{
	struct out w;

	out_begin(&w, buf, size);
	w.compact = true;
	out_object(&w, NULL) {
		for (struct json m = json_first_member(plugin); m.tok >= 0;
		     m = json_next_member(m)) {
			const char *name = json_name(m);
			size_t n;
			const char *raw = json_raw(m, &n);

			if (strcmp(name, "cniVersion") != 0 && strcmp(name, "name") != 0)
				out_raw(&w, name, raw, n);
		}
		out_str(&w, "cniVersion", "1.1.0");
		out_str(&w, "name", network);
		out_raw(&w, "cni.dev/valid-attachments", attachments, attachments_len);
	}
	*len = w.len;
	return out_end(&w, e);
}

static int collect_plugin(const struct cni_plugin *collector, struct json plugin,
			  const char *network, const char *path, const char *attachments, size_t n,
			  struct err *e)
{
	static char text[JSON_TEXT_MAX];
	struct cni_request rq = {
		.verb = CNI_GC,
		.verb_text = "GC",
		.container_id = "",
		.netns = "",
		.ifname = "",
		.args = "",
		.path = path,
		.text = text,
		.network = network,
		.version = CNI_1_1_0,
	};

	if (put_request(text, sizeof(text), &rq.text_len, plugin, network, attachments, n, e))
		return -1;
	rq.conf = json_open(text, rq.text_len, "network configuration", e);
	return e->code ? -1 : collector->gc(&rq, e);
}

/* The plugins in their order; the store of the first that has one stays locked meanwhile. */
static int collect_network(struct collection *c, struct json plugins, const char *network,
			   struct err *e)
{
	static char attachments[JSON_TEXT_MAX / 2];
	const char *data_dir = NULL, *store = NULL;
	long n;

	json_each(plugin, plugins)
		if (!data_dir)
			data_dir = data_dir_of(plugin);
	if (data_dir) {
		store = arena_format(e, "%s/%s", data_dir, network);
		if (!store || lease_store_hold(data_dir, network, e))
			return -1;
	}
	n = gc_attachments(&c->keep, network, store, attachments, sizeof(attachments), e);
	if (n < 0)
		return -1;
	json_each(plugin, plugins) {
		const struct cni_plugin *collector = collector_of(plugin);
		struct err own = {0};
		size_t mark = arena_mark();

		if (collector && collect_plugin(collector, plugin, network, c->flags->bin_dir,
						attachments, (size_t)n, &own))
			fail(c, network, &own);
		arena_back(mark);
	}
	return e->code ? -1 : 0;
}

/* --- the configurations ------------------------------------------------------------------------- */

static bool is_configuration(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && *name != '.' &&
	       (strcmp(dot, ".conflist") == 0 || strcmp(dot, ".conf") == 0 ||
		strcmp(dot, ".json") == 0);
}

static int collect_file(struct collection *c, const char *path, struct err *e)
{
	char *text = arena_take(CONF_MAX, e);
	ssize_t n = text ? file_read(AT_FDCWD, path, text, CONF_MAX) : 0;
	struct json conf, plugins;
	const char *network;

	if (!text)
		return -1;
	if (n < 0)
		return err_sys(e, ERR_IO, "read configuration", errno, "%s", path);
	conf = json_open(text, (size_t)n, "network configuration", e);
	network = json_str(json_get(conf, "name"), "");
	plugins = json_get(conf, "plugins");
	if (e->code)
		return -1;
	if (!cni_name_valid(network))
		return err_set(e, ERR_CONFIG, NULL, "%s: name is \"%s\"", path, network);
	if (c->flags->network && strcmp(c->flags->network, network) != 0)
		return 0;
	c->report.network = network;
	if (json_present(plugins))
		return collect_network(c, plugins, network, e);
	/* A single configuration is a list of itself. */
	text = arena_format(e, "[%s]", text);
	if (!text)
		return -1;
	return collect_network(c, json_open(text, strlen(text), "network configuration", e),
			       network, e);
}

static int take_file(const char *name, void *arg, struct err *e)
{
	struct collection *c = arg;
	struct err own = {0};
	size_t mark = arena_mark();
	char *path;

	(void)e;
	if (!is_configuration(name))
		return 0;
	path = arena_format(&own, "%s/%s", c->flags->conf_dir, name);
	if (!path || collect_file(c, path, &own))
		fail(c, name, &own);
	lease_store_let_go();
	arena_back(mark);
	return 0;
}

static int collect_all(struct collection *c, struct err *e)
{
	cleanup_fd int dir =
		openat(AT_FDCWD, c->flags->conf_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, ERR_IO, "read configurations", errno, "%s", c->flags->conf_dir);
	return file_each(dir, c->flags->conf_dir, take_file, c, e);
}

static void finish_report(struct report *r, char *buf, struct err *e)
{
	if (r->flags->json) {
		out_close(&r->json, ']');
		if (out_end(&r->json, e) == 0)
			say_text(buf);
	} else if (r->count == 0) {
		say("nothing to remove\n");
	}
}

/* CNI_PATH, for us and for a plugin that is executed. (setenv would bring malloc along.) */
static int set_path(const char *path, struct err *e)
{
	char **with, *word = arena_format(e, "CNI_PATH=%s", path);
	size_t n = 0;

	while (environ[n])
		n++;
	with = arena_take((n + 2) * sizeof(*with), e);
	if (!with || !word)
		return -1;
	with[0] = word;
	for (size_t i = 0, at = 1; i < n; i++)
		if (strncmp(environ[i], word, strlen("CNI_PATH=")) != 0)
			with[at++] = environ[i];
	environ = with;
	return 0;
}

static int run(char **argv, struct err *e)
{
	static char report[REPORT_BYTES];
	struct flags flags;
	struct collection c = {.flags = &flags, .report.flags = &flags};

	if (read_flags(&flags, argv + 1, e))
		return -1;
	if (set_path(flags.bin_dir, e))
		return -1;
	c.keep.grace = flags.grace;
	for (unsigned i = 0; i < flags.cache_count; i++)
		if (cache_read(&c.keep.cache, flags.caches[i], e))
			return -1;
	out_begin(&c.report.json, report, sizeof(report));
	if (flags.json)
		out_open(&c.report.json, NULL, '[');
	cni_gc_listen(tell, &c.report, flags.dry);
	if (collect_all(&c, e) || (!flags.dry && lease_index_sweep(e)))
		return -1;
	finish_report(&c.report, report, e);
	return e->code ? -1 : c.failures > 0;
}

const struct applet applet_cni_gc = {
	.name = NAME,
	.summary = "removes what containers left behind that are gone",
	.help = "usage: " NAME " [--dry-run] [--network NAME] [OPTION]...\n"
		"\n"
		"Removes leases, links, firewall rules, host ports and rate limits of containers that\n"
		"are gone. The specification has a verb for it, GC, but containerd and podman never\n"
		"call it: a container whose DEL failed or never came keeps its address for ever.\n"
		"\n"
		"A container is alive as long as the namespace is there that the runtime's cache of\n"
		"results names for it. What no container in the cache owns is removed; but a lease\n"
		"that is young may be that of a container which is just being made.\n"
		"\n"
		"  --dry-run        remove nothing, say what would be removed\n"
		"  --network NAME   that network alone; default: each that is configured\n"
		"  --conf-dir DIR   configurations; default " CONF_DIR "\n"
		"  --bin-dir DIR    IPAM plugins; several with ':' between; default\n"
		"                   " BIN_DIR "\n"
		"  --cache-dir DIR  a runtime's cache; may be given several times; default\n"
		"                   " CACHE_DIR ", where containerd, CRI-O and podman have it\n"
		"  --grace SECONDS  how young a lease has to be to be left; default 60\n"
		"  --format=json    for programs: an array of {\"network\", \"what\"}\n"
		"\n"
		"Exit status: 0, also when there was nothing; 1 when something could not be removed.\n"
		"configs/systemd has a timer for it.\n"
		"\n"
		"Example:\n"
		"  " NAME " --dry-run --network mynet\n",
	.run = run,
};
