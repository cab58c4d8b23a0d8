/*
 * Legacy tables of iptables as getsockopt gives them: what xt_check lets pass is walked, read, weighed,
 * printed and changed. The input: family, hooks, begin and policy of each, count, then the entries.
 */
#include "fuzz.h"

#include "base/arena.h"
#include "net/packet.h"
#include "netfilter/forward_scan.h"
#include "netfilter/xt_eval.h"
#include "netfilter/xt_table.h"

#define ENTRIES_MAX 16384
#define ROOM	    (4 * 1024)

struct head {
	uint8_t family, hooks;
	uint16_t count;
	uint16_t begin[XT_HOOKS], policy[XT_HOOKS];
};

static void read_all(const struct xt_table *t)
{
	static const struct prefix network = {.ip = {.family = 4, .b = {10, 244}}, .len = 16};
	struct forward_scan scan = {.network = &network};
	const struct packet packet = {.source = {.family = t->family, .b = {10, 244, 0, 2}},
				      .destination = {.family = t->family, .b = {10, 244, 1, 2}},
				      .iif = "cni0",
				      .oif = "eth0",
				      .bridge = "",
				      .mark_known = true};
	char text[256];

	for (unsigned hook = 0; hook < XT_HOOKS; hook++) {
		struct verdict v = {0};

		if (!(t->hooks & 1u << hook))
			continue;
		for (uint32_t at = t->begin[hook]; at < t->policy[hook]; at = xt_next(t, at)) {
			struct nft_rule rule;

			xt_read(&rule, t, hook, at);
			forward_weigh(&scan, &rule);
			xt_text(text, sizeof(text), t, "FORWARD", at);
			CHECK(memchr(text, '\0', sizeof(text)));
		}
		xt_eval(t, hook, &packet, &v);
	}
}

/* A rule in and out again: a table that passes stays one that passes. */
static void change(struct xt_table *t)
{
	struct xt_rule rule = {.source = {.ip = {.family = t->family, .b = {10, 244}}, .len = 16},
			       .mark = XT_MARK | 1};
	struct err e = {0};
	uint32_t size = t->size, at;
	unsigned hook = 0;

	while (hook < XT_HOOKS && !(t->hooks & 1u << hook))
		hook++;
	if (hook == XT_HOOKS)
		return;
	xt_number(t);
	at = t->begin[hook];
	CHECK(xt_insert(t, at, &rule) > at);
	CHECK(xt_check(t, &e) == 0 && xt_equal(t, at, &rule));
	xt_remove(t, at);
	CHECK(xt_check(t, &e) == 0 && t->size == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static _Alignas(8) unsigned char entries[ENTRIES_MAX + ROOM];
	struct xt_table t = {.entries = entries, .room = ROOM};
	struct err e = {0};
	struct head head;

	if (n < sizeof(head) || n - sizeof(head) > ENTRIES_MAX)
		return 0;
	arena_reset();
	memcpy(&head, data, sizeof(head));
	memset(entries, 0, sizeof(entries));
	memcpy(entries, data + sizeof(head), n - sizeof(head));
	t.family = head.family & 1 ? 6 : 4;
	t.hooks = head.hooks & 31;
	t.count = head.count;
	t.size = (uint32_t)(n - sizeof(head));
	for (unsigned i = 0; i < XT_HOOKS; i++) {
		t.begin[i] = head.begin[i];
		t.policy[i] = head.policy[i];
	}
	if (xt_check(&t, &e)) {
		CHECK(e.code == ERR_STATE && *e.msg);
		return 0;
	}
	read_all(&t);
	change(&t);
	return 0;
}
