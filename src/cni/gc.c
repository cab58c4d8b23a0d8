#include "cni/gc.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"

static struct {
	void (*tell)(const char *what, void *arg);
	void *arg;
	bool dry;
} listener;

void cni_gc_listen(void (*tell)(const char *what, void *arg), void *arg, bool dry)
{
	listener.tell = tell;
	listener.arg = arg;
	listener.dry = dry;
}

bool cni_gc_removes(const char *fmt, ...)
{
	char what[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (listener.tell)
		listener.tell(what, listener.arg);
	if (!listener.dry)
		log_line("GC: removing %s", what);
	return !listener.dry;
}

int cni_gc_begin(struct cni_gc *g, const struct cni_request *rq, struct err *e)
{
	g->network = rq->network;
	if (cni_attachments_read(&g->valid, rq, e))
		return -1;
	g->tags = arena_take((g->valid.count + 1) * sizeof(*g->tags), e);
	if (!g->tags)
		return -1;
	for (unsigned i = 0; i < g->valid.count; i++) {
		struct owner owner = {rq->network, g->valid.item[i].container_id,
				      g->valid.item[i].ifname};

		g->tags[i] = owner_tag(&owner);
	}
	return 0;
}

static bool choose(const struct owner_tag *tag, const char *text, void *arg)
{
	const struct cni_gc *g = arg;

	if (!owner_tag_of_network(tag, g->network))
		return false;
	for (unsigned i = 0; i < g->valid.count; i++)
		if (owner_tag_equal(tag, &g->tags[i]))
			return false;
	return cni_gc_removes("%s", text);
}

bool cni_gc_keeps_container(const char *container_id, void *arg)
{
	const struct cni_gc *g = arg;

	return cni_attachments_have(&g->valid, container_id, "") ||
	       !cni_gc_removes("rules of a reference plugin, container %s in network %s",
			       container_id, g->network);
}

struct owner_choice cni_gc_choice(struct cni_gc *g)
{
	return (struct owner_choice){choose, g, NULL};
}
