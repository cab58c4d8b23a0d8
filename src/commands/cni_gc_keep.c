/* Whose things cni-gc leaves alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/ip.h"
#include "commands/cni_gc.h"
#include "ipam/lease_file.h"
#include "json/writer.h"

static void put(struct out *w, const char *container_id, const char *ifname)
{
	out_object(w, NULL) {
		out_str(w, "containerID", container_id);
		out_str(w, "ifname", ifname);
	}
}

/* "NETWORK-CONTAINERID-IFNAME" of this network: an interface's name has seldom a '-', but may. */
static void put_file(struct out *w, const char *file, const char *network)
{
	size_t n = strlen(network);
	char container_id[256];

	if (strncmp(file, network, n) != 0 || file[n] != '-')
		return;
	for (const char *at = file + n + 1; (at = strchr(at, '-')); at++) {
		snprintf(container_id, sizeof(container_id), "%.*s", (int)(at - file - (long)n - 1),
			 file + n + 1);
		put(w, container_id, at + 1);
	}
}

struct young {
	struct out *w;
	int dir;
	time_t since;
};

static int put_young(const char *name, void *arg, struct err *e)
{
	const struct young *y = arg;
	struct lease_text lease;
	struct stat st;
	struct ip ip;

	enum lease_state state = LEASE_ALIEN;

	if (!ip_parse(&ip, name))
		return 0;
	if (fstatat(y->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (st.st_mtim.tv_sec <= y->since || !S_ISREG(st.st_mode))
			return 0;
		state = lease_file_read(y->dir, name, &lease);
	} else if (errno == ENOENT) {
		return 0;
	}
	if (state == LEASE_ALIEN) /* as far as is known, it is an ADD's that is under way */
		return err_sys(e, ERR_IO, "look for young leases", errno, "%s", name);
	if (state == LEASE_OWNED)
		put(y->w, lease.owner.container_id, lease.owner.ifname);
	return 0;
}

static int put_all_young(struct out *w, const char *store, unsigned grace, struct err *e)
{
	cleanup_fd int dir = openat(AT_FDCWD, store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct young y = {w, dir, clock_now(CLOCK_REALTIME).tv_sec - (time_t)grace};

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return err_sys(e, ERR_IO, "look for young leases", errno, "%s", store);
	return file_each(dir, store, put_young, &y, e);
}

long gc_attachments(const struct gc_keep *keep, const char *network, const char *store, char *buf,
		    size_t size, struct err *e)
{
	struct out w;
	int result = 0;

	out_begin(&w, buf, size);
	w.compact = true;
	out_array(&w, NULL) {
		for (unsigned i = 0; i < keep->cache.count; i++) {
			const struct cached *c = &keep->cache.list[i];

			if (*c->file)
				put_file(&w, c->file, network);
			else if (c->live && strcmp(c->network, network) == 0)
				put(&w, c->container_id, c->ifname);
		}
		if (store)
			result = put_all_young(&w, store, keep->grace, e);
	}
	return result || out_end(&w, e) ? -1 : (long)w.len;
}
