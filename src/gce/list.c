#include "gce/list.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "gce/call.h"
#include "http/url.h"

#define PAGE	       "500" /* the most that the API gives at once */
#define NAME_MAX_BYTES 64

enum want {
	ITEM,
	NEXT_PAGE,
};

struct list {
	int (*each)(void *context, struct json item, struct err *e);
	void *context;
	char next[1024];	   /* the next page's token */
	unsigned given, seen;	   /* items of this page: given on; read in this try */
	char last[NAME_MAX_BYTES]; /* the name of the one given last */
};

/*
 * Items that were given on before the answer broke off are passed over, by their number. That they
 * are still the same ones the last one tells: a list may change meanwhile.
 */
static int take_item(struct list *l, struct json item, struct err *e)
{
	const char *name = json_str(json_get(item, "name"), "");

	if (e->code)
		return -1;
	l->seen++;
	if (l->seen == l->given && strcmp(name, l->last) != 0)
		return err_set(e, ERR_TRY_AGAIN, NULL, "the list changed while it was read");
	if (l->seen <= l->given)
		return 0;
	l->given++;
	snprintf(l->last, sizeof(l->last), "%s", name);
	return l->each(l->context, item, e);
}

static int take(void *context, unsigned want, const char *text, size_t len, struct err *e)
{
	struct list *l = context;
	size_t mark = arena_mark();
	struct json v = json_open(text, len, want == ITEM ? "an item" : "the page's token", e);
	int result = 0;

	if (e->code)
		return -1;
	if (want == ITEM) {
		result = take_item(l, v, e);
	} else {
		const char *token = json_str(v, "");

		if (e->code || strlen(token) >= sizeof(l->next))
			result = err_set(e, ERR_STATE, NULL, "the page's token is too long");
		else
			snprintf(l->next, sizeof(l->next), "%s", token);
	}
	arena_back(mark);
	return result;
}

static void again(void *context)
{
	struct list *l = context;

	l->seen = 0;
	l->next[0] = '\0';
}

static int one_page(struct gce *g, struct list *l, const char *collection, const char *filter,
		    struct err *e)
{
	static const struct json_want wants[] = {
		[ITEM] = {"items", true}, [NEXT_PAGE] = {"nextPageToken", false}};
	char doing[64], path[64], query[URL_MAX];
	struct gce_request rq = {.doing = doing,
				 .method = "GET",
				 .path = path,
				 .query = query,
				 .wants = wants,
				 .want_count = ARRAY_SIZE(wants),
				 .take = take,
				 .again = again,
				 .context = l};
	struct gce_answer a;
	size_t n = (size_t)snprintf(query, sizeof(query), "maxResults=" PAGE);

	snprintf(doing, sizeof(doing), "list the %s", collection);
	snprintf(path, sizeof(path), "/global/%s", collection);
	if (*l->next) {
		n += (size_t)snprintf(query + n, sizeof(query) - n, "&pageToken=");
		n += url_escape(query + n, sizeof(query) - n, l->next);
	}
	if (filter && n < sizeof(query)) {
		n += (size_t)snprintf(query + n, sizeof(query) - n, "&filter=");
		if (n < sizeof(query))
			n += url_escape(query + n, sizeof(query) - n, filter);
	}
	if (n >= sizeof(query))
		return err_set(e, ERR_USAGE, doing, "the filter is too long");
	l->next[0] = '\0';
	l->given = l->seen = 0;
	return gce_call(g, &rq, &a, e);
}

int gce_list(struct gce *g, const char *collection, const char *filter,
	     int (*each)(void *context, struct json item, struct err *e), void *context,
	     struct err *e)
{
	struct list l = {.each = each, .context = context};

	do {
		if (one_page(g, &l, collection, filter, e))
			return -1;
	} while (*l.next);
	return 0;
}
