/* gce: what the API's answers are read into. */
#include "fuzz.h"

#include "base/arena.h"
#include "gce/firewall.h"
#include "gce/operation.h"
#include "gce/refusal.h"
#include "gce/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct prefix source = {.ip = {.family = 4, .b = {10, 244}}, .len = 16};
	static const struct gce_instance instance = {.tag_count = 1, .tags = {"node"}};
	static char warnings[GCE_WARNINGS_MAX];
	static struct gce_operation o;
	struct gce_answer a = {.text = (const char *)data, .len = n};
	struct gce_route r, same;
	struct gce_opening opening;
	struct gce_refusal refusal;
	struct err e = {0};
	struct json v;
	char closed[32];

	arena_reset();
	gce_refusal_read(&refusal, 403, a.text, n);
	CHECK(*refusal.message && gce_refusal_hint(&refusal));
	if (gce_operation_read(&o, &a, &e) == 0)
		CHECK(*o.name);
	err_clear(&e);
	v = json_open(a.text, n, "input", &e);
	if (e.code || gce_route_read(&r, v, &e))
		return 0;
	same = r;
	CHECK(gce_route_difference(&r, &same, "p") == NULL);
	gce_warnings_read(warnings, r.warnings);
	gce_opening_begin(&opening, &source, "projects/p/global/networks/default", &instance);
	gce_opening_weigh(&opening, v);
	gce_opening_closed(&opening, closed);
	return 0;
}
