/* commands/command: words of a command line, in every form in which users type them. */
#include "unit.h"

#include "base/compiler.h"
#include "commands/command.h"

static const struct command_option options[] = {{"--conf", 'c', true},
						{"--config", 'C', true},
						{"--force", 'f', false},
						{"-f", 'f', false},
						{0}};

/* A command line, and what is read from it: "c=x f operand", "!" for an error. */
static void test_words(void **state)
{
	static const struct {
		const char *line[6];
		const char *read;
	} cases[] = {
		{{NULL}, ""},
		{{"--conf", "x"}, "c=x "},
		{{"--conf=x"}, "c=x "},
		{{"--conf="}, "c= "},
		{{"--conf", "--force"}, "c=--force "},
		{{"--config=x", "--conf=y"}, "C=x c=y "},
		{{"--conf=a=b"}, "c=a=b "},
		{{"dir", "--force", "-f"}, "dir f f "},
		{{"--force", "--", "--force", "--"}, "f --force -- "},
		{{"--"}, ""},
		{{"-", ""}, "-  "},
		{{"--conf"}, "!"},
		{{"--force=x"}, "!"},
		{{"--for"}, "!"},
		{{"-F"}, "!"},
		{{"dir", "--no-such", "dir"}, "dir !"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct command_words words = {.at = (char **)cases[i].line};
		struct err e = {0};
		char read[64] = "";
		int key;

		while ((key = command_next(&words, options, &e)) >= 0) {
			size_t n = strlen(read);

			if (key == 0)
				snprintf(read + n, sizeof(read) - n, "%s ", words.value);
			else if (key == 'f')
				snprintf(read + n, sizeof(read) - n, "f ");
			else
				snprintf(read + n, sizeof(read) - n, "%c=%s ", key, words.value);
		}
		if (e.code) {
			assert_int_equal(e.code, ERR_USAGE);
			strcat(read, "!");
		}
		assert_string_equal(read, cases[i].read);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
