/*
 * The runtime's result cache: what libcni keeps of each attachment that it has made, until the DEL
 * (CACHE/results/NETWORK-CONTAINERID-IFNAME). containerd, CRI-O, nerdctl and podman all have it.
 */
#ifndef CNI_CACHE_H
#define CNI_CACHE_H

#include <stdbool.h>

#include "base/err.h"

#define CACHE_DIR "/var/lib/cni"

/*
 * An attachment. Texts are in the arena. The cache of a very old libcni says neither container nor
 * interface but in the file's name, which can be read in several ways: then file is that name.
 */
struct cached {
	const char *network, *container_id, *ifname; /* "": see file */
	const char *file;
	bool live; /* its namespace is there, or it is not known which one it is */
};

struct cache {
	struct cached *list; /* in the arena */
	unsigned count, room;
};

/*
 * Add what the cache at dir holds. Gives 0 (also where there is none), or -1 with e set (ERR_IO):
 * then who is alive is not known.
 */
int cache_read(struct cache *c, const char *dir, struct err *e) must_check;

#endif
