/* http/reply: answers whole, byte by byte and cut in two anywhere; what may be read in two ways is refused. */
#include "unit.h"

#include "base/compiler.h"
#include "http/reply.h"

#define HEAD "HTTP/1.1 200 OK\r\n"

struct got {
	int result; /* 1: whole, 0: it wants more, -1 */
	size_t used, n;
	char body[256];
	struct reply reply;
	struct http_field field;
	struct err e;
};

static void feed(struct got *g, const char *bytes, size_t n)
{
	size_t at = 0;

	while (at < n && g->result == 0 && g->reply.state != REPLY_DONE) {
		const char *body;
		size_t len;
		ptrdiff_t used = reply_feed(&g->reply, bytes + at, n - at, &body, &len, &g->e);

		if (used < 0) {
			g->result = -1;
			return;
		}
		assert_true(len <= sizeof(g->body) - g->n);
		if (len)
			memcpy(g->body + g->n, body, len);
		g->n += len;
		at += (size_t)used;
	}
	g->used += at;
	if (g->reply.state == REPLY_DONE)
		g->result = 1;
}

static void begin(struct got *g, bool no_body)
{
	memset(g, 0, sizeof(*g));
	g->field.name = "content-type";
	reply_begin(&g->reply, no_body, &g->field, 1);
}

/* In every way that text can arrive; they must agree. The last one is left in g. */
static void read_all_ways(struct got *g, const char *text, bool no_body)
{
	static struct got whole;
	size_t n = strlen(text);

	begin(&whole, no_body);
	feed(&whole, text, n);
	for (size_t cut = 0; cut <= n; cut++) {
		begin(g, no_body);
		if (cut == n) {
			for (size_t i = 0; i < n; i++)
				feed(g, text + i, 1);
		} else {
			feed(g, text, cut);
			feed(g, text + cut, n - cut);
		}
		assert_int_equal(g->result, whole.result);
		assert_int_equal(g->n, whole.n);
		assert_memory_equal(g->body, whole.body, whole.n);
		if (g->result < 0) {
			assert_string_equal(g->e.msg, whole.e.msg);
			continue;
		}
		assert_int_equal(g->used, whole.used);
		assert_int_equal(g->reply.status, whole.reply.status);
		assert_int_equal(g->reply.keep, whole.reply.keep);
		assert_string_equal(g->field.value, whole.field.value);
	}
}

static void test_taken(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
		bool keep;
		const char *body, *type;
		size_t left_over;
	} cases[] = {
		{HEAD "Content-Length: 5\r\nContent-Type: a/b\r\n\r\nhello", 200, true, "hello",
		 "a/b", 0},
		{HEAD "content-length:5\r\nCONTENT-TYPE: \t a/b \t\r\n\r\nhelloX", 200, true,
		 "hello", "a/b", 1},
		{HEAD "Content-Length: 0\r\n\r\n", 200, true, "", "", 0},
		{HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 200, true, "ab", "", 0},
		{"HTTP/1.1 404\r\nContent-Length: 1\r\n\r\nx", 404, true, "x", "", 0},
		{"HTTP/1.1 503 \r\nContent-Length: 1\r\nConnection: foo, Close\r\n\r\nx", 503,
		 false, "x", "", 0},
		{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, false, "x", "", 0},
		{"HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", 204, true, "", "", 0},
		{"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", 304, true, "", "", 0},
		{"HTTP/1.1 100 C\r\nContent-Type: no\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 1\r\n\r\nx",
		 201, true, "x", "", 0},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, true,
		 "hello", "", 0},
		{HEAD "Transfer-Encoding: Chunked\r\n\r\n003;a=\"b\"\r\nabc\r\nA \r\n0123456789\r\n"
		      "0;x\r\nContent-Length: 7\r\nT: u\r\n\r\nHTTP",
		 200, true, "abc0123456789", "", 4},
		{HEAD "Content-Type: a\r\nContent-Type: b\r\nX:\r\nContent-Length: 0\r\n\r\n", 200,
		 true, "", "a", 0},
		{HEAD "Content-Encoding: identity\r\nContent-Length: 0\r\n\r\n", 200, true, "", "",
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct got g;

		read_all_ways(&g, cases[i].text, false);
		if (g.result != 1)
			fail_msg("case %zu: %s", i, g.e.msg);
		assert_int_equal(g.reply.status, cases[i].status);
		assert_int_equal(g.reply.keep, cases[i].keep);
		assert_int_equal(g.n, strlen(cases[i].body));
		assert_memory_equal(g.body, cases[i].body, g.n);
		assert_string_equal(g.field.value, cases[i].type);
		assert_int_equal(g.used, strlen(cases[i].text) - cases[i].left_over);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "LF alone"},
		{HEAD "Content-Length: 0\n\r\n", "LF alone"},
		{HEAD "Content-Length: 0\r\r\n\r\n", "CR within"},
		{HEAD "A: b\rc\r\n", "CR within"},
		{HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "both"},
		{HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "both"},
		{HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "differ"},
		{HEAD "Content-Length: 5, 5\r\n\r\n", "no number"},
		{HEAD "Content-Length: +5\r\n\r\n", "no number"},
		{HEAD "Content-Length: -1\r\n\r\n", "no number"},
		{HEAD "Content-Length: 0x5\r\n\r\n", "no number"},
		{HEAD "Content-Length: \r\n\r\n", "no number"},
		{HEAD "Content-Length: 9999999999999999999\r\n\r\n", "no number"},
		{HEAD "Content-Length : 5\r\n\r\n", "no word"},
		{HEAD "Content Length: 5\r\n\r\n", "no word"},
		{HEAD ": 5\r\n\r\n", "no word"},
		{HEAD "Content-Length\r\n\r\n", "without a colon"},
		{HEAD "A: b\r\n c\r\n\r\n", "next line"},
		{HEAD "A: b\r\n\tc\r\n\r\n", "next line"},
		{HEAD " A: b\r\n\r\n", "next line"},
		{HEAD "A: \x01\r\n\r\n", "control character"},
		{HEAD "Transfer-Encoding: gzip\r\n\r\n", "not asked for"},
		{HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", "not asked for"},
		{HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		 "not asked for"},
		{HEAD "Transfer-Encoding: xchunked\r\n\r\n", "not asked for"},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "not asked for"},
		{HEAD "Content-Encoding: gzip\r\n\r\n", "not asked for"},
		{"HTTP/1.1 101 Switching\r\n\r\n", "not asked for"},
		{"HTTP/2 200\r\n", "HTTP/1.1"},
		{"HTTP/1.2 200 OK\r\n", "HTTP/1.1"},
		{"http/1.1 200 OK\r\n", "HTTP/1.1"},
		{"\r\n", "HTTP/1.1"},
		{"HTTP/1.1 20 OK\r\n", "three digits"},
		{"HTTP/1.1 2000 OK\r\n", "three digits"},
		{"HTTP/1.1 099 OK\r\n", "three digits"},
		{"HTTP/1.1  200 OK\r\n", "three digits"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n\r\n", "size is no number"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\nx\r\n", "size is no number"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n5 5\r\n", "size is no number"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "size is no number"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n0x5\r\n", "size is no number"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
		 "size is no number"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n1\n", "LF alone"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than its size"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\n", "LF alone"},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nA b\r\n", "without a colon"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct got g;

		read_all_ways(&g, cases[i].text, false);
		if (g.result != -1)
			fail_msg("case %zu was taken", i);
		assert_int_equal(g.e.code, ERR_STATE);
		if (!strstr(g.e.msg, cases[i].words))
			fail_msg("case %zu: %s", i, g.e.msg);
	}
}

