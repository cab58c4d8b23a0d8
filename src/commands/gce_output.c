#include "commands/gce_output.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/say.h"
#include "commands/gce_json.h"
#include "commands/gce_yaml.h"
#include "gce/call.h"
#include "gce/route.h"

/* Bytes of a table, which is said at its end, when its widths are known: 40,000 routes and more. */
#define ROWS_MAX (4u << 20)

#define NEXT_HOP "NEXT_HOP" /* the column that gcloud makes of several fields */
#define ROUTE_FIELDS                                                                               \
	"name,network.basename(),"                                                                 \
	"destRange," NEXT_HOP ",priority"
#define BASENAME ".basename()"

static char rows[ROWS_MAX];
static size_t rows_used;

static int parse_fields(struct gce_output *o, const char *text, struct err *e)
{
	size_t at = 0;

	o->fields_count = 0;
	while (*text && *text != ')') {
		size_t n = strcspn(text, ",)");
		char *field = o->fields + at;

		/* A pair of brackets inside, as in basename(). */
		if (n > 0 && text[n] == ')' && text[n - 1] == '(')
			n++;
		if (n == 0 || at + n + 1 > sizeof(o->fields) || o->fields_count == GCE_COLUMNS_MAX)
			return err_set(e, ERR_USAGE, NULL, "--format: no fields, or too many");
		memcpy(field, text, n);
		field[n] = '\0';
		if (strchr(field, '(') &&
		    (n <= strlen(BASENAME) || strcmp(field + n - strlen(BASENAME), BASENAME) != 0))
			return err_set(e, ERR_USAGE, NULL,
				       "--format: of '%s' only basename() is known here", field);
		o->field[o->fields_count++] = field;
		at += n + 1;
		text += n + (text[n] == ',');
	}
	return o->fields_count ? 0 : err_set(e, ERR_USAGE, NULL, "--format names no field");
}

/* Its name in the head of a table: destRange is DEST_RANGE. */
static void head_of(char *out, size_t size, const char *field)
{
	size_t n = 0;

	for (const char *p = field; *p && *p != '(' && n + 2 < size; p++) {
		if (strcmp(p, BASENAME) == 0)
			break;
		if (*p >= 'A' && *p <= 'Z' && p > field && p[-1] >= 'a' && p[-1] <= 'z')
			out[n++] = '_';
		out[n++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p == '.' ? '_' : *p);
	}
	out[n] = '\0';
}

int gce_output_begin(struct gce_output *o, const char *format, const char *usual, bool one,
		     struct err *e)
{
	const char *word = format ? format : usual;
	char head[64];

	memset(o, 0, sizeof(*o));
	o->one = one;
	rows_used = 0;
	if (strcmp(word, "json") == 0) {
		o->format = GCE_JSON;
	} else if (strcmp(word, "yaml") == 0) {
		o->format = GCE_YAML;
	} else if (strncmp(word, "value(", 6) == 0) {
		o->format = GCE_VALUE;
		return parse_fields(o, word + 6, e);
	} else if (strcmp(word, "table") == 0 || strncmp(word, "table(", 6) == 0) {
		if (parse_fields(o, word[5] ? word + 6 : ROUTE_FIELDS, e))
			return -1;
		for (unsigned i = 0; i < o->fields_count; i++) {
			head_of(head, sizeof(head), o->field[i]);
			o->width[i] = strlen(head);
		}
	} else {
		return err_set(e, ERR_USAGE, NULL,
			       "--format is table, table(FIELD,...), json, yaml or "
			       "value(FIELD,...), not '%s'",
			       word);
	}
	return 0;
}

struct json gce_field(struct json v, const char *field, struct err *e)
{
	while (*field) {
		size_t n = strcspn(field, ".");
		char *name = arena_text(field, n, e);

		if (!name)
			return (struct json){.tok = -1};
		if (json_type(v) == JSON_ARRAY)
			v = json_first(v);
		if (json_type(v) != JSON_OBJECT)
			return (struct json){.tok = -1};
		v = json_get(v, name);
		field += n + (field[n] == '.');
	}
	return v;
}

