#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "net/names.h"
#include "plugins/tuning.h"
#include "json/reader.h"
#include "json/writer.h"

#define BACKUP_MAX 1024

/* Not a key of the reference's, which passes it over. */
static const char owner_key[] = "owner";

static const char *path_of(const char *data_dir, const struct cni_request *rq, struct err *e)
{
	return arena_format(e, "%s/%s_%s.json", data_dir, rq->container_id, rq->ifname);
}

int tuning_backup_write(const struct tuning_conf *c, const struct cni_request *rq,
			const struct link *link, struct err *e)
{
	char text[BACKUP_MAX], mac[MAC_TEXT], owner[NAMES_OWNER];
	const char *path = path_of(c->data_dir, rq, e);
	struct out w;

	names_owner(owner, rq->network, rq->container_id, rq->ifname);
	out_begin(&w, text, sizeof(text));
	out_object(&w, NULL) {
		if (c->link.mac)
			out_str(&w, "mac", names_format_mac(mac, link->mac));
		if (c->link.promiscuous >= 0)
			out_bool(&w, "promisc", link_is_promiscuous(link));
		if (c->link.mtu)
			out_u64(&w, "mtu", link->mtu);
		if (c->link.allmulti >= 0)
			out_bool(&w, "allmulti", link_takes_multicast(link));
		if (c->link.queue >= 0)
			out_u64(&w, "txQLen", link->queue);
		out_str(&w, owner_key, owner);
	}
	if (!path || out_end(&w, e) || file_make_directories(c->data_dir, 0700, e))
		return -1;
	return file_replace(path, 0600, text, w.len, e);
}

static struct json open_backup(int dir, const char *name, char text[static BACKUP_MAX],
			       struct err *e)
{
	ssize_t n = file_read(dir, name, text, BACKUP_MAX);

	if (n >= 0)
		return json_open(text, (size_t)n, name, e);
	/* Neither gone nor of a kind that a backup is not. */
	if (errno != ENOENT && errno != EISDIR && errno != EFBIG && errno != ELOOP &&
	    errno != ENXIO)
		err_sys(e, ERR_IO, "read backup", errno, "%s", name);
	return (struct json){.tok = -1};
}

int tuning_backup_read(struct link_change *back, uint8_t mac[static MAC_BYTES],
		       const char *data_dir, const struct cni_request *rq, struct err *e)
{
	static char text[BACKUP_MAX];
	const char *path = path_of(data_dir, rq, e);
	struct json backup = {.tok = -1}, promiscuous, allmulti, queue;

	*back = (struct link_change)LINK_UNCHANGED;
	if (path)
		backup = open_backup(AT_FDCWD, path, text, e);
	promiscuous = json_get(backup, "promisc");
	allmulti = json_get(backup, "allmulti");
	queue = json_get(backup, "txQLen");
	if (names_parse_mac(mac, json_str(json_get(backup, "mac"), "")))
		back->mac = mac;
	if (json_present(promiscuous))
		back->promiscuous = json_bool(promiscuous, false);
	if (json_present(allmulti))
		back->allmulti = json_bool(allmulti, false);
	if (json_present(queue))
		back->queue = json_u32(queue, 0, UINT32_MAX);
	back->mtu = json_u32(json_get(backup, "mtu"), 0, UINT32_MAX);
	if (e->code == ERR_DECODE || e->code == ERR_CONFIG) {
		*back = (struct link_change)LINK_UNCHANGED;
		err_clear(e);
	}
	return e->code ? -1 : 0;
}

/* What is no backup, as a directory in its place, is left to whoever made it. */
static bool is_removed(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT || errno == EISDIR;
}

int tuning_backup_remove(const char *data_dir, const struct cni_request *rq, struct err *e)
{
	const char *path = path_of(data_dir, rq, e);
	const char *beside = path ? arena_format(e, "%s" FILE_BESIDE, path) : NULL;

	if (!beside)
		return -1;
	if (!is_removed(path) || !is_removed(beside))
		return err_sys(e, ERR_IO, "remove backup", errno, "%s", path);
	return 0;
}

struct collection {
	int dir;
	const char *network;
	bool (*keep)(const char *owner, void *arg);
	void *arg;
	struct err unread; /* one that could not be read; it keeps none of the others */
};

static int collect(const char *name, void *arg, struct err *e)
{
	struct collection *c = arg;
	static char text[BACKUP_MAX];
	struct err why = {0};
	struct json backup = {.tok = -1};
	const char *owner;

	if (name[0] != '.')
		backup = open_backup(c->dir, name, text, &why);
	if (why.code == ERR_IO)
		c->unread = why;
	owner = json_str(json_get(backup, owner_key), "");
	if (!names_is_of(owner, c->network) || c->keep(owner, c->arg))
		return 0;
	log_line("GC: removing backup %s", name);
	if (unlinkat(c->dir, name, 0) && errno != ENOENT)
		return err_sys(e, ERR_IO, "remove backup", errno, "%s", name);
	return 0;
}

int tuning_backup_collect(const char *data_dir, const char *network,
			  bool (*keep)(const char *owner, void *arg), void *arg, struct err *e)
{
	cleanup_fd int dir = openat(AT_FDCWD, data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct collection c = {dir, network, keep, arg, {0}};

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return err_sys(e, ERR_IO, "read backups", errno, "%s", data_dir);
	if (file_each(dir, data_dir, collect, &c, e))
		return -1;
	if (c.unread.code)
		*e = c.unread;
	return c.unread.code ? -1 : 0;
}
