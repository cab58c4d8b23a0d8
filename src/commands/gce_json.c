#include "commands/gce_json.h"

#include <string.h>

#include "base/say.h"

struct json gce_json_next(struct json obj, const char *after)
{
	struct json least = {.tok = -1};
	const char *least_name = NULL;

	for (struct json m = json_first_member(obj); m.tok >= 0; m = json_next_member(m)) {
		const char *name = json_name(m);

		if (after && strcmp(name, after) <= 0)
			continue;
		if (least_name && strcmp(name, least_name) >= 0)
			continue;
		least = m;
		least_name = name;
	}
	return least;
}

static void new_line(unsigned indent)
{
	say_text("\n");
	for (unsigned i = 0; i < indent; i++)
		say_text(" ");
}

static void say_object(struct json v, unsigned indent)
{
	bool first = true;

	say_text("{");
	for (struct json m = gce_json_next(v, NULL); m.tok >= 0;
	     m = gce_json_next(v, json_name(m))) {
		say_text(first ? "" : ",");
		new_line(indent + 2);
		say("\"%s\": ", json_name(m));
		gce_json_say(m, indent + 2);
		first = false;
	}
	if (!first)
		new_line(indent);
	say_text("}");
}

static void say_array(struct json v, unsigned indent)
{
	bool first = true;

	say_text("[");
	json_each(one, v) {
		say_text(first ? "" : ",");
		new_line(indent + 2);
		gce_json_say(one, indent + 2);
		first = false;
	}
	if (!first)
		new_line(indent);
	say_text("]");
}

void gce_json_say(struct json v, unsigned indent)
{
	const char *raw;
	size_t n;

	switch (json_type(v)) {
	case JSON_OBJECT:
		say_object(v, indent);
		return;
	case JSON_ARRAY:
		say_array(v, indent);
		return;
	case JSON_STRING:
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_ABSENT:
		raw = json_raw(v, &n);
		say_bytes(raw, n);
		return;
	}
}
