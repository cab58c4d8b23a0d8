#include "json/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "json/grammar.h"
#include "json/unescape.h"

/* Not JSMN_STRICT: the grammar is checked already, and strict jsmn refuses the document "1". */
#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#include <jsmn.h>

#define SHOWN_MAX 60 /* bytes of an offending value that a message quotes */

/*
 * Distinct names of absent values that messages can tell apart: the largest reader asks for 20.
 * json.sought holds the index of the name in its low bits and the parent's token above them.
 */
#define NAMES_MAX  64
#define NAMES_BITS 6
_Static_assert(JSON_TEXT_MAX < 1u << (32 - NAMES_BITS), "a token's index fits above the name's");

struct json_doc {
	const char *name[NAMES_MAX];
	unsigned names;
	const char *text;
	bool escapes; /* somewhere in the text: hardly ever */
	const char *what;
	jsmntok_t *tok;
	int count;
	struct err *err;
};

/* The index of a key's name; names are literals, so comparing pointers is enough. */
static unsigned name_index(struct json_doc *doc, const char *key)
{
	for (unsigned i = 0; i < doc->names; i++)
		if (doc->name[i] == key)
			return i;
	if (doc->names < NAMES_MAX)
		doc->names++;
	doc->name[doc->names - 1] = key;
	return doc->names - 1;
}

static struct json absent(const struct json_doc *doc, int parent, const char *key)
{
	struct json v = {.doc = doc, .tok = -1};

	/* The document itself is json_open's own, in the arena: only its readers see it const. */
	if (doc)
		v.sought = (uint32_t)(parent + 1) << NAMES_BITS |
			   name_index((struct json_doc *)(uintptr_t)doc, key);
	return v;
}

static int sought_in(struct json v)
{
	return (int)(v.sought >> NAMES_BITS) - 1;
}

static const char *sought_name(struct json v)
{
	return v.doc->name[v.sought & (NAMES_MAX - 1)];
}

static struct json present(const struct json_doc *doc, int tok)
{
	return (struct json){.doc = doc, .tok = tok};
}

static void say_where(const char *text, long offset, const char *what, const char *why,
		      struct err *e)
{
	long line = 1, column = 1;

	for (long i = 0; i < offset; i++) {
		column++;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	err_set(e, ERR_DECODE, "read JSON", "%s, line %ld, column %ld: %s", what, line, column,
		why);
}

struct json json_open(const char *text, size_t len, const char *what, struct err *e)
{
	struct json_doc *doc;
	const char *why = NULL;
	jsmn_parser parser;
	long offset;
	int count;

