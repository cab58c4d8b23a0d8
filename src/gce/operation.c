#include "gce/operation.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "gce/retry.h"

/* The service answers when the operation is done, and after two minutes at the latest. */
#define WAIT_MS	     130000
#define PAUSE_MAX_MS 5000

void gce_warnings_read(char out[static GCE_WARNINGS_MAX], struct json warnings)
{
	size_t used = 0;

	out[0] = '\0';
	json_each(one, warnings) {
		const char *text = json_str(json_get(one, "message"), "");
		const char *code = json_str(json_get(one, "code"), "a warning");

		if (used + strlen(text) + strlen(code) + 4 >= GCE_WARNINGS_MAX)
			return;
		used += (size_t)snprintf(out + used, GCE_WARNINGS_MAX - used, "%s%s%s\n", code,
					 *text ? ": " : "", text);
	}
}

static void copy(char *out, size_t size, struct json v)
{
	snprintf(out, size, "%s", json_str(v, ""));
}

int gce_operation_read(struct gce_operation *o, const struct gce_answer *a, struct err *e)
{
	size_t mark = arena_mark();
	struct json v = json_open(a->text, a->len, "the operation", e);
	struct json first = json_first(json_get(json_get(v, "error"), "errors"));

	memset(o, 0, sizeof(*o));
	copy(o->name, sizeof(o->name), json_get(v, "name"));
	copy(o->target, sizeof(o->target), json_get(v, "targetLink"));
	o->done = strcmp(json_str(json_get(v, "status"), ""), "DONE") == 0;
	if (json_present(first)) {
		copy(o->error_code, sizeof(o->error_code), json_get(first, "code"));
		copy(o->error, sizeof(o->error), json_get(first, "message"));
	} else if (json_present(json_get(v, "httpErrorMessage"))) {
		copy(o->error_code, sizeof(o->error_code), json_get(v, "httpErrorMessage"));
	}
	gce_warnings_read(o->warnings, json_get(v, "warnings"));
	arena_back(mark);
	if (e->code)
		return -1;
	if (*o->name)
		return 0;
	return err_set(e, ERR_STATE, "read the operation", "the answer is none");
}

/* One look; the service waits with us. */
static int look(struct gce *g, struct gce_operation *o, const char *doing, struct err *e)
{
	char path[256];
	struct gce_request rq = {
		.doing = doing, .method = "POST", .path = path, .wait_ms = WAIT_MS};
	struct gce_answer a;
	char target[GCE_LINK_MAX];

	snprintf(path, sizeof(path), "/global/operations/%s/wait", o->name);
	memcpy(target, o->target, sizeof(target));
	if (gce_call(g, &rq, &a, e) == 0) {
		if (gce_operation_read(o, &a, e))
			return -1;
		if (!*o->target)
			memcpy(o->target, target, sizeof(target));
		return 0;
	}
	/* Those that have ended are kept for a while only. */
	if (a.refusal.status != 404)
		return -1;
	err_clear(e);
	o->done = o->lost = true;
	return 0;
}

int gce_operation_wait(struct gce *g, struct gce_operation *o, const char *doing, struct err *e)
{
	unsigned pause = 0;

	while (!o->done) {
		if (pause >= (unsigned)deadline_left(g->until) || !gce_sleep(pause)) {
			err_set(e, ERR_TRY_AGAIN, doing, "it is not done yet, and goes on (%s)",
				o->name);
			err_hint(e, "look at it later; --timeout SECONDS waits longer");
			return -1;
		}
		if (look(g, o, doing, e))
			return -1;
		pause = pause < PAUSE_MAX_MS ? pause + 1000 : PAUSE_MAX_MS;
	}
	if (!*o->error_code)
		return 0;
	return err_set(e, ERR_STATE, doing, "%s%s%s", o->error, *o->error ? " " : "",
		       o->error_code);
}
