/*
 * The configuration of every plugin, CNI_ARGS and prevResult: what the input says first is which
 * plugin's reader it is for, then come CNI_ARGS up to a NUL, then what is on standard input.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "cni/bash_conf.h"
#include "cni/plugin.h"
#include "cni/previous.h"
#include "cni/wanted.h"
#include "ipam/host_local_conf.h"
#include "ipam/static.h"
#include "plugins/bridge.h"
#include "plugins/portmap_conf.h"
#include "plugins/tuning.h"

static char written[1 << 20];

/* Standard input, as cni_request_conf reads it. */
static int file_of(const uint8_t *data, size_t n)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("conf", MFD_CLOEXEC);
	CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, n, 0) == (ssize_t)n);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* What was read can be written in every version, and what was written be read. */
static void check_previous(const struct cni_request *rq)
{
	static struct cni_result rs, again;
	struct err e = {0};

	memset(&rs, 0, sizeof(rs));
	memset(&again, 0, sizeof(again));
	if (cni_result_read(&rs, json_get(rq->conf, "prevResult"), &e))
		return;
	cni_previous_pod(&rs, rq);
	for (unsigned v = 0; v < CNI_VERSION_COUNT; v++) {
		struct err own = {0};
		long len =
			cni_result_write(&rs, (enum cni_version)v, written, sizeof(written), &own);

		if (len < 0)
			continue;
		CHECK((size_t)len < sizeof(written));
		CHECK(cni_result_read(&again, json_open(written, (size_t)len, "again", &own),
				      &own) == 0);
		CHECK(v < CNI_0_3_0 || again.ip_count == rs.ip_count);
		memset(&again, 0, sizeof(again));
	}
}

static int host_local(const struct cni_request *rq, struct err *e)
{
	static struct host_local_conf c;

	if (host_local_conf_read(&c, rq, e))
		return -1;
	CHECK(c.set_count <= HOST_LOCAL_SETS_MAX && *c.data_dir);
	return 0;
}

static int host_local_status_and_store(const struct cni_request *rq, struct err *e)
{
	static struct host_local_conf c;

	return host_local_conf_read_status(&c, rq, e) || host_local_conf_read_store(&c, rq, e);
}

static int static_all(const struct cni_request *rq, struct err *e)
{
	static struct cni_result rs;

	memset(&rs, 0, sizeof(rs));
	return static_status(rq, e) || static_add(rq, &rs, e) || static_check(rq, e);
}

static int bridge(const struct cni_request *rq, struct err *e)
{
	static struct bridge_conf c;

	return bridge_conf_read(&c, rq, e) || bridge_conf_read_for_removal(&c, rq, e);
}

static int bash(const struct cni_request *rq, struct err *e)
{
	struct bash_conf c;

	return bash_conf_read(&c, rq->conf, e) || bash_conf_read_for_removal(&c, rq->conf, e);
}

static int tuning(const struct cni_request *rq, struct err *e)
{
	struct tuning_conf c;

	if (tuning_conf_read(&c, rq, e))
		return -1;
	for (unsigned i = 0; i < c.sysctls; i++) {
		CHECK(strncmp(c.sysctl[i].path, "net/", 4) == 0);
		CHECK(!strstr(c.sysctl[i].path, "/../"));
	}
	return 0;
}

static int portmap(const struct cni_request *rq, struct err *e)
{
	static struct conntrack_ports ports;
	static struct portmap_conf c;

	portmap_conf_udp(&ports, rq, e);
	CHECK(!e->code); /* it is as it was */
	return portmap_conf_read(&c, rq, e);
}

static int attachments(const struct cni_request *rq, struct err *e)
{
	struct cni_attachments valid;

	return cni_attachments_read(&valid, rq, e) || cni_attachments_have(&valid, "c", "eth0");
}

static int wanted(const struct cni_request *rq, struct err *e)
{
	static const char *const known[] = {"IP", "MAC", NULL};
	struct cni_wanted_ips ips;
	uint8_t mac[MAC_BYTES];
	const char *value;

	return cni_args_get(rq->args, NULL, "K8S_POD_NAME", &value, e) ||
	       cni_wanted_ips(&ips, rq, known, e) || cni_wanted_mac(mac, rq, known, e) < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int (*const readers[])(const struct cni_request *rq, struct err *e) = {
		host_local, host_local_status_and_store,
		static_all, bridge,
		bash,	    tuning,
		portmap,    attachments,
		wanted,
	};
	struct cni_request rq = {.verb = CNI_ADD,
				 .container_id = "c",
				 .netns = "/n",
				 .ifname = "eth0",
				 .path = "/p",
				 .args = ""};
	const uint8_t *end;
	struct err e = {0};

	arena_reset();
	if (n < 2 || !(end = memchr(data + 1, '\0', n - 1)))
		return 0;
	rq.args = (const char *)data + 1;
	if (cni_request_conf(&rq, file_of(end + 1, (size_t)(data + n - end - 1)), &e)) {
		CHECK(e.code && *e.msg);
		return 0;
	}
	CHECK(cni_name_valid(rq.network));
	check_previous(&rq);
	err_clear(&e);
	if (readers[data[0] % ARRAY_SIZE(readers)](&rq, &e) < 0)
		CHECK(e.code && *e.msg);
	return 0;
}
