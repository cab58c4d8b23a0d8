#include "ipam/host_local.h"

#include <stdio.h>
#include <string.h>

#include "cni/gc.h"
#include "cni/plugin.h"
#include "ipam/host_local_conf.h"
#include "ipam/resolv_conf.h"
#include "ipam/store.h"

static struct lease_owner owner_of(const struct cni_request *rq)
{
	return (struct lease_owner){.container_id = rq->container_id, .ifname = rq->ifname};
}

/*
 * Give each set the first requested address that lies in it. One that no set takes is an error,
 * found before anything is taken.
 *
 * wish  of each set: the address, or NULL
 */
static int match_requested(const struct host_local_conf *conf, const struct ip **wish,
			   struct err *e)
{
	char left[256] = "", text[IP_TEXT];
	size_t used = 0;

	for (unsigned i = 0; i < conf->requested.count; i++) {
		const struct ip *ip = &conf->requested.ip[i];
		unsigned n = 0;

		while (n < conf->set_count && (wish[n] || !range_set_find(&conf->set[n], ip)))
			n++;
		if (n < conf->set_count)
			wish[n] = ip;
		else if (used < sizeof(left))
			used += (size_t)snprintf(left + used, sizeof(left) - used, " %s",
						 ip_format(text, ip));
	}
	if (used)
		return err_set(e, ERR_CONFIG, NULL, "failed to allocate all requested IPs:%s",
			       left);
	return 0;
}

/* One address of set i, and its line in the result. */
static int take(struct lease_store *s, const struct lease_owner *owner, const struct range_set *set,
		unsigned i, const struct ip *wish, struct cni_result *rs, struct err *e)
{
	struct cni_address *a = cni_result_ip(rs, e);
	const struct ip_range *range;
	struct ip ip;

	if (!a || lease_take(s, owner, set, i, LEASE_ROUND_ROBIN, wish, &ip, e)) {
		err_prefix(e, "failed to allocate for range %u", i);
		return -1;
	}
	range = range_set_find(set, &ip);
	a->address = (struct prefix){.ip = ip, .len = range->subnet.len};
	a->gateway = range->gateway;
	return 0;
}

int host_local_add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	cleanup_store struct lease_store s = LEASE_STORE_CLOSED;
	const struct ip *wish[HOST_LOCAL_SETS_MAX] = {NULL};
	struct lease_owner owner = owner_of(rq);
	struct host_local_conf conf;

	if (host_local_conf_read(&conf, rq, e) || cni_routes_read(rs, conf.routes, e) ||
	    (*conf.resolv_conf && resolv_conf_read(&rs->dns, conf.resolv_conf, e)) ||
	    match_requested(&conf, wish, e) || lease_store_open(&s, conf.data_dir, rq->network, e))
		return -1;
	for (unsigned i = 0; i < conf.set_count; i++) {
		if (take(&s, &owner, &conf.set[i], i, wish[i], rs, e)) {
			lease_undo(&s);
			return -1;
		}
	}
	rs->dns_always = true;
	return 0;
}

int host_local_del(const struct cni_request *rq, struct err *e)
{
	cleanup_store struct lease_store s = LEASE_STORE_CLOSED;
	struct lease_owner owner = owner_of(rq);
	struct ip hint[CNI_IPS_MAX];
	struct host_local_conf conf;
	unsigned hints;
	int found;

	if (host_local_conf_read_store(&conf, rq, e))
		return -1;
	hints = cni_result_addresses(hint, ARRAY_SIZE(hint), json_get(rq->conf, "prevResult"));
	found = lease_store_open_existing(&s, conf.data_dir, rq->network, e);
	if (found <= 0)
		return found;
	return lease_release(&s, &owner, hint, hints, e);
}

static bool is_among(const struct ip *ip, const struct ip *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (ip_equal(ip, &list[i]))
			return true;
	return false;
}

/* Addresses of prevResult that lie in no pool are another plugin's business. */
static int check_previous(const struct cni_request *rq, const struct host_local_conf *conf,
			  const struct lease_store *s, const struct ip *leased, unsigned count,
			  struct err *e)
{
	static struct cni_result previous;
	char text[IP_TEXT];

	if (cni_result_read(&previous, json_get(rq->conf, "prevResult"), e))
		return -1;
	for (unsigned i = 0; i < previous.ip_count; i++) {
		const struct ip *ip = &previous.ips[i].address.ip;
		bool ours = false;

		for (unsigned n = 0; n < conf->set_count; n++)
			ours |= range_set_find(&conf->set[n], ip) != NULL;
		if (ours && !is_among(ip, leased, count))
			return err_set(e, ERR_STATE, NULL,
				       "host-local: address %s of prevResult is not leased to "
				       "container %s, interface %s, in %s",
				       ip_format(text, ip), rq->container_id, rq->ifname, s->path);
	}
	return 0;
}

int host_local_check(const struct cni_request *rq, struct err *e)
{
	cleanup_store struct lease_store s = LEASE_STORE_CLOSED;
	struct lease_owner owner = owner_of(rq);
	struct host_local_conf conf;
	struct ip leased[64]; /* in one pool each; the reference plugin may have given more */
	unsigned count = 0;
	int found;

	if (host_local_conf_read(&conf, rq, e))
		return -1;
	found = lease_store_open_existing(&s, conf.data_dir, rq->network, e);
	if (found < 0 || (found && lease_find(&s, &owner, leased, ARRAY_SIZE(leased), &count, e)))
		return -1;
	if (count == 0)
		return err_set(e, ERR_STATE, NULL,
			       "host-local: Failed to find address added by container %s",
			       rq->container_id);
	if (count > ARRAY_SIZE(leased))
		count = ARRAY_SIZE(leased);
	return check_previous(rq, &conf, &s, leased, count, e);
}

static bool is_valid(const struct lease_owner *owner, const struct ip *ip, void *arg)
{
	char text[IP_TEXT];

	return cni_attachments_have(arg, owner->container_id, owner->ifname) ||
	       !cni_gc_removes("lease of %s, %s of container %s", ip_format(text, ip),
			       owner->ifname, owner->container_id);
}

int host_local_gc(const struct cni_request *rq, struct err *e)
{
	cleanup_store struct lease_store s = LEASE_STORE_CLOSED;
	struct host_local_conf conf;
	struct cni_attachments valid;
	int found;

	if (host_local_conf_read_store(&conf, rq, e) || cni_attachments_read(&valid, rq, e))
		return -1;
	found = lease_store_open_existing(&s, conf.data_dir, rq->network, e);
	if (found <= 0)
		return found;
	return lease_each(&s, is_valid, &valid, e);
}

int host_local_status(const struct cni_request *rq, struct err *e)
{
	cleanup_store struct lease_store s = LEASE_STORE_CLOSED;
	struct host_local_conf conf;
	char pool[512];
	unsigned count;
	int found;

	if (host_local_conf_read_status(&conf, rq, e))
		return -1;
	found = lease_store_open_existing(&s, conf.data_dir, rq->network, e);
	if (found <= 0)
		return found;
	for (unsigned i = 0; i < conf.set_count; i++) {
		if (lease_free(&s, &conf.set[i], 1, &count, e))
			return -1;
		if (count == 0)
			return err_set(e, ERR_UNAVAILABLE, NULL,
				       "no IP addresses available in range set: %s",
				       range_set_format(&conf.set[i], pool, sizeof(pool)));
	}
	return 0;
}
