#include "commands/gce_yaml.h"

#include <string.h>
#include <strings.h>

#include "base/say.h"
#include "commands/gce_json.h"

static bool is_word_of_yaml(const char *text)
{
	static const char *const words[] = {"~",  "null", "true", "false", "yes", "no",
					    "on", "off",  "y",	  "n",	   "=",	  "<<"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* "12", "1.5", "1e3", "0x1f", "1:20" and "2026-11-26...": not "10.0.0.1" or "10.0.0.0/8". */
static bool is_number_or_date(const char *text)
{
	static const char of_numbers[] = "0123456789abcdefABCDEFxo._+-:TZ ";
	unsigned dots = 0;

	text += strspn(text, "+-.");
	if (*text < '0' || *text > '9' || text[strspn(text, of_numbers)])
		return false;
	for (const char *p = text; *p; p++)
		dots += *p == '.';
	return dots < 2;
}

bool gce_yaml_wants_quotes(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || strchr("-?:,.[]{}#&*!|>'\"%@` ", *text) || is_word_of_yaml(text) ||
	    is_number_or_date(text) || text[n - 1] == ' ' || text[n - 1] == ':')
		return true;
	return strstr(text, ": ") || strstr(text, " #");
}

static bool is_plain_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static void say_string(struct json v)
{
	const char *text = json_str(v, ""), *raw;
	size_t n;

	if (!is_plain_ascii(text)) { /* in JSON's own form, which YAML 1.2 has, too */
		raw = json_raw(v, &n);
		say_bytes(raw, n);
		return;
	}
	if (!gce_yaml_wants_quotes(text)) {
		say_text(text);
		return;
	}
	say_text("'");
	for (; *text; text++) {
		say_bytes(text, 1);
		if (*text == '\'')
			say_text("'");
	}
	say_text("'");
}

static void indent(unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		say_text("  ");
}

static void say_value(struct json v, unsigned depth);

/* The first member stands behind "- " where the object is an element. */
static void say_object(struct json v, unsigned depth, bool inline_first)
{
	for (struct json m = gce_json_next(v, NULL); m.tok >= 0;
	     m = gce_json_next(v, json_name(m))) {
		if (!inline_first)
			indent(depth);
		inline_first = false;
		say_text(json_name(m));
		say_text(":");
		say_value(m, depth);
	}
}

static void say_array(struct json v, unsigned depth)
{
	json_each(one, v) {
		indent(depth);
		say_text("-");
		if (json_type(one) == JSON_OBJECT && json_first_member(one).tok >= 0) {
			say_text(" ");
			say_object(one, depth + 1, true);
		} else {
			say_value(one, depth);
		}
	}
}

/* Behind "name:" or "-": a blank and a scalar, or lines below. */
static void say_value(struct json v, unsigned depth)
{
	const char *raw;
	size_t n;

	switch (json_type(v)) {
	case JSON_OBJECT:
		if (json_first_member(v).tok < 0) {
			say_text(" {}\n");
			return;
		}
		say_text("\n");
		say_object(v, depth + 1, false);
		return;
	case JSON_ARRAY:
		if (json_first(v).tok < 0) {
			say_text(" []\n");
			return;
		}
		say_text("\n");
		say_array(v, depth);
		return;
	case JSON_STRING:
		say_text(" ");
		say_string(v);
		say_text("\n");
		return;
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_ABSENT:
		raw = json_raw(v, &n);
		say_text(" ");
		say_bytes(raw, n);
		say_text("\n");
		return;
	}
}

void gce_yaml_say(struct json v)
{
	say_object(v, 0, false);
}