/* Where packets go: the instance with its zone, or whatever the last part is. */
static const char *next_hop(struct json v, struct err *e)
{
	struct gce_route r;
	const char *zone;

	if (gce_route_read(&r, v, e))
		return "";
	zone = strstr(r.hop, "/zones/");
	if (zone)
		return zone + strlen("/zones/");
	zone = strstr(r.hop, "/regions/");
	return zone ? zone + strlen("/regions/") : gce_basename(r.hop);
}

/* The text of a scalar, or of a list's scalars between semicolons; in the arena. */
static const char *text_of(struct json v, struct err *e)
{
	const char *raw;
	size_t n;

	if (json_type(v) == JSON_STRING)
		return json_str(v, "");
	if (json_type(v) == JSON_ARRAY) {
		const char *text = "";

		json_each(one, v) {
			const char *next = text_of(one, e);

			text = *text ? arena_format(e, "%s;%s", text, next) : next;
			if (!text)
				return "";
		}
		return text;
	}
	if (!json_present(v))
		return "";
	raw = json_raw(v, &n);
	raw = arena_text(raw, n, e);
	return raw ? raw : "";
}

static const char *cell(struct json v, const char *field, struct err *e)
{
	size_t n = strlen(field), suffix = strlen(BASENAME);
	const char *text;
	char *name;

	if (strcmp(field, NEXT_HOP) == 0)
		return next_hop(v, e);
	if (n <= suffix || strcmp(field + n - suffix, BASENAME) != 0)
		return text_of(gce_field(v, field, e), e);
	name = arena_text(field, n - suffix, e);
	text = name ? text_of(gce_field(v, name, e), e) : "";
	return gce_basename(text);
}

static int add_row(struct gce_output *o, struct json v, struct err *e)
{
	for (unsigned i = 0; i < o->fields_count; i++) {
		const char *text = cell(v, o->field[i], e);
		size_t n = strlen(text);

		if (n + 1 > ROWS_MAX - rows_used)
			return err_set(
				e, ERR_INTERNAL, "print a table",
				"it has more than %u bytes; --format=value(...) has no bound",
				ROWS_MAX);
		memcpy(rows + rows_used, text, n + 1);
		rows_used += n + 1;
		if (n > o->width[i])
			o->width[i] = n;
	}
	return e->code ? -1 : 0;
}

int gce_output_item(struct gce_output *o, struct json v, struct err *e)
{
	switch (o->format) {
	case GCE_TABLE:
		if (add_row(o, v, e))
			return -1;
		break;
	case GCE_VALUE:
		for (unsigned i = 0; i < o->fields_count; i++) {
			say_text(i ? "\t" : "");
			say_text(cell(v, o->field[i], e));
		}
		say_text("\n");
		break;
	case GCE_JSON:
		if (!o->one)
			say_text(o->said ? ",\n  " : "[\n  ");
		gce_json_say(v, o->one ? 0 : 2);
		if (o->one)
			say_text("\n");
		break;
	case GCE_YAML:
		say_text(o->one ? "" : "---\n");
		gce_yaml_say(v);
		break;
	}
	o->said++;
	return e->code ? -1 : 0;
}

/* Two blanks between columns; none at the end of a line. */
static void say_cell(const struct gce_output *o, unsigned column, const char *text)
{
	size_t n = strlen(text);
	bool last = column + 1 == o->fields_count;

	say_text(text);
	for (size_t i = last ? n : 0; !last && i < o->width[column] + 2 - n; i++)
		say_text(" ");
	if (last)
		say_text("\n");
}

void gce_output_end(struct gce_output *o)
{
	const char *text = rows;
	char head[64];

	if (o->format == GCE_JSON && !o->one)
		say_text(o->said ? "\n]\n" : "[]\n");
	if (o->format != GCE_TABLE || !o->said)
		return;
	for (unsigned i = 0; i < o->fields_count; i++) {
		head_of(head, sizeof(head), o->field[i]);
		say_cell(o, i, head);
	}
	for (size_t row = 0; row < o->said; row++)
		for (unsigned i = 0; i < o->fields_count; i++) {
			say_cell(o, i, text);
			text += strlen(text) + 1;
		}
}
