#include "cni/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/arena.h"
#include "base/file.h"
#include "json/reader.h"

#define KIND "cniCacheV1"

/* A file of the cache: the configuration is in it, too. */
#define FILE_MAX (256u << 10)

#define NSFS_MAGIC 0x6e736673 /* linux/magic.h */

/*
 * A path that leads to no namespace, or nowhere, was a namespace once. One that cannot be looked at
 * may still be one.
 */
static bool is_namespace(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return errno != ENOENT && errno != ENOTDIR;
	return fs.f_type == NSFS_MAGIC;
}

static int grow(struct cache *c, struct err *e)
{
	struct cached *more;

	if (c->count < c->room)
		return 0;
	c->room = c->room ? 2 * c->room : 64;
	more = arena_take(c->room * sizeof(*more), e);
	if (!more)
		return -1;
	if (c->count)
		memcpy(more, c->list, c->count * sizeof(*more));
	c->list = more;
	return 0;
}

static const char *keep(const char *text, struct err *e)
{
	return arena_text(text, strlen(text), e);
}

/* What an old file, or one that cannot be read, tells: its name, and no reason to call it dead. */
static void take_name(struct cached *entry, const char *name, struct err *e)
{
	*entry = (struct cached){.network = "", .container_id = "", .ifname = "", .live = true};
	entry->file = keep(name, e);
}

/* The namespace that a result names, for libcni before 1.2, which did not note it; "": none. */
static const char *sandbox_of(struct json result)
{
	const char *sandbox = "";

	if (json_type(result) != JSON_OBJECT ||
	    json_type(json_get(result, "interfaces")) != JSON_ARRAY)
		return "";
	json_each(i, json_get(result, "interfaces")) {
		const char *of = json_str(json_get(i, "sandbox"), "");

		if (*of)
			sandbox = of;
	}
	return sandbox;
}

static bool take_content(struct cached *entry, const char *text, size_t n, struct err *e)
{
	struct err own = {0};
	struct json file = json_open(text, n, "cached result", &own);
	const char *kind = json_str(json_get(file, "kind"), "");
	const char *netns = json_str(json_get(file, "netns"), "");

	if (!*netns)
		netns = sandbox_of(json_get(file, "result"));
	*entry = (struct cached){
		.network = json_str(json_get(file, "networkName"), ""),
		.container_id = json_str(json_get(file, "containerId"), ""),
		.ifname = json_str(json_get(file, "ifName"), ""),
		.live = !*netns || is_namespace(netns),
	};
	if (own.code || strcmp(kind, KIND) != 0 || !*entry->network || !*entry->container_id)
		return false;
	entry->file = "";
	return !e->code;
}

static int take_file(struct cache *c, int dir, const char *name, struct err *e)
{
	static char text[FILE_MAX];
	ssize_t n = file_read(dir, name, text, sizeof(text));
	size_t mark = arena_mark();
	struct cached entry;

	if (n < 0 && errno == ENOENT)
		return 0; /* its DEL has come meanwhile */
	if (n >= 0 && take_content(&entry, text, (size_t)n, e)) {
		/* Out of the document, which is large, into what is kept of it. */
		char fields[3][512];
		const char **texts[] = {&entry.network, &entry.container_id, &entry.ifname};

		for (unsigned i = 0; i < 3; i++) {
			if (strlen(*texts[i]) >= sizeof(fields[i]))
				return err_set(e, ERR_STATE, "read result cache",
					       "a name in file %s is too long", name);
			strcpy(fields[i], *texts[i]);
		}
		arena_back(mark);
		for (unsigned i = 0; i < 3; i++)
			*texts[i] = keep(fields[i], e);
	} else {
		arena_back(mark);
		take_name(&entry, name, e);
	}
	if (e->code || grow(c, e))
		return -1;
	c->list[c->count++] = entry;
	return 0;
}

struct reading {
	struct cache *cache;
	int dir;
};

static int take(const char *name, void *arg, struct err *e)
{
	const struct reading *r = arg;

	return *name == '.' ? 0 : take_file(r->cache, r->dir, name, e);
}

int cache_read(struct cache *c, const char *dir, struct err *e)
{
	char *path = arena_format(e, "%s/results", dir);
	cleanup_fd int fd = path ? openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct reading r = {c, fd};

	if (!path)
		return -1;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(e, ERR_IO, "read result cache", errno, "%s", path);
	return file_each(fd, path, take, &r, e);
}
