/*
 * firewalld, as the reference's firewall plugin asks it over D-Bus: addresses of pods become sources
 * of a zone, whose rules then are what their packets meet.
 * Source: firewalld.dbus(5), org.fedoraproject.FirewallD1.zone.
 */
#ifndef NET_FIREWALLD_H
#define NET_FIREWALLD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "net/dbus.h"

/* How long it has for an answer: the D-Bus library's own patience. */
#define FIREWALLD_TIMEOUT_MS 25000

struct firewalld {
	bool runs;
	const char *zone;
	struct dbus bus;
};

/*
 * Look whether it runs: its name has an owner. Where there is no bus, it does not. demanded: then that
 * is an error.
 *
 * Zeroed before but for the zone. The connection to the bus lasts until the process ends.
 */
int firewalld_find(struct firewalld *f, bool demanded, struct err *e) must_check;

/*
 * ADD: make the address a source of the zone; that it is one already is no error.
 * REMOVE: take it away; whatever firewalld says to that is no error.
 * CHECK: it is an error if it is none.
 */
enum firewalld_method { FIREWALLD_ADD, FIREWALLD_REMOVE, FIREWALLD_CHECK };

/* Gives 0, or -1 with e set: ERR_STATE as firewalld says, ERR_TRY_AGAIN if it does not answer. */
int firewalld_ask(struct firewalld *f, enum firewalld_method method, const struct ip *ip,
		  struct err *e) must_check;

#endif
