/* http/resolver_conf, http/lines: resolv.conf(5) and hosts(5). */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/file.h"
#include "http/lines.h"
#include "http/resolver_conf.h"

static void read_conf(struct dns_conf *c, const char *text)
{
	char line[LINE_TEXT];

	dns_conf_begin(c);
	while (*text) {
		size_t n = strcspn(text, "\n");

		memcpy(line, text, n);
		line[n] = '\0';
		dns_conf_line(c, line);
		text += n + (text[n] == '\n');
	}
	dns_conf_end(c);
}

static void test_nothing_said(void **state)
{
	struct dns_conf c;
	char text[IP_TEXT];

	(void)state;
	read_conf(&c, "");
	assert_int_equal(c.server_count, 1);
	assert_string_equal(ip_format(text, &c.servers[0].ip), "127.0.0.1");
	assert_int_equal(c.search_count, 0);
	assert_int_equal(c.ndots, 1);
	assert_int_equal(c.timeout, 5);
	assert_int_equal(c.attempts, 2);
}

static void test_everything(void **state)
{
	struct dns_conf c;
	char text[IP_TEXT];

	(void)state;
	read_conf(&c,
		  "; a comment\n# another\nnameserver\t10.0.0.10 # why\nnameserver fe80::1%lo\r\n"
		  "nameserver nonsense\nnameserver 10.0.0.11\nnameserver 10.0.0.12\n"
		  "search old.example\ndomain a.example\nsearch b.example. .c.example\n"
		  "options rotate ndots:3 timeout:7 attempts:4 edns0\nsortlist 10.0.0.0\n");
	assert_int_equal(c.server_count, 3);
	assert_string_equal(ip_format(text, &c.servers[1].ip), "fe80::1");
	assert_int_equal(c.servers[0].scope, 0);
	assert_int_equal(c.servers[1].scope, 1);
	assert_string_equal(ip_format(text, &c.servers[2].ip), "10.0.0.11");
	assert_int_equal(c.search_count, 2);
	assert_string_equal(c.search[0], "b.example");
	assert_string_equal(c.search[1], "c.example");
	assert_int_equal(c.ndots, 3);
	assert_int_equal(c.timeout, 7);
	assert_int_equal(c.attempts, 4);
}

static void test_bounds(void **state)
{
	struct dns_conf c;

	(void)state;
	read_conf(&c, "options ndots:99 timeout:4294967295 attempts:0\nsearch a b c d e f g h\n"
		      "options ndots:x timeout: attempts:-1 ndots:99999999999\n");
	assert_int_equal(c.ndots, DNS_NDOTS_MAX);
	assert_int_equal(c.timeout, DNS_TIMEOUT_MAX);
	assert_int_equal(c.attempts, 1);
	assert_int_equal(c.search_count, DNS_SEARCH);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *line, *name, *ip;
	} cases[] = {
		{"127.0.0.1 localhost", "localhost", "127.0.0.1"},
		{"\t::1\tip6-localhost  LocalHost\r", "localhost", "::1"},
		{"10.0.0.1 a b c", "c", "10.0.0.1"},
		{"10.0.0.1 a#b", "a", NULL},
		{"10.0.0.1 a # b", "b", NULL},
		{"# 10.0.0.1 a", "a", NULL},
		{"10.0.0.1 ab", "a", NULL},
		{"10.0.0 a", "a", NULL},
		{"10.0.0.1", "10.0.0.1", NULL},
		{"", "a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[100], text[IP_TEXT];
		struct ip ip;

		snprintf(line, sizeof(line), "%s", cases[i].line);
		assert_int_equal(hosts_line(&ip, line, cases[i].name), cases[i].ip != NULL);
		if (cases[i].ip)
			assert_string_equal(ip_format(text, &ip), cases[i].ip);
	}
}

static void test_lines(void **state)
{
	static struct lines l;
	static char content[20000];
	char path[] = "/tmp/cnibox-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	/* A line over the bound loses its end and nothing else; the last has no newline. */
	memset(content, 'x', sizeof(content));
	assert_int_equal(file_write_all(fd, "one\n\n", 5), 0);
	assert_int_equal(file_write_all(fd, content, sizeof(content)), 0);
	assert_int_equal(file_write_all(fd, "\nlast", 5), 0);
	close(fd);
	lines_open(&l, path);
	unlink(path);
	assert_true(lines_next(&l));
	assert_string_equal(l.text, "one");
	assert_true(lines_next(&l));
	assert_string_equal(l.text, "");
	assert_true(lines_next(&l));
	assert_int_equal(strlen(l.text), LINE_TEXT - 1);
	assert_true(lines_next(&l));
	assert_string_equal(l.text, "last");
	assert_false(lines_next(&l));
	assert_int_equal(l.fd, -1);
	lines_open(&l, path);
	assert_false(lines_next(&l));
	lines_open(&l, "/tmp");
	assert_false(lines_next(&l));
	assert_int_equal(l.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said), cmocka_unit_test(test_everything),
		cmocka_unit_test(test_bounds),	     cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
