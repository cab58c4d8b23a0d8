/*
 * tuning: a chained plugin that sets sysctls of a pod's namespace and properties of its link. What
 * the link was like before is kept in a file, and restored by DEL: an interface may outlive its pod.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "applet.h"
#include "base/arena.h"
#include "base/log.h"
#include "cni/plugin.h"
#include "cni/pod.h"
#include "cni/previous.h"
#include "net/sysctl.h"
#include "plugins/tuning.h"

#define VALUE_MAX 4096 /* of a sysctl: a page */

static bool changes_link(const struct link_change *l)
{
	return l->mac || l->mtu || l->promiscuous >= 0 || l->allmulti >= 0 || l->queue >= 0;
}

/* --- sysctls, inside the namespace --------------------------------------------------------------- */

static void restore_sysctls(struct tuning_conf *c)
{
	for (unsigned i = c->sysctls; i-- > 0;) {
		struct err ignored = {0};

		if (c->sysctl[i].old && sysctl_write(c->sysctl[i].path, c->sysctl[i].old, &ignored))
			log_line("undo: %s", ignored.msg);
	}
}

static int write_sysctls(void *arg, struct err *e)
{
	struct tuning_conf *c = arg;

	for (unsigned i = 0; i < c->sysctls; i++) {
		struct tuning_sysctl *s = &c->sysctl[i];
		char *old = arena_take(VALUE_MAX, e);

		if (!old)
			return -1;
		if (sysctl_read(s->path, old, VALUE_MAX))
			s->old = old; /* one that can only be written to has none */
		if (sysctl_write(s->path, s->value, e)) {
			s->old = NULL;
			restore_sysctls(c);
			return -1;
		}
	}
	return 0;
}

static int rewrite_sysctls(void *arg, struct err *e)
{
	(void)e;
	restore_sysctls(arg);
	return 0;
}

/* The kernel separates numbers as it likes. */
static bool same_words(const char *a, const char *b)
{
	for (;;) {
		while (isspace((unsigned char)*a))
			a++;
		while (isspace((unsigned char)*b))
			b++;
		while (*a && !isspace((unsigned char)*a))
			if (*a++ != *b++)
				return false;
		if (*b && !isspace((unsigned char)*b))
			return false;
		if (!*a && !b[strspn(b, " \t\n")])
			return true;
	}
}

static int check_sysctls(void *arg, struct err *e)
{
	const struct tuning_conf *c = arg;
	static char value[VALUE_MAX];

	for (unsigned i = 0; i < c->sysctls; i++) {
		const struct tuning_sysctl *s = &c->sysctl[i];

		if (!sysctl_read(s->path, value, sizeof(value)))
			return err_sys(e, ERR_STATE, NULL, errno,
				       "Error: Tuning cannot read /proc/sys/%s", s->path);
		value[strcspn(value, "\n")] = '\0';
		if (!same_words(value, s->value))
			return err_set(
				e, ERR_STATE, NULL,
				"Error: Tuning configured value of %s is %s, current value is "
				"%s",
				s->path, s->value, value);
	}
	return 0;
}

/* --- ADD --------------------------------------------------------------------------------------- */

static int find_link(struct pod *p, struct link *link, struct err *e)
{
	if (link_look(&p->in, p->rq->ifname, link, e))
		return -1;
	if (!link->index)
		return err_set(e, ERR_STATE, NULL, "Interface name %s not found in CNI_NETNS=%s",
			       p->rq->ifname, p->rq->netns);
	return 0;
}

/*
 * The backup stays for a next attempt. But what the kernel will not take again, however often (as an
 * MTU above the parent's, which has got a smaller one), keeps no other plugin from its DEL.
 */
static int restore_link(struct pod *p, const char *data_dir, struct err *e)
{
	struct link_change back;
	uint8_t mac[MAC_BYTES];
	int index;

	if (tuning_backup_read(&back, mac, data_dir, p->rq, e) ||
	    link_index(&p->in, p->rq->ifname, &index, e))
		return -1;
	if (!index || link_change(&p->in, index, &back, e) == 0)
		return 0;
	err_prefix(e, "restore %s", p->rq->ifname);
	if (e->sys != EINVAL && e->sys != EOPNOTSUPP)
		return -1;
	log_line("%s", e->msg);
	err_clear(e);
	return 0;
}

static int tune_link(struct pod *p, const struct tuning_conf *c, struct err *e)
{
	struct err undo = {0};
	struct link link;

	if (!changes_link(&c->link))
		return 0;
	if (find_link(p, &link, e) || tuning_backup_write(c, p->rq, &link, e))
		return -1;
	if (link_change(&p->in, link.index, &c->link, e) == 0)
		return 0;
	if (restore_link(p, c->data_dir, &undo) || tuning_backup_remove(c->data_dir, p->rq, &undo))
		log_line("undo: %s", undo.msg);
	return -1;
}

/* The result says what the pod's interface has now. */
static int describe(const struct tuning_conf *c, const struct cni_request *rq,
		    struct cni_result *rs, struct err *e)
{
	char *text = arena_take(MAC_TEXT, e);

	if (!text)
		return -1;
	for (unsigned i = 0; i < rs->interface_count; i++) {
		struct cni_interface *f = &rs->interfaces[i];

		if (strcmp(f->name, rq->ifname) != 0 || !*f->sandbox)
			continue;
		if (c->link.mac)
			f->mac = names_format_mac(text, c->mac);
		if (c->link.mtu && f->mtu)
			f->mtu = c->link.mtu;
	}
	return 0;
}