	if (len > JSON_TEXT_MAX) {
		err_set(e, ERR_DECODE, "read JSON", "%s is longer than %u bytes", what,
			JSON_TEXT_MAX);
		return absent(NULL, -1, "");
	}
	offset = json_grammar_fault(text, len, &why);
	if (offset >= 0) {
		say_where(text, offset, what, why, e);
		return absent(NULL, -1, "");
	}
	jsmn_init(&parser);
	count = jsmn_parse(&parser, text, len, NULL, 0);
	if (count < 1) {
		err_set(e, ERR_INTERNAL, "read JSON", "%s cannot be cut into tokens", what);
		return absent(NULL, -1, "");
	}
	doc = arena_take(sizeof(*doc), e);
	if (doc)
		doc->tok = arena_take((size_t)count * sizeof(*doc->tok), e);
	if (!doc || !doc->tok)
		return absent(NULL, -1, "");
	doc->text = text;
	doc->escapes = memchr(text, '\\', len);
	doc->what = what;
	doc->err = e;
	jsmn_init(&parser);
	doc->count = jsmn_parse(&parser, text, len, doc->tok, (unsigned)count);
	return present(doc, 0);
}

static const jsmntok_t *token(struct json v)
{
	return &v.doc->tok[v.tok];
}

enum json_type json_type(struct json v)
{
	if (!v.doc || v.tok < 0)
		return JSON_ABSENT;
	switch (token(v)->type) {
	case JSMN_OBJECT:
		return JSON_OBJECT;
	case JSMN_ARRAY:
		return JSON_ARRAY;
	case JSMN_STRING:
		return JSON_STRING;
	case JSMN_PRIMITIVE:
	case JSMN_UNDEFINED:
		break;
	}
	switch (v.doc->text[token(v)->start]) {
	case 'n':
		return JSON_ABSENT;
	case 't':
	case 'f':
		return JSON_BOOL;
	default:
		return JSON_NUMBER;
	}
}

bool json_present(struct json v)
{
	return json_type(v) != JSON_ABSENT;
}

/* The first token behind the whole value of tok; doc->count if there is none. */
static int after(const struct json_doc *doc, int tok)
{
	int end = doc->tok[tok].end;
	int next = tok + 1;

	while (next < doc->count && doc->tok[next].start < end)
		next++;
	return next;
}

/* The unescaped text of a string token, in the arena; NULL with the error set. */
static char *string_of(const struct json_doc *doc, int tok, size_t *len)
{
	const jsmntok_t *t = &doc->tok[tok];
	char *out = arena_take((size_t)(t->end - t->start) + 1, doc->err);

	if (out)
		*len = json_unescape(out, doc->text + t->start, doc->text + t->end);
	return out;
}

static bool key_matches(const struct json_doc *doc, int tok, const char *key, size_t len)
{
	const jsmntok_t *t = &doc->tok[tok];
	const char *text = doc->text + t->start;
	size_t n = (size_t)(t->end - t->start);

	if (doc->escapes && memchr(text, '\\', n))
		text = string_of(doc, tok, &n);
	return n == len && text && strncasecmp(text, key, n) == 0;
}

struct json json_get(struct json obj, const char *key)
{
	struct json found = {.tok = -1};
	size_t len = strlen(key);

	if (json_present(obj))
		for (struct json m = json_first_member(obj); m.tok >= 0; m = json_next_member(m))
			if (key_matches(obj.doc, m.tok - 1, key, len))
				found = m;
	return found.tok >= 0 ? found : absent(obj.doc, obj.tok, key);
}

struct json json_first(struct json array)
{
	if (!json_present(array))
		return absent(array.doc, array.tok, "");
	if (token(array)->type != JSMN_ARRAY) {
		json_fault(array, ERR_CONFIG, "want an array");
		return absent(array.doc, array.tok, "");
	}
	if (token(array)->size == 0)
		return absent(array.doc, array.tok, "");
	return present(array.doc, array.tok + 1);
}

struct json json_next(struct json element)
{
	const struct json_doc *doc = element.doc;
	int parent = token(element)->parent;
	int next = after(doc, element.tok);

	if (next < doc->count && doc->tok[next].parent == parent)
		return present(doc, next);
	return absent(doc, parent, "");
}

struct json json_first_member(struct json obj)
{
	if (!json_present(obj))
		return absent(obj.doc, obj.tok, "");
	if (token(obj)->type != JSMN_OBJECT) {
		json_fault(obj, ERR_CONFIG, "want an object");
		return absent(obj.doc, obj.tok, "");
	}
	if (token(obj)->size == 0)
		return absent(obj.doc, obj.tok, "");
	return present(obj.doc, obj.tok + 2); /* the key's token comes first */
}

struct json json_next_member(struct json member)
{
	const struct json_doc *doc = member.doc;
	int parent = doc->tok[member.tok - 1].parent;
	int next = after(doc, member.tok);

