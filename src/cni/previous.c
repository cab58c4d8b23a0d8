#include "cni/previous.h"

#include <string.h>

int cni_previous_read(struct cni_result *rs, const struct cni_request *rq, struct err *e)
{
	struct json v = json_get(rq->conf, "prevResult");

	memset(rs, 0, sizeof(*rs));
	rs->dns_always = true;
	if (e->code)
		return -1;
	if (!json_present(v))
		return 0;
	if (cni_result_read_as(rs, v, rq->version, e)) {
		err_prefix(e, "could not parse prevResult");
		return -1;
	}
	rs->dns_always = true;
	return 1;
}

int cni_previous_demand(struct cni_result *rs, const struct cni_request *rq, const char *missing,
			struct err *e)
{
	int there = cni_previous_read(rs, rq, e);

	if (there < 0)
		return -1;
	return there ? 0 : err_set(e, ERR_CONFIG, NULL, "%s", missing);
}

static bool is_pods_interface(const struct cni_interface *i, const struct cni_request *rq)
{
	return *i->sandbox && strcmp(i->name, rq->ifname) == 0;
}

const struct cni_interface *cni_previous_pod(const struct cni_result *rs,
					     const struct cni_request *rq)
{
	for (unsigned i = 0; i < rs->interface_count; i++)
		if (is_pods_interface(&rs->interfaces[i], rq))
			return &rs->interfaces[i];
	return NULL;
}

bool cni_previous_is_pods(const struct cni_result *rs, const struct cni_address *a,
			  const struct cni_request *rq)
{
	if (a->interface < 0)
		return true;
	return (unsigned)a->interface < rs->interface_count &&
	       is_pods_interface(&rs->interfaces[a->interface], rq);
}
