#include "gce/metadata.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "gce/retry.h"

#define HOST	   "169.254.169.254" /* not its name: no DNS is needed */
#define PREFIX	   "/computeMetadata/v1/"
#define CONNECT_MS 2000
#define ANSWER_MS  5000

struct text {
	char *out;
	size_t size, len;
};

static int collect(void *context, const char *bytes, size_t n, struct err *e)
{
	struct text *t = context;

	if (n >= t->size - t->len)
		return err_set(e, ERR_STATE, NULL, "the answer is longer than %zu bytes", t->size);
	memcpy(t->out + t->len, bytes, n);
	t->len += n;
	return 0;
}

/* What the machine's maker says of it. */
static bool on_google(void)
{
	char product[64];

	return file_read(AT_FDCWD, "/sys/class/dmi/id/product_name", product, sizeof(product)) >
		       0 &&
	       strncmp(product, "Google", 6) == 0;
}

/* One try. Gives 1, 0 (not defined), or -1 with e set and *verdict. */
static int ask(struct gce *g, const char *url, struct text *t, enum gce_verdict *verdict,
	       struct err *e)
{
	static const struct http_header headers[] = {{"Metadata-Flavor", "Google"}, {0}};
	const struct http_request rq = {.method = "GET",
					.url = url,
					.headers = headers,
					.timeout_ms = ANSWER_MS,
					.connect_ms = CONNECT_MS,
					.direct = true};
	struct http_field flavor = {.name = "Metadata-Flavor"};
	struct http_response rs = {
		.fields = &flavor, .field_count = 1, .sink = collect, .context = t};

	t->len = 0;
	*verdict = GCE_AGAIN;
	if (http_do(g->http, &rq, &rs, e)) {
		if (e->code != ERR_TRY_AGAIN)
			*verdict = GCE_FINAL;
		return -1;
	}
	if (rs.status >= 300 && rs.status != 404) {
		*verdict = gce_judge(rs.status, "");
		return err_set(e, *verdict == GCE_AGAIN ? ERR_TRY_AGAIN : ERR_STATE, NULL,
			       "%s: HTTP status %u", url, rs.status);
	}
	if (strcmp(flavor.value, "Google") != 0) {
		*verdict = GCE_FINAL;
		err_set(e, ERR_STATE, NULL, "%s: the answer has no header Metadata-Flavor: Google",
			url);
		err_hint(e, "something else answers there: a proxy, or a portal to log in at");
		return -1;
	}
	while (t->len > 0 && strchr(" \r\n", t->out[t->len - 1]))
		t->len--;
	t->out[t->len] = '\0';
	return rs.status == 404 ? 0 : 1;
}

static void hint_credentials(struct err *e)
{
	err_hint(e, "if this is no instance of Compute Engine, name credentials: "
		    "GOOGLE_APPLICATION_CREDENTIALS or CLOUDSDK_AUTH_ACCESS_TOKEN_FILE, and "
		    "--project");
}

int gce_metadata(struct gce *g, const char *path, char *out, size_t size, struct err *e)
{
	const char *host = getenv("GCE_METADATA_HOST");
	bool told = host && *host, expected = told || on_google();
	struct text t = {.out = out, .size = size};
	enum gce_verdict verdict;
	char url[512];
	int result;

	if (snprintf(url, sizeof(url), "http://%s" PREFIX "%s", told ? host : HOST, path) >=
	    (int)sizeof(url))
		return err_set(e, ERR_ENV, NULL, "GCE_METADATA_HOST is too long");
	for (unsigned next = 2;; next++) {
		result = ask(g, url, &t, &verdict, e);
		if (result >= 0)
			return result;
		/* Where it need not be there, silence is an answer. */
		if (!expected && verdict == GCE_AGAIN)
			break;
		if (gce_try_again(verdict, next, 0, g->until, e))
			break;
	}
	err_prefix(e, "ask the metadata server");
	if (!expected)
		hint_credentials(e);
	return -1;
}

int gce_metadata_need(struct gce *g, const char *path, char *out, size_t size, struct err *e)
{
	int found = gce_metadata(g, path, out, size, e);

	if (found < 0)
		return -1;
	return found ? 0
		     : err_set(e, ERR_STATE, "ask the metadata server", "%s is not defined", path);
}
