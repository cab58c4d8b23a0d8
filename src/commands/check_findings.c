/* The findings of cni-check: noting them, and the words that many of them need. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "commands/check.h"

struct check_finding *check_found(struct check *c, const char *code, unsigned kinds, uint8_t family,
				  const char *fix, const char *fmt, ...)
{
	static struct check_finding beyond; /* more than anybody reads */
	struct check_finding *f =
		c->findings < CHECK_FINDINGS_MAX ? &c->finding[c->findings] : &beyond;
	va_list ap;

	*f = (struct check_finding){.code = code, .kinds = kinds, .family = family};
	va_start(ap, fmt);
	vsnprintf(f->cause, sizeof(f->cause), fmt, ap);
	va_end(ap);
	snprintf(f->fix, sizeof(f->fix), "%s", fix);
	for (unsigned i = 0; i < c->findings; i++) {
		if (strcmp(c->finding[i].code, code) == 0 &&
		    strcmp(c->finding[i].cause, f->cause) == 0 &&
		    strcmp(c->finding[i].fix, f->fix) == 0) {
			c->finding[i].kinds |= kinds;
			return &c->finding[i];
		}
	}
	if (f != &beyond)
		c->findings++;
	return f;
}

bool check_has(const struct check *c, const char *code, uint8_t family)
{
	for (unsigned i = 0; i < c->findings; i++)
		if (strcmp(c->finding[i].code, code) == 0 &&
		    (!c->finding[i].family || c->finding[i].family == family))
			return true;
	return false;
}

const char *check_node_up(const struct check *c, char text[static CHECK_FIX])
{
	if (c->conf)
		snprintf(text, CHECK_FIX, "cni-node up --conf %s", c->conf);
	else
		snprintf(text, CHECK_FIX, "cni-node up");
	return text;
}

const char *check_in_pod(const struct check *c, char text[static CHECK_FIX], const char *fmt, ...)
{
	int n = snprintf(text, CHECK_FIX, "nsenter --net=%s ", c->netns_path);
	va_list ap;

	if (n < 0 || n >= CHECK_FIX)
		return text;
	va_start(ap, fmt);
	vsnprintf(text + n, CHECK_FIX - (size_t)n, fmt, ap);
	va_end(ap);
	return text;
}

bool check_passed(const struct check *c, unsigned i)
{
	return c->ping[i].answered && !c->target[i].too_big;
}

bool check_any_passed(const struct check *c, unsigned kinds, uint8_t family)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->ping[i].answered && CHECK_BIT(c->target[i].kind) & kinds &&
		    c->ping[i].to.family == family)
			return true;
	return false;
}

bool check_any_silent(const struct check *c, unsigned kinds, uint8_t family)
{
	for (unsigned i = 0; i < c->count; i++)
		if (!c->ping[i].answered && CHECK_BIT(c->target[i].kind) & kinds &&
		    c->ping[i].to.family == family)
			return true;
	return false;
}
