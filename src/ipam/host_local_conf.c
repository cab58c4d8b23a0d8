#include "ipam/host_local_conf.h"

#include <string.h>

#include "base/arena.h"
#include "ipam/store.h"

static unsigned length(struct json array)
{
	unsigned n = 0;

	json_each(v, array)
		n++;
	return n;
}

/* A "subnet", with the reference plugin's words where it is none. */
static int read_subnet(struct prefix *subnet, struct json v, struct err *e)
{
	const char *text = json_str(v, NULL);

	if (e->code)
		return -1;
	if (text && !prefix_parse(subnet, text))
		return err_set(e, ERR_CONFIG, NULL, "%s: invalid CIDR address: %s", json_path(v),
			       text);
	return 0;
}

static int read_address(struct ip *ip, struct json v, struct err *e)
{
	const char *text = json_str(v, "");

	if (e->code)
		return -1;
	if (*text && !ip_parse(ip, text))
		return err_set(e, ERR_CONFIG, NULL, "%s: invalid IP address: %s", json_path(v),
			       text);
	return 0;
}

static int read_range(struct ip_range *r, struct json v, struct err *e)
{
	if (read_subnet(&r->subnet, json_get(v, "subnet"), e) ||
	    read_address(&r->start, json_get(v, "rangeStart"), e) ||
	    read_address(&r->end, json_get(v, "rangeEnd"), e) ||
	    read_address(&r->gateway, json_get(v, "gateway"), e))
		return -1;
	return 0;
}

static int add_set(struct host_local_conf *conf, const struct ip_range *range, unsigned count,
		   struct err *e)
{
	if (conf->set_count == HOST_LOCAL_SETS_MAX)
		return err_set(e, ERR_FIELD, NULL, "ipam.ranges: want at most %d range sets",
			       HOST_LOCAL_SETS_MAX);
	conf->set[conf->set_count++] = (struct range_set){range, count};
	return 0;
}

/* An array of range sets, each an array of ranges. */
static int read_sets(struct host_local_conf *conf, struct json sets, struct err *e)
{
	json_each(set, sets) {
		struct ip_range *range = arena_take(length(set) * sizeof(*range) + 1, e);
		unsigned n = 0;

		if (!range)
			return -1;
		json_each(v, set)
			if (read_range(&range[n++], v, e))
				return -1;
		if (e->code || add_set(conf, range, n, e))
			return -1;
	}
	return e->code ? -1 : 0;
}

/* The one range of old, in ipam itself. Without a subnet its other keys mean nothing. */
static int read_old_range(struct host_local_conf *conf, struct json ipam, struct err *e)
{
	struct ip_range *range = arena_take(sizeof(*range), e);

	if (!range || read_range(range, ipam, e))
		return -1;
	return range->subnet.ip.family ? add_set(conf, range, 1, e) : 0;
}

/* The set's ranges were read into the arena, by this file: they may be written to. */
static int complete_set(struct range_set *set, struct err *e)
{
	struct ip_range *range = (struct ip_range *)set->range;

	for (unsigned i = 0; i < set->count; i++)
		if (ip_range_complete(&range[i], e))
			return -1;
	return range_set_check(set, e);
}

/* Results before 0.3.0 have room for one address of each family. */
static int check_version(const struct host_local_conf *conf, enum cni_version version,
			 struct err *e)
{
	unsigned count[7] = {0};

	for (unsigned i = 0; i < conf->set_count; i++)
		count[conf->set[i].range[0].subnet.ip.family]++;
	if (version < CNI_0_3_0 && (count[4] > 1 || count[6] > 1))
		return err_set(e, ERR_CONFIG, NULL,
			       "CNI version %s does not support more than 1 address per family",
			       cni_version_text(version));
	return 0;
}

static int complete(struct host_local_conf *conf, enum cni_version version, struct err *e)
{
	for (unsigned i = 0; i < conf->set_count; i++) {
		if (complete_set(&conf->set[i], e)) {
			err_prefix(e, "invalid range set %u", i);
			return -1;
		}
	}
	if (check_version(conf, version, e))
		return -1;
	for (unsigned i = 0; i < conf->set_count; i++)
		for (unsigned j = i + 1; j < conf->set_count; j++)
			if (range_sets_overlap(&conf->set[i], &conf->set[j]))
				return err_set(e, ERR_CONFIG, NULL, "range set %u overlaps with %u",
					       i, j);
	return 0;
}

int host_local_conf_read_store(struct host_local_conf *conf, const struct cni_request *rq,
			       struct err *e)
{
	struct json ipam = json_get(rq->conf, "ipam");

	memset(conf, 0, sizeof(*conf));
	if (!json_present(ipam))
		return err_set(e, ERR_CONFIG, NULL, "IPAM config missing 'ipam' key");
	conf->data_dir = json_str(json_get(ipam, "dataDir"), "");
	if (!*conf->data_dir)
		conf->data_dir = LEASE_DATA_DIR;
	return e->code ? -1 : 0;
}

static int read_conf(struct host_local_conf *conf, const struct cni_request *rq, bool need_ranges,
		     struct err *e)
{
	static const char *const known[] = {"IP", NULL};
	struct json ipam = json_get(rq->conf, "ipam");

	if (host_local_conf_read_store(conf, rq, e))
		return -1;
	conf->resolv_conf = json_str(json_get(ipam, "resolvConf"), "");
	conf->routes = json_get(ipam, "routes");
	if (read_sets(conf, json_get(json_get(rq->conf, "runtimeConfig"), "ipRanges"), e) ||
	    read_old_range(conf, ipam, e) || read_sets(conf, json_get(ipam, "ranges"), e) ||
	    cni_wanted_ips(&conf->requested, rq, known, e))
		return -1;
	if (conf->set_count == 0 && need_ranges)
		return err_set(e, ERR_CONFIG, NULL, "no IP ranges specified");
	return complete(conf, rq->version, e);
}

int host_local_conf_read(struct host_local_conf *conf, const struct cni_request *rq, struct err *e)
{
	return read_conf(conf, rq, true, e);
}

int host_local_conf_read_status(struct host_local_conf *conf, const struct cni_request *rq,
				struct err *e)
{
	struct json capabilities = json_get(rq->conf, "capabilities");

	return read_conf(conf, rq, !json_bool(json_get(capabilities, "ipRanges"), false), e);
}
