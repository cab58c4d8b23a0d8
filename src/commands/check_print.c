/* cni-check tells what it found: a table for people, JSON for programs. */
#include "base/arena.h"
#include "base/say.h"
#include "commands/check.h"
#include "json/writer.h"

/* Of a finding, in its longest form: every byte may be escaped. */
#define JSON_MAX (1u << 20)

static const char *const kind_words[CHECK_KINDS] = {
	[CHECK_OWN_HOST] = "own host",
	[CHECK_OTHER_HOST] = "different host",
	[CHECK_OWN_POD] = "own container",
	[CHECK_POD_HERE] = "a different container on the same host",
	[CHECK_POD_ELSEWHERE] = "a container on a different host",
	[CHECK_OUTSIDE] = "any external address",
};

/* The same in JSON, fixed for programs. */
static const char *const kind_keys[CHECK_KINDS] = {
	[CHECK_OWN_HOST] = "own-host",
	[CHECK_OTHER_HOST] = "other-host",
	[CHECK_OWN_POD] = "own-pod",
	[CHECK_POD_HERE] = "pod-here",
	[CHECK_POD_ELSEWHERE] = "pod-elsewhere",
	[CHECK_OUTSIDE] = "outside",
};

static bool explains_a_ping(const struct check *c, const struct check_finding *f)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->target[i].why == f)
			return true;
	return false;
}

void check_print_table(const struct check *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		const struct check_target *t = &c->target[i];
		char text[IP_TEXT];

		say("ping %-16s  %s ping %s", ip_format(text, &c->ping[i].to),
		    c->ping[i].answered ? "Can" : "Can't", kind_words[t->kind]);
		if (c->ping[i].answered)
			say("  (%u.%03u ms)", c->ping[i].rtt_us / 1000, c->ping[i].rtt_us % 1000);
		say("\n");
		if (t->why)
			say("    why:  %s\n    mend: %s\n", t->why->cause, t->why->fix);
	}
	for (unsigned i = 0; i < c->findings; i++) {
		if (explains_a_ping(c, &c->finding[i]))
			continue;
		say("found: %s\n    mend: %s\n", c->finding[i].cause, c->finding[i].fix);
	}
	if (!c->count && !c->findings)
		say("nothing wrong is to be seen on this node\n");
}

static void put_ping(struct out *w, const struct check_target *t, const struct ping *p)
{
	char text[IP_TEXT];

	out_str(w, "kind", kind_keys[t->kind]);
	out_str(w, "target", kind_words[t->kind]);
	out_str(w, "address", ip_format(text, &p->to));
	out_bool(w, "answered", p->answered);
	if (p->answered) {
		out_u64(w, "rtt_us", p->rtt_us);
		out_bool(w, "fullSize", !t->too_big);
	}
	if (t->why) {
		out_str(w, "code", t->why->code);
		out_str(w, "cause", t->why->cause);
		out_str(w, "fix", t->why->fix);
	}
}

static void put_finding(struct out *w, const struct check *c, const struct check_finding *f)
{
	char text[IP_TEXT];

	out_str(w, "code", f->code);
	if (f->family)
		out_str(w, "family", f->family == 6 ? "IPv6" : "IPv4");
	out_str(w, "cause", f->cause);
	out_str(w, "fix", f->fix);
	out_array(w, "targets")
		for (unsigned i = 0; i < c->count; i++)
			if (c->target[i].why == f)
				out_str(w, NULL, ip_format(text, &c->ping[i].to));
}

int check_print_json(const struct check *c, struct err *e)
{
	char *json = arena_take(JSON_MAX, e);
	struct out w;

	if (!json)
		return -1;
	out_begin(&w, json, JSON_MAX);
	out_object(&w, NULL) {
		out_array(&w, "pings")
			for (unsigned i = 0; i < c->count; i++)
				out_object(&w, NULL)
					put_ping(&w, &c->target[i], &c->ping[i]);
		out_array(&w, "findings")
			for (unsigned i = 0; i < c->findings; i++)
				out_object(&w, NULL)
					put_finding(&w, c, &c->finding[i]);
	}
	if (out_end(&w, e))
		return -1;
	say_text(json);
	return 0;
}
