/*
 * A CNI plugin and the frame around it: read the request, call the verb, print result or error.
 */
#ifndef CNI_PLUGIN_H
#define CNI_PLUGIN_H

#include "cni/request.h"
#include "cni/result.h"

struct cni_plugin {
	const char *name;
	const char *log_file; /* NULL: none */
	bool refuses_get;     /* knows GET by name, to refuse it */
	bool executes;	      /* the IPAM plugin of the configuration, with all rights of its own */
	enum cni_version since; /* the first that it speaks */

	/*
	 * The verbs; each gives 0, or -1 with e set. One that is NULL is a silent success, as
	 * in the reference plugins. add leaves nothing behind when it fails; del gives 0 for
	 * what is already gone.
	 */
	int (*add)(const struct cni_request *rq, struct cni_result *rs, struct err *e);
	int (*del)(const struct cni_request *rq, struct err *e);
	int (*check)(const struct cni_request *rq, struct err *e);
	int (*gc)(const struct cni_request *rq, struct err *e);
	int (*status)(const struct cni_request *rq, struct err *e);
};

/* Serve the one request of this process; gives its exit status. */
int cni_run(const struct cni_plugin *p);

/* An attachment that GC must keep. */
struct cni_attachment {
	const char *container_id;
	const char *ifname;
};

struct cni_attachments {
	const struct cni_attachment *item;
	unsigned count;
};

/*
 * Read the configuration's cni.dev/valid-attachments. A missing list is an error (ERR_CONFIG), as
 * it would mean "remove everything"; an empty one does mean that.
 */
int cni_attachments_read(struct cni_attachments *valid, const struct cni_request *rq,
			 struct err *e) must_check;
/* ifname ""  it is not known (a lease of a very old host-local): any of the container's counts */
bool cni_attachments_have(const struct cni_attachments *valid, const char *container_id,
			  const char *ifname);

#endif
