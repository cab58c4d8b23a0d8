#include <string.h>

#include "cni/wanted.h"
#include "ipam/ipam.h"
#include "plugins/bridge.h"

#define MTU_MAX 65535

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CONFIG, NULL, "%s", why);
}

/* One item of vlanTrunk: {minID, maxID}, {id}, or both. */
static int read_trunk_item(struct vlan_set *v, struct json item, struct err *e)
{
	struct json min = json_get(item, "minID"), max = json_get(item, "maxID");
	struct json one = json_get(item, "id");
	uint32_t first = json_u32(min, 0, UINT32_MAX), last = json_u32(max, 0, UINT32_MAX);
	uint32_t id = json_u32(one, 0, UINT32_MAX);

	if (e->code)
		return -1;
	if (json_present(min) != json_present(max))
		return err_set(e, ERR_CONFIG, NULL,
			       "minID and maxID should be configured simultaneously, %s is missing",
			       json_present(max) ? "minID" : "maxID");
	if (json_present(min) && (first < 1 || first > VLAN_MAX))
		return refuse(e, "incorrect trunk minID parameter");
	if (json_present(max) && (last < 1 || last > VLAN_MAX))
		return refuse(e, "incorrect trunk maxID parameter");
	if (first > last)
		return refuse(e, "minID is greater than maxID in trunk parameter");
	if (json_present(one) && (id < 1 || id > VLAN_MAX))
		return refuse(e, "incorrect trunk id parameter");
	for (uint32_t n = first; json_present(min) && n <= last; n++)
		vlan_set_add(v, n);
	if (json_present(one))
		vlan_set_add(v, id);
	return 0;
}

static int read_vlans(struct bridge_conf *c, const struct cni_request *rq, struct err *e)
{
	struct json trunk = json_get(rq->conf, "vlanTrunk");
	struct json vlan = json_get(rq->conf, "vlan");
	bool tagged = false;
	uint32_t id = json_u32(vlan, 0, UINT32_MAX);

	if (e->code)
		return -1;
	if (id > VLAN_MAX)
		return err_set(e, ERR_CONFIG, NULL,
			       "invalid VLAN ID %u (must be between 0 and 4094)", id);
	json_each(item, trunk) {
		if (read_trunk_item(&c->vlans, item, e))
			return -1;
		tagged = true;
	}
	c->vlan = id;
	c->use_vlans = id || tagged;
	c->keep_vlans = json_bool(json_get(rq->conf, "preserveDefaultVlan"), false);
	if (!c->use_vlans)
		return e->code ? -1 : 0;
	/* Untagged packets are in the pod's VLAN, or in the one that bridges have by default. */
	c->vlans.pvid = (uint16_t)(id ? id : 1);
	vlan_set_add(&c->vlans, c->vlans.pvid);
	return e->code ? -1 : 0;
}

int bridge_conf_read_for_removal(struct bridge_conf *c, const struct cni_request *rq, struct err *e)
{
	memset(c, 0, sizeof(*c));
	c->bridge = json_str(json_get(rq->conf, "bridge"), "");
	if (!*c->bridge)
		c->bridge = "cni0";
	c->addresses = ipam_named(rq);
	return e->code ? -1 : 0;
}

static int check(const struct bridge_conf *c, const struct cni_request *rq, struct err *e)
{
	struct err why = {0};

	if (cni_ifname_check(c->bridge, &why))
		return err_set(e, ERR_CONFIG, NULL,
			       "bridge: want the name of an interface, got \"%s\"", c->bridge);
	if (c->hairpin && c->promiscuous)
		return refuse(e, "cannot set hairpin mode and promiscuous mode at the same time");
	if (c->leave_down && c->addresses && rq->verb == CNI_ADD)
		return refuse(e, "cannot use IPAM when DisableContainerInterface flag is set");
	return 0;
}

int bridge_conf_read(struct bridge_conf *c, const struct cni_request *rq, struct err *e)
{
	static const char *const known[] = {"MAC", NULL};
	struct json conf = rq->conf;
	int mac;

	if (bridge_conf_read_for_removal(c, rq, e) || ip_masq_read(&c->masquerade, rq, e))
		return -1;
	c->is_default_gateway = json_bool(json_get(conf, "isDefaultGateway"), false);
	c->is_gateway = json_bool(json_get(conf, "isGateway"), false) || c->is_default_gateway;
	c->force_address = json_bool(json_get(conf, "forceAddress"), false);
	c->hairpin = json_bool(json_get(conf, "hairpinMode"), false);
	c->promiscuous = json_bool(json_get(conf, "promiscMode"), false);
	c->isolated = json_bool(json_get(conf, "portIsolation"), false);
	c->check_mac = json_bool(json_get(conf, "macspoofchk"), false);
	c->detect_duplicates = json_bool(json_get(conf, "enabledad"), false);
	c->leave_down = json_bool(json_get(conf, "disableContainerInterface"), false);
	c->mtu = json_u32(json_get(conf, "mtu"), 0, MTU_MAX);
	if (e->code || read_vlans(c, rq, e) || check(c, rq, e))
		return -1;
	mac = cni_wanted_mac(c->mac, rq, known, e);
	c->mac_asked = mac > 0;
	return mac < 0 ? -1 : 0;
}