static int add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	cleanup_pod struct pod p;
	struct err ignored = {0};
	struct tuning_conf c;

	pod_begin(&p, rq);
	if (tuning_conf_read(&c, rq, e) || tuning_conf_allowed(&c, e) ||
	    cni_previous_demand(rs, rq, "Required prevResult missing", e) || pod_enter(&p, e) ||
	    netns_run(&p.netns, write_sysctls, &c, e))
		return -1;
	if (tune_link(&p, &c, e) == 0)
		return describe(&c, rq, rs, e);
	if (netns_run(&p.netns, rewrite_sysctls, &c, &ignored))
		log_line("undo: %s", ignored.msg);
	return -1;
}

/* --- the other verbs ---------------------------------------------------------------------------- */

/* Nothing that is missing or wrong here keeps the rest of a pod from being removed. */
static int del(const struct cni_request *rq, struct err *e)
{
	cleanup_pod struct pod p;
	struct tuning_conf c;
	int there;

	pod_begin(&p, rq);
	if (tuning_conf_read(&c, rq, e)) {
		err_clear(e);
		if (!c.data_dir)
			return 0;
	}
	there = pod_enter_if_there(&p, e);
	if (there < 0 || (there && restore_link(&p, c.data_dir, e)))
		return -1;
	return tuning_backup_remove(c.data_dir, rq, e);
}

static int check_link(struct pod *p, const struct tuning_conf *c, struct err *e)
{
	char want[MAC_TEXT], have[MAC_TEXT];
	struct link link;

	if (!changes_link(&c->link))
		return 0;
	if (find_link(p, &link, e))
		return -1;
	if (c->link.mac && memcmp(link.mac, c->mac, MAC_BYTES) != 0)
		return err_set(e, ERR_STATE, NULL,
			       "Error: Tuning configured Ethernet of %s is %s, current value is %s",
			       link.name, names_format_mac(want, c->mac),
			       names_format_mac(have, link.mac));
	if (c->link.promiscuous > 0 && !link_is_promiscuous(&link))
		return err_set(e, ERR_STATE, NULL,
			       "Error: Tuning link %s configured promisc is true, current value is "
			       "false",
			       link.name);
	if (c->link.mtu && link.mtu != c->link.mtu)
		return err_set(e, ERR_STATE, NULL,
			       "Error: Tuning configured MTU of %s is %u, current value is %u",
			       link.name, c->link.mtu, link.mtu);
	if (c->link.allmulti >= 0 && link_takes_multicast(&link) != (bool)c->link.allmulti)
		return err_set(e, ERR_STATE, NULL,
			       "Error: Tuning configured all-multicast mode of %s is %s, current "
			       "value is %s",
			       link.name, c->link.allmulti ? "true" : "false",
			       link_takes_multicast(&link) ? "true" : "false");
	if (c->link.queue >= 0 && link.queue != c->link.queue)
		return err_set(e, ERR_STATE, NULL,
			       "Error: Tuning configured Transmission Queue Length of %s is %u, "
			       "current value is %u",
			       link.name, (unsigned)c->link.queue, link.queue);
	return 0;
}

static int check(const struct cni_request *rq, struct err *e)
{
	static struct cni_result prev;
	cleanup_pod struct pod p;
	struct tuning_conf c;

	pod_begin(&p, rq);
	if (tuning_conf_read(&c, rq, e) ||
	    cni_previous_demand(&prev, rq, "Required prevResult missing", e) || pod_enter(&p, e) ||
	    netns_run(&p.netns, check_sysctls, &c, e))
		return -1;
	return check_link(&p, &c, e);
}

static int status(const struct cni_request *rq, struct err *e)
{
	struct tuning_conf c;

	if (tuning_conf_read(&c, rq, e))
		return -1;
	if (tuning_conf_allowed(&c, e) == 0)
		return 0;
	e->code = ERR_UNAVAILABLE;
	return -1;
}

static int gc(const struct cni_request *rq, struct err *e)
{
	struct pod_owners valid;
	struct tuning_conf c;

	if (tuning_conf_read(&c, rq, e) || pod_owners_read(&valid, rq, e))
		return -1;
	return tuning_backup_collect(c.data_dir, rq->network, pod_keep_valid, &valid, e);
}

static const struct cni_plugin plugin = {
	.name = "tuning",
	.add = add,
	.del = del,
	.check = check,
	.gc = gc,
	.status = status,
};

static const char help[] =
	"usage: tuning              called by a container runtime, never by hand\n"
	"\n"
	"Chained CNI plugin: sets kernel settings of the pod's namespace, and properties of its\n"
	"interface. DEL gives the interface back what it had; settings stay.\n"
	"\n"
	"keys:\n"
	"  sysctl     {\"net.ipv4.conf.IFNAME.arp_filter\": \"1\", ...}; below net. only. IFNAME\n"
	"             stands for the interface's name\n"
	"  mac        MAC address\n"
	"  mtu        MTU\n"
	"  promisc    true: take packets of any MAC address\n"
	"  allmulti   true, false: take all multicast packets\n"
	"  txQLen     length of the transmit queue, in packets\n"
	"  dataDir    where it is kept what was before, /run/cni/tuning\n"
	"also read: all of them but dataDir in args.cni; a MAC address in runtimeConfig.mac and\n"
	"CNI_ARGS MAC=\n"
	"\n"
	"/etc/cni/tuning/allowlist.conf, if it is there, has a regular expression in each line:\n"
	"only sysctls in which one is found may be set\n"
	"\n"
	"example, in the \"plugins\" of a list:\n"
	"  {\n"
	"    \"type\": \"tuning\",\n"
	"    \"sysctl\": {\"net.core.somaxconn\": \"512\"},\n"
	"    \"mtu\": 1400\n"
	"  }\n";

const struct applet applet_tuning = {
	.name = "tuning",
	.summary = "chained CNI plugin: kernel settings and link properties of a pod",
	.help = help,
	.plugin = &plugin,
};
