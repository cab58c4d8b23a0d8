#include "ipam/ipam.h"

#include <string.h>

#include "base/log.h"
#include "cni/delegate.h"
#include "config.h"
#include "ipam/host_local.h"
#include "ipam/static.h"
#include "ipam/store.h"
#include "net/confine.h"

struct ipam_type {
	const char *name;
	int (*add)(const struct cni_request *rq, struct cni_result *rs, struct err *e);
	/* The others, by their number; NULL: nothing to do. */
	int (*verb[CNI_VERSION])(const struct cni_request *rq, struct err *e);
};

static const struct ipam_type built_in[] = {
	IF_HOST_LOCAL({.name = "host-local",
		       .add = host_local_add,
		       .verb = {[CNI_DEL] = host_local_del,
				[CNI_CHECK] = host_local_check,
				[CNI_GC] = host_local_gc,
				[CNI_STATUS] = host_local_status}}, )
		IF_STATIC({.name = "static",
			   .add = static_add,
			   .verb = {[CNI_CHECK] = static_check, [CNI_STATUS] = static_status}}, )};

static const char *type_of(const struct cni_request *rq)
{
	return json_str(json_get(json_get(rq->conf, "ipam"), "type"), "");
}

bool ipam_named(const struct cni_request *rq)
{
	return *type_of(rq) != '\0';
}

/* Gives 0 with either *own or d to call, or -1 with e set. */
static int find(const struct ipam_type **own, struct delegate *d, const struct cni_request *rq,
		struct err *e)
{
	const char *type = type_of(rq);

	*own = NULL;
	if (e->code || delegate_find(d, rq, type, e))
		return -1;
	/* cni-gc, of whatever file it is, has the store locked: an executed one would wait for it. */
	for (size_t i = 0; (d->is_self || lease_store_holds()) && i < ARRAY_SIZE(built_in); i++)
		if (strcmp(built_in[i].name, type) == 0)
			*own = &built_in[i];
	/* An executed one needs rights that nobody knows, also when it has to undo what it did. */
	if (*own)
		confine_rights(confine_plugin);
	return 0;
}

/* A verb that prints nothing, or nothing that matters. */
static int call(const struct cni_request *rq, enum cni_verb verb, struct err *e)
{
	const struct ipam_type *own;
	struct delegate d;
	const char *out;
	size_t len;

	if (find(&own, &d, rq, e))
		return -1;
	if (!own)
		return delegate_run(&d, rq, verb, &out, &len, e);
	return own->verb[verb] ? own->verb[verb](rq, e) : 0;
}

int ipam_del(const struct cni_request *rq, struct err *e)
{
	return call(rq, CNI_DEL, e);
}

int ipam_check(const struct cni_request *rq, struct err *e)
{
	return call(rq, CNI_CHECK, e);
}

int ipam_gc(const struct cni_request *rq, struct err *e)
{
	return call(rq, CNI_GC, e);
}

int ipam_status(const struct cni_request *rq, struct err *e)
{
	return call(rq, CNI_STATUS, e);
}

void ipam_undo(const struct cni_request *rq, struct err *e)
{
	struct err why = *e;

	err_clear(e);
	if (ipam_del(rq, e))
		log_line("undo: IPAM DEL: %s", e->msg);
	*e = why;
}

static int read_printed(struct cni_result *rs, const struct cni_request *rq, const char *out,
			size_t len, struct err *e)
{
	struct json printed = json_open(out, len, "result of the IPAM plugin", e);

	if (!e->code && json_type(printed) != JSON_OBJECT)
		return json_fault(printed, ERR_DECODE, "want an object");
	return e->code ? -1 : cni_result_read_as(rs, printed, rq->version, e);
}

int ipam_add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	const struct ipam_type *own;
	struct delegate d;
	const char *out;
	size_t len;

	if (find(&own, &d, rq, e))
		return -1;
	if (own) {
		if (own->add(rq, rs, e))
			return -1;
	} else {
		if (delegate_run(&d, rq, CNI_ADD, &out, &len, e))
			return -1;
		read_printed(rs, rq, out, len, e);
	}
	if (!e->code && rs->ip_count == 0)
		err_set(e, ERR_STATE, NULL, "IPAM plugin returned missing IP config");
	if (!e->code)
		return 0;
	ipam_undo(rq, e);
	return -1;
}