static void test_no_body(void **state)
{
	static struct got g;

	(void)state;
	read_all_ways(&g, HEAD "Content-Length: 5\r\n\r\n", true);
	assert_int_equal(g.result, 1);
	read_all_ways(&g, HEAD "\r\n", true);
	assert_int_equal(g.result, 1);
	assert_true(g.reply.keep);
	read_all_ways(&g, HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", true);
	assert_int_equal(g.result, -1);
}

static void test_ends(void **state)
{
	static const struct {
		const char *text;
		bool whole;
	} cases[] = {
		{HEAD "\r\nall of it", true},
		{HEAD "\r\n", true},
		{HEAD "Content-Length: 0\r\n\r\n", true},
		{"", false},
		{"HTTP/1.1 2", false},
		{HEAD "Content-Length: 5\r\n\r\nhell", false},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct got g;

		read_all_ways(&g, cases[i].text, false);
		assert_int_equal(reply_end(&g.reply, &g.e), cases[i].whole ? 0 : -1);
		assert_int_equal(g.e.code, cases[i].whole ? 0 : ERR_TRY_AGAIN);
		if (i < 2)
			assert_false(g.reply.keep);
	}
}

/* text, then n times c, then more. */
static int long_one(const char *text, size_t n, char c, const char *more)
{
	static struct got g;
	static char run[4096];

	memset(run, c, sizeof(run));
	begin(&g, false);
	feed(&g, text, strlen(text));
	for (size_t piece; n; n -= piece) {
		piece = n < sizeof(run) ? n : sizeof(run);
		feed(&g, run, piece);
	}
	feed(&g, more, strlen(more));
	return g.result;
}

static void test_bounds(void **state)
{
	static struct got g;

	(void)state;
	assert_int_equal(
		long_one(HEAD "A:", REPLY_LINE_MAX - 3, 'x', "\r\nContent-Length: 0\r\n\r\n"), 1);
	assert_int_equal(
		long_one(HEAD "A:", REPLY_LINE_MAX - 2, 'x', "\r\nContent-Length: 0\r\n\r\n"), -1);
	assert_int_equal(long_one("HTTP/1.1 200 ", REPLY_LINE_MAX, 'x', "\r\n"), -1);
	assert_int_equal(
		long_one(HEAD "Transfer-Encoding: chunked\r\n\r\n1;", REPLY_LINE_MAX, 'x', "\r\n"),
		-1);

	begin(&g, false);
	feed(&g, HEAD, strlen(HEAD));
	for (unsigned i = 1; i < REPLY_LINES_MAX; i++)
		feed(&g, "A: b\r\n", 6);
	assert_int_equal(g.result, 0);
	feed(&g, "A: b\r\n", 6);
	assert_int_equal(g.result, -1);

	begin(&g, false);
	for (unsigned i = 0; i < REPLY_1XX_MAX; i++)
		feed(&g, "HTTP/1.1 100 C\r\n\r\n", 18);
	assert_int_equal(g.result, 0);
	feed(&g, "HTTP/1.1 100 C\r\n\r\n", 18);
	assert_int_equal(g.result, -1);
}

/* A value that does not fit is not handed on, rather than in part. */
static void test_long_value(void **state)
{
	static struct got g;
	char text[1024] = HEAD "Content-Type: ";
	size_t head = strlen(text);

	(void)state;
	memset(text + head, 'x', HTTP_VALUE_MAX - 1);
	begin(&g, false);
	feed(&g, text, strlen(text));
	feed(&g, "\r\n", 2);
	assert_int_equal(strlen(g.field.value), HTTP_VALUE_MAX - 1);
	begin(&g, false);
	feed(&g, text, strlen(text));
	feed(&g, "x\r\n", 3);
	assert_string_equal(g.field.value, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_body), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_bounds),	cmocka_unit_test(test_long_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
