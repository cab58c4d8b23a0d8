#include "commands/gce_filter.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "commands/gce_output.h"
#include "gce/call.h"

static bool is_of_field(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

/* Gives the operator's first character, and its length; 0 if there is none. */
static char operator_at(const char *p, size_t *n)
{
	*n = 1;
	if (*p == '=' || *p == ':' || *p == '~')
		return *p;
	if (*p == '!' && p[1] == '=') {
		*n = 2;
		return '!';
	}
	return 0;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\n");
}

/* A value, up to a blank or in quotes; *p goes behind it. NULL with e set. */
static const char *value_at(const char **p, struct err *e)
{
	const char *start = *p;
	size_t n;

	if (*start == '"' || *start == '\'') {
		const char *end = strchr(start + 1, *start);

		if (!end) {
			err_set(e, ERR_USAGE, NULL, "--filter: a quote is not closed");
			return NULL;
		}
		*p = end + 1;
		return arena_text(start + 1, (size_t)(end - start) - 1, e);
	}
	n = strcspn(start, " \t\n");
	*p = start + n;
	return arena_text(start, n, e);
}

static int add(struct gce_filter *f, const char *field, char op, const char *value, struct err *e)
{
	if (op == '~') {
		if (f->server)
			return err_set(e, ERR_USAGE, NULL, "--filter: one term with ~ is all");
		f->server = arena_format(e, "%s eq \".*(%s).*\"", field, value);
		return f->server ? 0 : -1;
	}
	if (f->terms == GCE_TERMS_MAX)
		return err_set(e, ERR_USAGE, NULL, "--filter: more than %d terms", GCE_TERMS_MAX);
	f->term[f->terms++] = (struct gce_term){.field = field, .value = value, .op = op};
	return 0;
}

int gce_filter_parse(struct gce_filter *f, const char *text, struct err *e)
{
	*f = (struct gce_filter){0};
	text = skip_blanks(text ? text : "");
	while (*text) {
		const char *field = text, *value;
		size_t n;
		char op;

		if (f->terms + !!f->server > 0 && strncmp(text, "AND", 3) == 0 &&
		    !is_of_field(text[3]))
			field = text = skip_blanks(text + 3);
		while (is_of_field(*text))
			text++;
		field = arena_text(field, (size_t)(text - field), e);
		text = skip_blanks(text);
		op = operator_at(text, &n);
		if (!field || !*field || !op)
			return err_set(e, ERR_USAGE, NULL,
				       "--filter: want FIELD=VALUE, FIELD!=VALUE, FIELD:VALUE or "
				       "FIELD~REGEX, with AND between, at '%s'",
				       text);
		text = skip_blanks(text + n);
		value = value_at(&text, e);
		if (!value || add(f, field, op, value, e))
			return -1;
		text = skip_blanks(text);
	}
	return 0;
}

static bool is_of_word(char c)
{
	return is_of_field(c) && c != '.';
}

/* Is value a word of text, or, with a star behind it, the beginning of one? */
static bool has_word(const char *text, const char *value)
{
	size_t n = strlen(value);
	bool begins = n > 0 && value[n - 1] == '*';

	n -= begins;
	for (const char *p = text; *p; p++) {
		if (strncasecmp(p, value, n) != 0 || (p > text && is_of_word(p[-1])))
			continue;
		if (begins || !is_of_word(p[n]))
			return true;
	}
	return n == 0;
}

/* A scalar as text; in the arena. */
static const char *scalar(struct json v, struct err *e)
{
	const char *raw;
	size_t n;

	if (json_type(v) == JSON_STRING)
		return json_str(v, "");
	if (!json_present(v))
		return "";
	raw = json_raw(v, &n);
	raw = arena_text(raw, n, e);
	return raw ? raw : "";
}

static bool fits(const struct gce_term *t, const char *text)
{
	if (t->op == ':')
		return has_word(text, t->value);
	return strcmp(text, t->value) == 0 ||
	       (!strchr(t->value, '/') && strcmp(gce_basename(text), t->value) == 0 &&
		strncmp(text, "https://", 8) == 0);
}

static bool term_match(const struct gce_term *t, struct json item, struct err *e)
{
	struct json v = gce_field(item, t->field, e);
	bool found = false;

	if (json_type(v) == JSON_ARRAY) {
		json_each(one, v)
			found = found || fits(t, scalar(one, e));
	} else {
		found = fits(t, scalar(v, e));
	}
	return found != (t->op == '!');
}

bool gce_filter_match(const struct gce_filter *f, struct json item, struct err *e)
{
	for (unsigned i = 0; i < f->terms; i++)
		if (!term_match(&f->term[i], item, e))
			return false;
	return true;
}
