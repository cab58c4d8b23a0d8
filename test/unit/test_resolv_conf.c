/* ipam/resolv_conf: resolv.conf(5) as the reference plugin reads it. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "ipam/resolv_conf.h"

static void parse(struct cni_dns *dns, const char *text)
{
	struct err e = {0};
	char *copy = arena_text(text, strlen(text), &e);

	memset(dns, 0, sizeof(*dns));
	assert_non_null(copy);
	assert_int_equal(resolv_conf_parse(dns, copy, &e), 0);
	assert_int_equal(e.code, 0);
}

static void assert_words(const struct cni_words *words, const char *want)
{
	char got[1024] = "";

	for (unsigned i = 0; i < words->count; i++) {
		strcat(got, i ? " " : "");
		strcat(got, words->word[i]);
	}
	assert_string_equal(got, want);
}

static void every_keyword(void **state)
{
	struct cni_dns dns;

	(void)state;
	parse(&dns, "# a comment\n"
		    "; another\n"
		    "\n"
		    "nameserver 192.0.2.1 192.0.2.9\n"
		    "  nameserver\t192.0.2.2  \r\n"
		    "domain first.example\n"
		    "domain last.example\n"
		    "search a.example b.example\n"
		    "search c.example\n"
		    "options ndots:5 attempts:2\n"
		    "options edns0\n"
		    "sortlist 192.0.2.0\n"
		    "nameserver\n"
		    "nameserver 2001:db8::1");
	assert_words(&dns.nameservers, "192.0.2.1 192.0.2.2 2001:db8::1");
	assert_words(&dns.search, "a.example b.example c.example");
	assert_words(&dns.options, "ndots:5 attempts:2 edns0");
	assert_string_equal(dns.domain, "last.example");
}

static void nothing(void **state)
{
	struct cni_dns dns;

	(void)state;
	parse(&dns, "");
	parse(&dns, "\n\n#nameserver 192.0.2.1\nnameserver\n");
	assert_int_equal(dns.nameservers.count, 0);
	assert_null(dns.domain);
}

static void too_much(void **state)
{
	struct cni_dns dns = {0};
	struct err e = {0};
	char text[1024] = "search";

	(void)state;
	for (int i = 0; i <= CNI_DNS_MAX; i++)
		strcat(text, " x.example");
	assert_int_equal(resolv_conf_parse(&dns, text, &e), -1);
	assert_int_equal(e.code, ERR_FIELD);
}

static void files(void **state)
{
	char file[] = "/tmp/cnibox-resolv-XXXXXX", link[64];
	struct cni_dns dns = {0};
	struct err e = {0};
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "nameserver 192.0.2.1\n", 21), 21);
	close(fd);
	/* systemd-resolved makes /etc/resolv.conf a link. */
	snprintf(link, sizeof(link), "%s.link", file);
	assert_int_equal(symlink(file, link), 0);
	assert_int_equal(resolv_conf_read(&dns, link, &e), 0);
	assert_words(&dns.nameservers, "192.0.2.1");
	unlink(file);
	unlink(link);
	assert_int_equal(resolv_conf_read(&dns, file, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_non_null(strstr(e.msg, file));
	assert_non_null(strstr(e.msg, "No such file or directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_keyword),
		cmocka_unit_test(nothing),
		cmocka_unit_test(too_much),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
