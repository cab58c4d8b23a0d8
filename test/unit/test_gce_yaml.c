/* commands/gce_yaml: which texts need quotes. gcloud 528 was asked to describe a resource with each. */
#include "unit.h"

#include "base/compiler.h"
#include "commands/gce_yaml.h"

/* Those that gcloud quoted. */
static const char *const quoted[] = {
	"12",	 "1.5",	  "1e3",   "0x1f", "2026-11-26", "2026-11-26T00:00:00.000-07:00",
	"true",	 "False", "null",  "~",	   "=",		 "-",
	"- x",	 "a: b",  "a #b",  "#a",   "a:",	 "'q'",
	"\"q\"", "[a",	  "{a",	   "*a",   "&a",	 "!a",
	"|a",	 ">a",	  "%a",	   "@a",   "`a",	 "? a",
	",a",	 " a",	  "a ",	   ".5",   "+1",	 "-1",
	"1_000", "0b1",	  "0o7",   "010",  "1.",	 ".nan",
	".inf",	 "<<",	  "12e03", "Null", "1.5e+3",	 "---",
	"...",	 "0",	  "00",	   "08",   "x y: z",	 "1.e5",
	"5.",	 "+.5",	  ""};

/* Those that it did not, and that are in every route; of others, quotes do no harm. */
static const char *const plain[] = {
	"plain",	 "two words",
	"10.244.0.0/24", "10.0.0.1",
	"a:b",		 "a#b",
	"it's",		 "1.2.3",
	"fd00::/64",	 "k8s-master",
	"compute#route", "e5",
	"nan",		 "a,b",
	"a]b",		 "STATIC",
	"NONE",		 "https://www.googleapis.com/compute/v1/projects/p/global/routes/r"};

static void test_quotes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quoted); i++)
		if (!gce_yaml_wants_quotes(quoted[i]))
			fail_msg("'%s' is left plain", quoted[i]);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (gce_yaml_wants_quotes(plain[i]))
			fail_msg("'%s' is quoted", plain[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_quotes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