	if (next < doc->count && doc->tok[next].parent == parent)
		return present(doc, next + 1);
	return absent(doc, parent, "");
}

const char *json_name(struct json member)
{
	size_t len;
	const char *name = string_of(member.doc, member.tok - 1, &len);

	return name ? name : "";
}

const char *json_raw(struct json v, size_t *len)
{
	const jsmntok_t *t = token(v);
	int quote = t->type == JSMN_STRING;

	*len = (size_t)(t->end - t->start) + (quote ? 2 : 0);
	return v.doc->text + t->start - quote;
}

/* Put the path of the value at tok into out (size bytes); gives its length. */
static size_t put_path(char *out, size_t size, const struct json_doc *doc, int tok)
{
	int parent = doc->tok[tok].parent;
	const jsmntok_t *p;
	size_t n;
	int index = 0;

	if (parent < 0) {
		out[0] = '\0';
		return 0;
	}
	p = &doc->tok[parent];
	if (p->type == JSMN_STRING) { /* the key; its own parent is the object */
		n = put_path(out, size, doc, p->parent);
		n += (size_t)snprintf(out + n, size - n, "%s%.*s", n ? "." : "", p->end - p->start,
				      doc->text + p->start);
	} else {
		n = put_path(out, size, doc, parent);
		for (int i = parent + 1; i < tok; i = after(doc, i))
			index++;
		n += (size_t)snprintf(out + n, size - n, "[%d]", index);
	}
	return n < size ? n : size - 1;
}

const char *json_path(struct json v)
{
	char *out = arena_take(256, v.doc->err);
	size_t n;

	if (!out)
		return "";
	if (v.tok >= 0) {
		put_path(out, 256, v.doc, v.tok);
		return out;
	}
	n = sought_in(v) >= 0 ? put_path(out, 256, v.doc, sought_in(v)) : 0;
	snprintf(out + n, 256 - n, "%s%s", n ? "." : "", sought_name(v));
	return out;
}

int json_fault(struct json v, enum err_code code, const char *fmt, ...)
{
	const char *path;
	char want[256];
	va_list ap;
	size_t len;
	const char *raw;

	if (!v.doc || v.doc->err->code)
		return -1;
	path = json_path(v);
	va_start(ap, fmt);
	vsnprintf(want, sizeof(want), fmt, ap);
	va_end(ap);
	if (v.tok < 0)
		return err_set(v.doc->err, code, v.doc->what, "%s: %s, but it is missing", path,
			       want);
	raw = json_raw(v, &len);
	return err_set(v.doc->err, code, v.doc->what, "%s%s%s, got %.*s%s", path, *path ? ": " : "",
		       want, (int)(len < SHOWN_MAX ? len : SHOWN_MAX), raw,
		       len < SHOWN_MAX ? "" : "...");
}

const char *json_str(struct json v, const char *dflt)
{
	size_t len;
	char *text;

	if (!json_present(v))
		return dflt;
	if (json_type(v) != JSON_STRING) {
		json_fault(v, ERR_CONFIG, "want a string");
		return dflt;
	}
	text = string_of(v.doc, v.tok, &len);
	if (text && strlen(text) != len) {
		json_fault(v, ERR_CONFIG, "want a string without NUL");
		return dflt;
	}
	return text ? text : dflt;
}

bool json_bool(struct json v, bool dflt)
{
	if (!json_present(v))
		return dflt;
	if (json_type(v) != JSON_BOOL) {
		json_fault(v, ERR_CONFIG, "want true or false");
		return dflt;
	}
	return v.doc->text[token(v)->start] == 't';
}

/* Its digits as a number; false for any other value, and for one above max. */
static bool number(struct json v, uint64_t max, uint64_t *out)
{
	const jsmntok_t *t = token(v);
	uint64_t n = 0;

	if (json_type(v) != JSON_NUMBER)
		return false;
	for (int i = t->start; i < t->end; i++) {
		unsigned digit = (unsigned)(v.doc->text[i] - '0');

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

uint64_t json_u64(struct json v, uint64_t dflt, uint64_t max)
{
	uint64_t n;

	if (!json_present(v))
		return dflt;
	if (number(v, max, &n))
		return n;
	json_fault(v, ERR_CONFIG, "want a whole number from 0 to %llu", (unsigned long long)max);
	return dflt;
}

uint32_t json_u32(struct json v, uint32_t dflt, uint32_t max)
{
	return (uint32_t)json_u64(v, dflt, max);
}

bool json_ip(struct json v, struct ip *out)
{
	const char *text = json_str(v, "");

	if (!*text)
		return false;
	if (ip_parse(out, text))
		return true;
	json_fault(v, ERR_CONFIG, "want an IP address");
	return false;
}

bool json_prefix(struct json v, struct prefix *out)
{
	const char *text = json_str(v, NULL);

	if (!text)
		return false;
	if (prefix_parse(out, text))
		return true;
	json_fault(v, ERR_CONFIG, "want a range such as 10.244.0.0/24");
	return false;
}
