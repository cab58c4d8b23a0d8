/*
 * What the GC of every plugin has in common: whose things are kept, and a word before each removal.
 */
#ifndef CNI_GC_H
#define CNI_GC_H

#include "cni/plugin.h"
#include "netfilter/owner.h"

/* The attachments that a GC must keep, and the network that it is about. */
struct cni_gc {
	const char *network;
	struct cni_attachments valid;
	struct owner_tag *tags; /* of those; in the arena */
};

/* Read cni.dev/valid-attachments. Gives 0, or -1 with e set (cni_attachments_read). */
int cni_gc_begin(struct cni_gc *g, const struct cni_request *rq, struct err *e) must_check;

/* Chooses what is the network's and no valid attachment's, with cni_gc_removes for each. */
struct owner_choice cni_gc_choice(struct cni_gc *g);

/*
 * Is there a valid attachment of that container, whichever interface? arg is a struct cni_gc. For what
 * the reference plugins made (netfilter/reference_collect.h); cni_gc_removes for each that is not kept.
 */
bool cni_gc_keeps_container(const char *container_id, void *arg);

/* GC is about to remove that: logs it. Gives false where it must stay: cni-gc --dry-run. */
bool cni_gc_removes(const char *fmt, ...) print_format(1, 2);

/*
 * Have cni_gc_removes tell of each thing.
 *
 * tell  called with it in words, valid during the call
 * dry   nothing is removed
 */
void cni_gc_listen(void (*tell)(const char *what, void *arg), void *arg, bool dry);

#endif
