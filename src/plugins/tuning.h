/*
 * The tuning plugin's configuration and its backup. Keys, sources and words are the reference
 * plugin's (release 1.9.1).
 */
#ifndef PLUGINS_TUNING_H
#define PLUGINS_TUNING_H

#include "cni/request.h"
#include "net/link.h"

struct tuning_sysctl {
	const char *key;   /* as the configuration has it */
	const char *path;  /* below /proc/sys, with the interface's name in it */
	const char *value; /* that is wanted */
	const char *old;   /* that was there, once it has been changed */
};

struct tuning_conf {
	struct tuning_sysctl *sysctl; /* in the arena */
	unsigned sysctls;
	struct link_change link;
	uint8_t mac[MAC_BYTES];
	const char *data_dir;
};

/* Gives 0, or -1 with e (which rq->conf was opened with) set: ERR_CONFIG, ERR_ENV. */
int tuning_conf_read(struct tuning_conf *c, const struct cni_request *rq, struct err *e) must_check;

/* Does the list of the node's administrator, if there is one, allow every sysctl? */
int tuning_conf_allowed(const struct tuning_conf *c, struct err *e) must_check;

/*
 * The backup: DATADIR/CONTAINERID_IFNAME.json has what the link was like before, of what was to be
 * changed. The reference plugin's form, with one key more: whose it is, for GC.
 */
int tuning_backup_write(const struct tuning_conf *c, const struct cni_request *rq,
			const struct link *link, struct err *e) must_check;

/*
 * Fill *back with what there is to restore: nothing when there is no backup, or none that says.
 * Gives 0, or -1 with e set where it could not be read.
 */
int tuning_backup_read(struct link_change *back, uint8_t mac[static MAC_BYTES],
		       const char *data_dir, const struct cni_request *rq,
		       struct err *e) must_check;
/* Remove it, and what a killed ADD left of it. Being gone already is success. */
int tuning_backup_remove(const char *data_dir, const struct cni_request *rq,
			 struct err *e) must_check;

/* GC: remove the network's backups that keep() does not want. */
int tuning_backup_collect(const char *data_dir, const char *network,
			  bool (*keep)(const char *owner, void *arg), void *arg,
			  struct err *e) must_check;

#endif
