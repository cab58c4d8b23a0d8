#include "netfilter/xtables.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/log.h"

/* One layout serves both families: only the entries differ. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo) &&
		       sizeof(struct ipt_replace) == sizeof(struct ip6t_replace) &&
		       sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries) &&
		       XT_HOOKS == NF_INET_NUMHOOKS,
	       "ABI");
/* NOLINTNEXTLINE(misc-redundant-expression): equal is what they have to be */
_Static_assert((int)IPT_BASE_CTL == (int)IP6T_BASE_CTL, "ABI");

#define TRIES 32 /* reads or replaces that changes of others get in the way of */

/* Whole iptables-restore runs hold the lock, seconds each on a large node. */
#define LOCK_SECONDS 10
#define LOCK_NAP_MS  5

/*
 * The entries, with room before them for what the kernel wants there (struct ipt_get_entries to
 * read, struct ipt_replace to replace), and behind them for counters.
 */
static _Alignas(8) unsigned char room[XTABLES_BYTES];
static unsigned char *const entries = room + sizeof(struct ipt_replace);

/* hook: the one that users of this file want of the table, and which it has for sure. */
static const struct table {
	unsigned bit;
	const char *name;
	unsigned hook;
} tables[] = {
	{XTABLES_FILTER, "filter", NF_INET_FORWARD},
	{XTABLES_NAT, "nat", NF_INET_POST_ROUTING},
	{XTABLES_MANGLE, "mangle", NF_INET_FORWARD},
	{XTABLES_RAW, "raw", NF_INET_PRE_ROUTING},
};

unsigned xtables_in_use(uint8_t ip_family)
{
	const char *path =
		ip_family == 6 ? "/proc/net/ip6_tables_names" : "/proc/net/ip_tables_names";
	char names[256], *line = names;
	unsigned found = 0;

	if (file_read(AT_FDCWD, path, names, sizeof(names)) < 0)
		return 0;
	for (char *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
			if (strcmp(line, tables[i].name) == 0)
				found |= tables[i].bit;
	}
	return found;
}

unsigned xtables_families(unsigned table)
{
	return (xtables_in_use(4) & table ? 1u << 4 : 0) |
	       (xtables_in_use(6) & table ? 1u << 6 : 0);
}

/* --- lock ------------------------------------------------------------------------------------- */

/* iptables' own, where its users look for it. Without a place for it nobody else has it either. */
static int lock(int *fd, struct err *e)
{
	static const char doing[] = "lock the tables of iptables";
	const char *path = getenv("XTABLES_LOCKFILE");

	if (!path)
		path = "/run/xtables.lock";
	*fd = openat(AT_FDCWD, path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EROFS))
		return 0;
	if (*fd < 0)
		return err_sys(e, ERR_IO, doing, errno, "%s", path);
	for (unsigned naps = 0; flock(*fd, LOCK_EX | LOCK_NB); naps++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, ERR_IO, doing, errno, "%s", path);
		if (naps == LOCK_SECONDS * 1000 / LOCK_NAP_MS)
			return err_set(e, ERR_TRY_AGAIN, doing,
				       "others have held %s for %u seconds", path, LOCK_SECONDS);
		poll(NULL, 0, LOCK_NAP_MS);
	}
	return 0;
}

/* --- talk to the kernel ----------------------------------------------------------------------- */

struct connection {
	int fd, level;
	const char *name;
	uint32_t hook; /* bit of the one that users of this file want */
};

static int talk_failed(const struct connection *x, const char *doing, struct err *e)
{
	int sys = errno;

	log_trace("%s %s: %s", doing, x->name, strerror(sys));
	return err_sys(e, sys == EAGAIN ? ERR_TRY_AGAIN : ERR_KERNEL, doing, sys,
		       "table %s of legacy %s", x->name,
		       x->level == IPPROTO_IPV6 ? "ip6tables" : "iptables");
}

static void close_tables(struct connection *x)
{
	file_close(&x->fd);
}
#define cleanup_tables on_scope_exit(close_tables)

static int open_tables(struct connection *x, uint8_t ip_family, unsigned table, struct err *e)
{
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
		if (tables[i].bit != table)
			continue;
		x->name = tables[i].name;
		x->hook = 1u << tables[i].hook;
	}
	x->level = ip_family == 6 ? IPPROTO_IPV6 : IPPROTO_IP;
	x->fd = socket(ip_family == 6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return x->fd < 0 ? talk_failed(x, "open a raw socket", e) : 0;
}

static void set_name(char name[static XT_TABLE_MAXNAMELEN], const struct connection *x)
{
	memset(name, 0, XT_TABLE_MAXNAMELEN);
	strcpy(name, x->name);
}

/* Bytes that are left beside that many entries and their counters, old and new; 0: none. */
static uint32_t room_beside(uint32_t size, uint32_t count)
{
	uint64_t taken = sizeof(struct ipt_replace) + size +
			 (uint64_t)count * 2 * sizeof(struct xt_counters) +
			 sizeof(struct xt_counters_info);

	return taken < XTABLES_BYTES ? (uint32_t)(XTABLES_BYTES - taken) : 0;
}

static int too_large(const struct connection *x, struct err *e)
{
	return err_set(e, ERR_INTERNAL, "hold a table of iptables",
		       "table %s has, or would have, more than %u bytes", x->name, XTABLES_BYTES);
}

