/* cni/cache: what libcni has written, and who is alive by it. */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "cni/cache.h"

static char dir[] = "/tmp/test_cache.XXXXXX";

static int make_directory(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/results", dir);
	return mkdir(path, 0700);
}

static int remove_directory(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/results/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void drop(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/results/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

/* The one entry of the cache. */
static struct cached read_one(const char *name, const char *text)
{
	struct cache c = {0};
	struct err e = {0};

	arena_reset();
	put(name, text);
	assert_int_equal(cache_read(&c, dir, &e), 0);
	assert_int_equal(c.count, 1);
	drop(name);
	return c.list[0];
}

static void test_nothing(void **state)
{
	struct cache c = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(cache_read(&c, "/nonexistent", &e), 0);
	assert_int_equal(cache_read(&c, dir, &e), 0);
	assert_int_equal(c.count, 0);
	assert_int_equal(cache_read(&c, "/proc/self/stat", &e), -1);
}

#define ENTRY(netns)                                                                                \
	"{\"kind\":\"cniCacheV1\",\"containerId\":\"c-1\",\"config\":\"e30=\",\"ifName\":\"eth0\"," \
	"\"networkName\":\"my-net\"" netns ",\"result\":{\"ips\":[]}}"

#define OLDER(sandbox)                                                                                     \
	"{\"kind\":\"cniCacheV1\",\"containerId\":\"c-1\",\"ifName\":\"eth0\",\"networkName\":\"my-net\"," \
	"\"result\":{\"interfaces\":[{\"name\":\"cni0\"},{\"name\":\"eth0\",\"sandbox\":\"" sandbox        \
	"\"}]}}"

static void test_entries(void **state)
{
	static const struct {
		const char *text;
		bool live;
	} cases[] = {
		{ENTRY(",\"netns\":\"/proc/self/ns/net\""), true},
		{ENTRY(",\"netns\":\"/nonexistent\""), false},
		{ENTRY(",\"netns\":\"/etc/passwd\""), false}, /* was one, before a reboot */
		{ENTRY(",\"netns\":\"\""), true},	      /* nobody knows */
		{ENTRY(""), true},
		/* as an older libcni has it */
		{OLDER("/nonexistent"), false},
		{OLDER("/proc/self/ns/net"), true},
		{OLDER(""), true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cached c = read_one("my-net-c-1-eth0", cases[i].text);

		assert_string_equal(c.network, "my-net");
		assert_string_equal(c.container_id, "c-1");
		assert_string_equal(c.ifname, "eth0");
		assert_string_equal(c.file, "");
		assert_int_equal(c.live, cases[i].live);
	}
}

/* They are not ours to understand, and no reason to call anybody dead. */
static void test_other_files(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"cniVersion\":\"0.3.1\",\"ips\":[]}",
		"{\"kind\":\"cniCacheV2\",\"containerId\":\"c1\",\"networkName\":\"n\"}",
		"{\"kind\":\"cniCacheV1\",\"networkName\":\"n\"}",
		"{\"kind\":\"cniCacheV1\",\"containerId\":3,\"networkName\":\"n\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct cached c = read_one("mynet-c1-eth0", texts[i]);

		assert_string_equal(c.file, "mynet-c1-eth0");
		assert_true(c.live);
	}
}

static void test_many(void **state)
{
	struct cache c = {0};
	struct err e = {0};
	char name[32], text[256];

	(void)state;
	arena_reset();
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n-c%u-eth0", i);
		snprintf(text, sizeof(text),
			 "{\"kind\":\"cniCacheV1\",\"containerId\":\"c%u\",\"networkName\":\"n\"}",
			 i);
		put(name, text);
	}
	assert_int_equal(cache_read(&c, dir, &e), 0);
	assert_int_equal(c.count, 200);
	for (unsigned i = 0; i < 200; i++) {
		unsigned found = 0;

		snprintf(name, sizeof(name), "c%u", i);
		for (unsigned k = 0; k < c.count; k++)
			found += strcmp(c.list[k].container_id, name) == 0;
		assert_int_equal(found, 1);
		snprintf(name, sizeof(name), "n-c%u-eth0", i);
		drop(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
