/* http/dns: questions as RFC 1035 has them; of answers, only what answers the question. */
#include "unit.h"

#include "base/compiler.h"
#include "http/dns.h"

static struct dns_query query;
static uint8_t msg[1024];
static size_t len;

static void put(const void *bytes, size_t n)
{
	assert_true(n <= sizeof(msg) - len);
	memcpy(msg + len, bytes, n);
	len += n;
}
#define PUT(text) put(text, sizeof(text) - 1)

/* An answer to "a.bc" A, with count records still to be put behind it. */
static void begin(const char *flags, uint8_t count)
{
	assert_true(dns_ask(&query, "a.bc", DNS_A, 0x1234));
	len = 0;
	PUT("\x12\x34");
	put(flags, 2);
	PUT("\0\1\0");
	put(&count, 1);
	PUT("\0\0\0\0\1a\2bc\0\0\1\0\1");
}

/* A record of the name asked for, which is at byte 12. */
#define RECORD(type, data) "\xc0\x0c\0" type "\0\1\0\0\0\x3c\0" data
#define ADDRESS		   RECORD("\1", "\4\xc0\0\2\1")

static enum dns_verdict read_it(struct dns_answer *a)
{
	return dns_read(a, &query, msg, len);
}

static void test_question(void **state)
{
	/* As dig +noedns +norecurse=no sends it. */
	static const uint8_t want[] = "\xab\xcd\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\x1c\0\1";
	char name[300];

	(void)state;
	assert_true(dns_ask(&query, "WWW.Example.com", DNS_AAAA, 0xabcd));
	assert_int_equal(query.len, sizeof(want) - 1);
	assert_memory_equal(query.bytes, want, query.len);
	assert_true(dns_ask(&query, "www.example.com.", DNS_AAAA, 0xabcd));
	assert_memory_equal(query.bytes, want, query.len);

	assert_false(dns_ask(&query, "", DNS_A, 1));
	assert_false(dns_ask(&query, ".", DNS_A, 1));
	assert_false(dns_ask(&query, "a..b", DNS_A, 1));
	assert_false(dns_ask(&query, ".a", DNS_A, 1));
	memset(name, 'x', sizeof(name));
	name[63] = '\0';
	assert_true(dns_ask(&query, name, DNS_A, 1));
	name[63] = 'x';
	name[64] = '\0';
	assert_false(dns_ask(&query, name, DNS_A, 1));
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'x';
	name[253] = '\0'; /* 254 bytes of labels and their lengths, and the root */
	assert_true(dns_ask(&query, name, DNS_A, 1));
	name[253] = 'x';
	name[254] = '\0';
	assert_false(dns_ask(&query, name, DNS_A, 1));
}

static void test_found(void **state)
{
	struct dns_answer a;

	(void)state;
	begin("\x81\x80", 2);
	PUT(ADDRESS RECORD("\1", "\4\xc0\0\2\2"));
	assert_int_equal(read_it(&a), DNS_FOUND);
	assert_int_equal(a.count, 2);
	assert_memory_equal(a.ip[1].b, "\xc0\0\2\2", 4);
	/* In other letters, as some resolvers play with them against forgers. */
	msg[13] = 'A';
	msg[16] = 'C';
	assert_int_equal(read_it(&a), DNS_FOUND);
	/* Whatever part of it arrives: no more is found than is there. */
	for (size_t n = 0; n < len; n++)
		assert_int_equal(dns_read(&a, &query, msg, n), DNS_NOT_MINE);
}

static void test_others(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {{0, 0x13}, {1, 0x35}, {2, 0x01}, {2, 0x89}, {5, 0}, {5, 2},
		       {12, 2},	  {13, 'b'}, {16, 'd'}, {19, 28},  {21, 3}};
	struct dns_answer a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		begin("\x81\x80", 1);
		PUT(ADDRESS);
		assert_int_equal(read_it(&a), DNS_FOUND);
		msg[changes[i].at] = changes[i].value;
		assert_int_equal(read_it(&a), DNS_NOT_MINE);
	}
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *flags;
		enum dns_verdict verdict;
	} cases[] = {{"\x81\x80", DNS_EMPTY},
		     {"\x81\x83", DNS_NO_NAME},
		     {"\x81\x82", DNS_TROUBLE},
		     {"\x81\x85", DNS_TROUBLE},
		     {"\x83\x80", DNS_TRUNCATED}};
	struct dns_answer a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(cases[i].flags, 0);
		assert_int_equal(read_it(&a), cases[i].verdict);
		assert_int_equal(a.count, 0);
	}
}

static void test_aliases(void **state)
{
	struct dns_answer a;

	(void)state;
	/* a.bc is x.bc, whose address stands before it; and another's, which is nobody's business. */
	begin("\x81\x80", 3);
	PUT("\1x\xc0\x0e\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7");
	PUT(RECORD("\5", "\4\1X\xc0\x0e"));
	PUT("\1y\xc0\x0e\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x42");
	assert_int_equal(read_it(&a), DNS_FOUND);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.ip[0].b[3], 7);
	/* To itself. */
	begin("\x81\x80", 1);
	PUT(RECORD("\5", "\2\xc0\x0c"));
	assert_int_equal(read_it(&a), DNS_EMPTY);
	/* To a name that leads out of the message, or forward, or has no end. */
	begin("\x81\x80", 1);
	PUT(RECORD("\5", "\2\xff\xff"));
	assert_int_equal(read_it(&a), DNS_NOT_MINE);
	begin("\x81\x80", 1);
	PUT(RECORD("\5", "\2\xc0\x22"));
	assert_int_equal(read_it(&a), DNS_NOT_MINE);
	begin("\x81\x80", 1);
	PUT(RECORD("\5", "\3\3ab"));
	assert_int_equal(read_it(&a), DNS_NOT_MINE);
}

static void test_not_of_this_kind(void **state)
{
	struct dns_answer a;

	(void)state;
	begin("\x81\x80", 3);
	PUT(RECORD("\x1c", "\x10\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf")); /* AAAA */
	PUT(RECORD("\1", "\3\1\2\3"));					     /* too short */
	PUT("\xc0\x0c\0\1\0\3\0\0\0\x3c\0\4\xc0\0\2\1");		     /* class CHAOS */
	assert_int_equal(read_it(&a), DNS_EMPTY);
	/* A length beyond the end. */
	begin("\x81\x80", 1);
	PUT(RECORD("\1", "\5\xc0\0\2\1"));
	assert_int_equal(read_it(&a), DNS_NOT_MINE);
	/* More than are kept. */
	begin("\x81\x80", DNS_ANSWERS + 1);
	for (unsigned i = 0; i <= DNS_ANSWERS; i++)
		PUT(ADDRESS);
	assert_int_equal(read_it(&a), DNS_FOUND);
	assert_int_equal(a.count, DNS_ANSWERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question), cmocka_unit_test(test_found),
		cmocka_unit_test(test_others),	 cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_aliases),	 cmocka_unit_test(test_not_of_this_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
