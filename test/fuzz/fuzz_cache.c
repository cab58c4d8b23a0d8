/* cni/cache, and tuning's backups: files that runtimes and other plugins have written. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "cni/cache.h"
#include "plugins/tuning.h"

static char place[] = "/dev/shm/fuzz-cache-XXXXXX";

/* Removed when the fuzzer ends by itself; one that crashes leaves it. */
static void clean(void)
{
	char path[128];

	snprintf(path, sizeof(path), "rm -rf '%s'", place);
	CHECK(system(path) == 0);
}

static void write_file(const char *name, const uint8_t *data, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct cni_request rq = {.container_id = "c", .ifname = "eth0"};
	static bool ready;
	struct link_change back;
	uint8_t mac[MAC_BYTES];
	struct cache c = {0};
	struct err e = {0}, unread = {0};
	char path[128];

	if (!ready) {
		CHECK(mkdtemp(place));
		snprintf(path, sizeof(path), "%s/results", place);
		CHECK(mkdir(path, 0700) == 0);
		atexit(clean);
		ready = true;
	}
	arena_reset();
	write_file("results/net-c-eth0", data, n);
	write_file("c_eth0.json", data, n);
	if (cache_read(&c, place, &e)) {
		CHECK(e.code && *e.msg);
	} else {
		CHECK(c.count == 1);
		CHECK(*c.list[0].file || (*c.list[0].network && *c.list[0].container_id));
	}
	/* One that says nothing keeps no pod from its DEL. */
	CHECK(tuning_backup_read(&back, mac, place, &rq, &unread) == 0 && !unread.code);
	return 0;
}
