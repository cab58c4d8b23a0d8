/* base/pattern: what matches, compared with libc's regular expressions, and what is refused. */
#include "unit.h"

#include <regex.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/pattern.h"

static struct pattern p;

static bool found(const char *pattern, const char *text)
{
	const char *fault = pattern_compile(&p, pattern);

	if (fault)
		fail_msg("%s: %s", pattern, fault);
	return pattern_found(&p, text);
}

static void test_lists_of_sysctls(void **state)
{
	(void)state;
	assert_true(
		found("^net\\.ipv4\\.conf\\.IFNAME\\.[a-z_]*$", "net.ipv4.conf.IFNAME.arp_filter"));
	assert_false(found("^net\\.ipv4\\.conf\\.IFNAME\\.[a-z_]*$", "net.ipv4.conf.IFNAME.x.y"));
	assert_false(found("^net\\.ipv4\\.conf", "xnet.ipv4.conf"));
	assert_true(found("ipv4", "net.ipv4.conf"));
	assert_true(found("net.ipv4.conf", "net/ipv4/conf"));
	assert_true(found("^net\\.(ipv4|ipv6)\\.(?:conf|neigh)\\.", "net.ipv6.neigh.x"));
	assert_true(found("a\\d+b", "xa123b"));
	assert_false(found("a\\d+b", "ab"));
	assert_true(found("^\\w+$", "a_Z9"));
	assert_false(found("\\W", "a_Z9"));
	assert_true(found("[^\\d]", "1a1"));
	assert_false(found("^[^\\d]+$", "a1"));
	assert_true(found("", "anything"));
	assert_true(found("a.*?b", "axxb"));
	assert_true(found("[]a]", "]"));
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"(",	 ")",		"a)",	 "[a",	  "*a",
					  "a|*", "a{2}",	"(?i)a", "[z-a]", "a\\",
					  "\\b", "[[:alpha:]]", "\\1",	 "a**"};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!pattern_compile(&p, bad[i]))
			fail_msg("accepted: %s", bad[i]);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_non_null(pattern_compile(&p, text));
	memset(text, '(', sizeof(text) - 1);
	assert_non_null(pattern_compile(&p, text));
}

/* Random patterns of a small language, random texts: the same answer as libc's, or a refusal. */
static void test_like_libc(void **state)
{
	static const char signs[] = "ab.*+?|()^$[]";
	unsigned compared = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 60000; i++) {
		char pattern[10] = "", text[8] = "";
		regex_t r;
		bool libc;

		for (long n = random() % 9; n > 0; n--)
			strncat(pattern, &signs[random() % 13], 1);
		for (long n = random() % 7; n > 0; n--)
			strncat(text, &"abc"[random() % 3], 1);
		/* What libc repeats that is not there, or twice, or empty, others see otherwise. */
		if (pattern_compile(&p, pattern) || strstr(pattern, "()") ||
		    strstr(pattern, "(|") || strstr(pattern, "|)") || strstr(pattern, "||") ||
		    strstr(pattern, "*?") || strstr(pattern, "+?") || strstr(pattern, "??") ||
		    strpbrk(pattern, "^$[]"))
			continue;
		if (pattern[0] == '|' || (pattern[0] && pattern[strlen(pattern) - 1] == '|'))
			continue;
		if (regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB))
			continue;
		libc = regexec(&r, text, 0, NULL, 0) == 0;
		regfree(&r);
		if (pattern_found(&p, text) != libc)
			fail_msg("/%s/ in \"%s\": libc says %d", pattern, text, libc);
		compared++;
	}
	assert_true(compared > 3000);
}

/* Time that grows with the text, not with the ways through the pattern. */
static void test_no_explosion(void **state)
{
	char text[2001];

	(void)state;
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_false(found("(a*)*(a*)*(a|a)*b", text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_of_sysctls),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_like_libc),
		cmocka_unit_test(test_no_explosion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