static int read_once(const struct connection *x, struct xt_table *t, struct err *e)
{
	static const char doing[] = "read a table of iptables";
	struct ipt_getinfo info;
	struct ipt_get_entries *get =
		(void *)(entries - offsetof(struct ipt_get_entries, entrytable));
	socklen_t len = sizeof(info);

	set_name(info.name, x);
	if (getsockopt(x->fd, x->level, IPT_SO_GET_INFO, &info, &len))
		return talk_failed(x, doing, e);
	t->room = room_beside(info.size, info.num_entries);
	if (t->room == 0)
		return too_large(x, e);
	/* The kernel writes names of extensions up to their NUL only. */
	memset(entries, 0, info.size);
	set_name(get->name, x);
	get->size = info.size;
	len = (socklen_t)(sizeof(*get) + info.size);
	if (getsockopt(x->fd, x->level, IPT_SO_GET_ENTRIES, get, &len))
		return talk_failed(x, doing, e);
	t->entries = entries;
	t->size = info.size;
	t->count = info.num_entries;
	t->hooks = info.valid_hooks;
	memcpy(t->begin, info.hook_entry, sizeof(t->begin));
	memcpy(t->policy, info.underflow, sizeof(t->policy));
	if (xt_check(t, e))
		return -1;
	return t->hooks & x->hook ? 0 : err_set(e, ERR_STATE, doing, "%s lacks a chain", x->name);
}

/*
 * Did somebody else change the table meanwhile? Then forget it. The kernel compares sizes and
 * numbers only; a table that changed between two questions may also be one that does not add up.
 */
static bool overtaken(unsigned *tries, struct err *e)
{
	if ((e->sys != EAGAIN && e->code != ERR_STATE) || ++*tries == TRIES)
		return false;
	err_clear(e);
	return true;
}

int xtables_read(uint8_t ip_family, unsigned table, struct xt_table *t, struct err *e)
{
	cleanup_tables struct connection x = {.fd = -1};
	unsigned tries = 0;

	t->family = ip_family;
	if (open_tables(&x, ip_family, table, e))
		return -1;
	while (read_once(&x, t, e))
		if (!overtaken(&tries, e))
			return -1;
	return 0;
}

/* Give the old entries' counts to those of the new ones that come of them. */
static void add_counters(const struct connection *x, const struct xt_table *t,
			 const struct xt_counters *old, struct xt_counters_info *add)
{
	struct err e = {0};
	uint32_t i = 0;

	set_name(add->name, x);
	add->num_counters = t->count;
	for (uint32_t at = 0; at < t->size; at = xt_next(t, at)) {
		uint32_t origin = xt_origin(t, at);

		add->counters[i++] = origin ? old[origin - 1] : (struct xt_counters){0};
	}
	if (setsockopt(x->fd, x->level, IPT_SO_SET_ADD_COUNTERS, add,
		       (socklen_t)(sizeof(*add) + i * sizeof(*old)))) {
		/* The rules are in place: too late to fail. */
		talk_failed(x, "keep the counters of", &e);
		log_line("%s", e.msg);
	}
}

static int replace(const struct connection *x, const struct xt_table *t, uint32_t old_count,
		   struct err *e)
{
	struct ipt_replace *new = (void *)room;
	struct xt_counters *old = (void *)(entries + t->size);

	*new = (struct ipt_replace){
		.valid_hooks = t->hooks,
		.num_entries = t->count,
		.size = t->size,
		.num_counters = old_count,
		.counters = old,
	};
	set_name(new->name, x);
	memcpy(new->hook_entry, t->begin, sizeof(new->hook_entry));
	memcpy(new->underflow, t->policy, sizeof(new->underflow));
	if (setsockopt(x->fd, x->level, IPT_SO_SET_REPLACE, new,
		       (socklen_t)(sizeof(*new) + t->size)))
		return talk_failed(x, "replace a table of iptables", e);
	add_counters(x, t, old, (void *)(old + old_count));
	log_trace("replace table %s of iptables: done", x->name);
	return 0;
}

static int change_once(const struct connection *x, uint8_t ip_family, xtables_change_fn *change,
		       void *arg, unsigned *changes, struct err *e)
{
	struct xt_table t = {.family = ip_family};
	uint32_t old_count;

	if (read_once(x, &t, e))
		return -1;
	old_count = t.count;
	xt_number(&t);
	*changes = change(&t, arg);
	if (t.full)
		return too_large(x, e);
	return *changes ? replace(x, &t, old_count, e) : 0;
}

int xtables_change(uint8_t ip_family, unsigned table, xtables_change_fn *change, void *arg,
		   unsigned *changes, struct err *e)
{
	cleanup_tables struct connection x = {.fd = -1};
	cleanup_fd int locked = -1;
	unsigned tries = 0;

	if (open_tables(&x, ip_family, table, e) || lock(&locked, e))
		return -1;
	while (change_once(&x, ip_family, change, arg, changes, e))
		if (!overtaken(&tries, e))
			return -1;
	return 0;
}

bool xtables_unsupported(struct err *e)
{
	/* No ip_tables, or no such table in it; no IPv6. */
	if (e->sys != ENOPROTOOPT && e->sys != ENOENT && e->sys != EAFNOSUPPORT &&
	    e->sys != EPROTONOSUPPORT)
		return false;
	err_clear(e);
	return true;
}
