/* http/dns: answers to two questions, whose ID and name inputs may come to know. */
#include "fuzz.h"

#include "http/dns.h"

static void answer_to(const char *name, uint16_t type, const uint8_t *data, size_t n)
{
	struct dns_query q;
	struct dns_answer a;
	enum dns_verdict verdict;

	CHECK(dns_ask(&q, name, type, 0x4142));
	CHECK(q.len <= sizeof(q.bytes));
	verdict = dns_read(&a, &q, data, n);
	CHECK(a.count <= DNS_ANSWERS);
	CHECK((verdict == DNS_FOUND) == (a.count > 0) || verdict == DNS_NOT_MINE);
	for (unsigned i = 0; i < a.count; i++)
		CHECK(a.ip[i].family == (type == DNS_A ? 4 : 6));
	/* A question is no answer. */
	CHECK(dns_read(&a, &q, q.bytes, q.len) == DNS_NOT_MINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char name[300];
	struct dns_query q;
	size_t len = n < sizeof(name) - 1 ? n : sizeof(name) - 1;

	answer_to("www.example.com", DNS_A, data, n);
	answer_to("a.b", DNS_AAAA, data, n);
	memcpy(name, data, len);
	name[len] = '\0';
	if (dns_ask(&q, name, DNS_A, 1))
		CHECK(q.len > 12 && q.len <= sizeof(q.bytes));
	return 0;
}
