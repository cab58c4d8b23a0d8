#include "gce/refusal.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "json/reader.h"

/* A sentence of theirs on a terminal: no control characters, in one line. */
static void copy_words(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

/* The old form has errors[].reason, a newer one details[].reason or status. */
static const char *reason_of(struct json error)
{
	const char *reason = "";

	json_each(one, json_get(error, "errors"))
		if (!*reason)
			reason = json_str(json_get(one, "reason"), "");
	json_each(one, json_get(error, "details"))
		if (!*reason)
			reason = json_str(json_get(one, "reason"), "");
	return *reason ? reason : json_str(json_get(error, "status"), "");
}

void gce_refusal_read(struct gce_refusal *r, unsigned status, const char *text, size_t n)
{
	size_t mark = arena_mark();
	struct err none = {0};
	struct json error = json_get(json_open(text, n, "the answer", &none), "error");

	*r = (struct gce_refusal){.status = status};
	if (json_type(error) == JSON_OBJECT) {
		copy_words(r->message, sizeof(r->message),
			   json_str(json_get(error, "message"), ""));
		copy_words(r->reason, sizeof(r->reason), reason_of(error));
	}
	if (!*r->message)
		snprintf(r->message, sizeof(r->message), "HTTP status %u without a word of the API",
			 status);
	arena_back(mark);
}

const char *gce_refusal_hint(const struct gce_refusal *r)
{
	static const struct {
		unsigned status;
		const char *reason, *hint;
	} hints[] = {
		{401, "", "the credentials were refused: are they expired, or of another project?"},
		{403, "insufficientPermissions",
		 "the account may, but its token's scopes do not say so: they need "
		 "https://www.googleapis.com/auth/compute or .../cloud-platform"},
		{403, "accessNotConfigured",
		 "gcloud services enable compute.googleapis.com switches the API on"},
		{403, "rateLimitExceeded",
		 "requests are counted per minute and project: try again in a minute"},
		{403, "quotaExceeded",
		 "delete routes that nobody needs, or ask for a higher quota of this project"},
		{403, "",
		 "the account needs compute.routes.create, .delete, .get and .list, "
		 "compute.networks.updatePolicy, compute.instances.get and .use, and "
		 "compute.globalOperations.get (roles/compute.networkAdmin has them)"},
		{400, "resourceNotReady", "something that it needs is still being made"},
		{400, "resourceInUseByAnotherResource", "something else still uses it"},
		{412, "", "somebody else has changed it meanwhile: try again"},
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (hints[i].status == r->status &&
		    (!*hints[i].reason || strcmp(hints[i].reason, r->reason) == 0))
			return hints[i].hint;
	return r->status >= 500 ? "this is a trouble of the service: try again later" : "";
}
