/* http/pem, http/key: files of keys, fed whole and byte by byte. */
#include "fuzz.h"

#include "http/key.h"
#include "http/pem.h"

static struct pem whole, bytewise;

static void same_objects(const char *text, size_t n)
{
	size_t at = 0, to = 0;
	bool a, b;

	pem_begin(&whole);
	pem_begin(&bytewise);
	do {
		at += pem_feed(&whole, text + at, n - at, &a);
		for (b = false; to < n && !b; to++)
			CHECK(pem_feed(&bytewise, text + to, 1, &b) == 1);
		CHECK(a == b && at == to);
		if (a) {
			CHECK(whole.len <= PEM_OBJECT_MAX && whole.bad == bytewise.bad);
			CHECK(strcmp(whole.label, bytewise.label) == 0);
			CHECK(whole.len == bytewise.len);
			CHECK(memcmp(whole.der, bytewise.der, whole.len) == 0);
		}
	} while (a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct key key;
	struct err e = {0};

	same_objects((const char *)data, n);
	if (key_parse(&key, (const char *)data, n, "input", &e)) {
		CHECK(e.code == ERR_FIELD && key.type == 0);
		return 0;
	}
	CHECK(key.type == BR_KEYTYPE_RSA || key.type == BR_KEYTYPE_EC);
	if (key.type == BR_KEYTYPE_RSA) {
		unsigned char signature[RS256_SIZE];

		if (key_sign_rs256(signature, &key, "text", 4, &e) == 0)
			CHECK(e.code == ERR_FIELD);
	}
	return 0;
}
