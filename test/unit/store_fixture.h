/*
 * A lease store in a directory of its own, and words for what lies in it.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "ipam/store.h"

static char data_dir[64];
static char *net_dir;

static int store_setup(void **state)
{
	(void)state;
	/* Its index lies in /run: in one of our own. */
	if (geteuid() == 0 &&
	    (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	     mount("none", "/run", "tmpfs", 0, NULL)))
		return -1;
	snprintf(data_dir, sizeof(data_dir), "/tmp/cnibox-store-XXXXXX");
	if (!mkdtemp(data_dir) || asprintf(&net_dir, "%s/net", data_dir) < 0)
		return -1;
	arena_reset();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int store_teardown(void **state)
{
	(void)state;
	free(net_dir);
	return nftw(data_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct ip ip_of(const char *text)
{
	struct ip ip = {0};

	if (!ip_parse(&ip, text))
		fail_msg("'%s' must be an address", text);
	return ip;
}

/* Path of a file of the store; good until the next call but three. */
static const char *in_store(const char *name)
{
	static char path[4][512];
	static unsigned n;

	n = (n + 1) % 4;
	snprintf(path[n], sizeof(path[n]), "%s/%s", net_dir, name);
	return path[n];
}

static inline void put_bytes(const char *name, const char *text, size_t n)
{
	int fd;

	mkdir(net_dir, 0755);
	fd = open(in_store(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
}

static inline void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static inline bool exists(const char *name)
{
	struct stat st;

	return lstat(in_store(name), &st) == 0;
}

static inline void assert_content(const char *name, const char *want)
{
	char buf[4096];

	if (file_read(AT_FDCWD, in_store(name), buf, sizeof(buf)) < 0)
		fail_msg("%s: %s", name, strerror(errno));
	assert_string_equal(buf, want);
}

static inline void assert_ip(struct ip ip, const char *want)
{
	char text[IP_TEXT];

	assert_string_equal(ip_format(text, &ip), want);
}

/* A store that must open. */
static inline struct lease_store opened(void)
{
	struct lease_store s;
	struct err e = {0};

	if (lease_store_open(&s, data_dir, "net", &e))
		fail_msg("open: %s", e.msg);
	return s;
}

/* A pool of one range; the gateway is the subnet's first address. */
static inline struct range_set pool(struct ip_range *r, const char *subnet, const char *start,
				    const char *end)
{
	struct err e = {0};

	memset(r, 0, sizeof(*r));
	assert_true(prefix_parse(&r->subnet, subnet));
	if (start)
		r->start = ip_of(start);
	if (end)
		r->end = ip_of(end);
	if (ip_range_complete(r, &e))
		fail_msg("range: %s", e.msg);
	return (struct range_set){r, 1};
}

#endif
