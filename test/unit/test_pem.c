/* http/pem: objects in files of all sorts, fed in every way. */
#include "tls_golden.h"

#include "base/compiler.h"
#include "http/pem.h"

#define BEGIN "-----BEGIN X-----\n"
#define END   "-----END X-----\n"

/* What a text holds, as words: "X=616263" for each object, or "X!" for a bad one. */
static void read_all(char *out, size_t size, const char *text, size_t first, size_t step)
{
	static struct pem p;
	size_t n = strlen(text), at = 0, used = 0, piece = first;

	out[0] = '\0';
	pem_begin(&p);
	while (at < n) {
		size_t end = at + piece < n ? at + piece : n;
		bool whole;

		while (at < end) {
			at += pem_feed(&p, text + at, end - at, &whole);
			if (!whole)
				continue;
			used += (size_t)snprintf(out + used, size - used, "%s%s", p.label,
						 p.bad ? "!" : "=");
			for (size_t i = 0; i < p.len && !p.bad; i++)
				used += (size_t)snprintf(out + used, size - used, "%02x", p.der[i]);
			used += (size_t)snprintf(out + used, size - used, " ");
		}
		piece = step;
	}
}

static void test_objects(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", ""},
		{"no dashes\n-----\n", ""},
		{BEGIN END, "X= "},
		{BEGIN "YWJj\n" END, "X=616263 "},
		{BEGIN "YWJjZA==\n" END, "X=61626364 "},
		{BEGIN "YWJjZGU=\n" END, "X=6162636465 "},
		{"text\n" BEGIN "YW\nJj\n" END "more\n" BEGIN "/+8=\n" END, "X=616263 X=ffef "},
		{"-----BEGIN X-----\r\n YWJj\t\r\n-----END X-----  \r\n", "X=616263 "},
		{"-----BEGIN A LONG NAME-----\nYWJj\n-----END A LONG NAME-----\n",
		 "A LONG NAME=616263 "},
		{BEGIN "YWJj" END, ""}, /* END is not at the beginning of a line, so nothing ends */
		{BEGIN "YWJ\n" END, "X! "},
		{BEGIN "YWJjZA=\n" END, "X! "},
		{BEGIN "YWJjZA\n" END, "X! "},
		{BEGIN "YWJjZB==\n" END, "X! "}, /* bits that are not there */
		{BEGIN "YWJjZA===\n" END, "X! "},
		{BEGIN "YWJjY\n" END, "X! "},
		{BEGIN "YW=Jj\n" END, "X! "},
		{BEGIN "YW*j\n" END, "X! "},
		{BEGIN "YW\xc3j\n" END, "X! "},
		{BEGIN "Proc-Type: 4,ENCRYPTED\n\nYWJj\n" END, "X! "},
		{BEGIN "YWJj\n-----END Y-----\n", "X! "},
		{BEGIN "YWJj\n-- \n" END, "X! "},
		{BEGIN "YWJj\n" BEGIN "ZGVm\n" END, "X=646566 "}, /* the second begins anew */
		{"-----BEGIN 12345678901234567890123456789012-----\nYWJj\n"
		 "-----END 12345678901234567890123456789012-----\n",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char got[200];
		size_t n = strlen(cases[i].text);

		for (size_t cut = 0; cut <= n; cut++) {
			read_all(got, sizeof(got), cases[i].text, cut ? cut : 1, cut ? n : 1);
			if (strcmp(got, cases[i].want) != 0)
				fail_msg("case %zu cut at %zu: %s", i, cut, got);
		}
	}
}

static void test_too_long(void **state)
{
	static char text[2 * PEM_OBJECT_MAX];
	static struct pem p;
	bool whole;
	size_t n = (size_t)PEM_OBJECT_MAX / 3 * 4; /* characters of 8190 bytes */

	(void)state;
	_Static_assert(PEM_OBJECT_MAX % 3 == 2, "two bytes more fit");
	for (unsigned more = 0; more < 2; more++) {
		pem_begin(&p);
		pem_feed(&p, BEGIN, strlen(BEGIN), &whole);
		memset(text, 'A', n + 4);
		pem_feed(&p, text, n, &whole);
		pem_feed(&p, more ? "AAAA\n" : "AAA=\n", 5, &whole);
		pem_feed(&p, END, strlen(END), &whole);
		assert_true(whole);
		assert_int_equal(p.bad, more);
	}
}

static void test_file(void **state)
{
	static struct pem_file f;

	(void)state;
	assert_int_equal(pem_open(&f, "test/unit/golden/tls/ec-sec1.pem"), 0);
	assert_int_equal(pem_next(&f), 1);
	assert_string_equal(f.pem.label, "EC PARAMETERS");
	assert_int_equal(pem_next(&f), 1);
	assert_string_equal(f.pem.label, "EC PRIVATE KEY");
	assert_int_equal(pem_next(&f), 0);
	pem_close(&f);
	assert_int_equal(f.fd, -1);
	for (size_t i = 0; i < sizeof(f.chunk); i++)
		assert_int_equal(f.chunk[i], 0);
	assert_int_equal(pem_open(&f, "/nowhere"), -1);
	assert_int_equal(pem_open(&f, "/tmp"), 0);
	assert_int_equal(pem_next(&f), -1);
	pem_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
