/*
 * Shape what a link sends (TBF), and what it receives: that is redirected to an IFB, a link that
 * sends it on, shaped. s is a NETLINK_ROUTE socket.
 */
#ifndef NET_QDISC_H
#define NET_QDISC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/names.h"
#include "netlink/socket.h"

/* A token bucket as the kernel counts it. */
struct tbf {
	uint64_t rate;	 /* bytes a second */
	uint32_t buffer; /* the time that a burst takes, in ticks of /proc/net/psched */
	uint32_t limit;	 /* bytes that may wait: those of 25 ms, and a burst */
};

/* Of a rate in bits a second and a burst in bits; both cut to whole bytes, as the reference does. */
struct tbf tbf_of(uint64_t rate, uint64_t burst);

/* What one tick is: the first three words of /proc/net/psched. tbf_of takes the kernel's. */
struct tbf tbf_of_ticks(uint64_t rate, uint64_t burst, const uint32_t psched[static 3]);

/* Have a link send at that rate. What shaped it before is replaced. */
int qdisc_shape(struct nl_sock *s, int link, const struct tbf *tbf, struct err *e) must_check;

/* Redirect all that a link receives to another one. */
int qdisc_redirect(struct nl_sock *s, int link, int to, struct err *e) must_check;

/* Take both back, or what there is of them. */
int qdisc_clear(struct nl_sock *s, int link, struct err *e) must_check;

#define QDISC_GONE (-1)

/* What is there: */
struct qdisc_state {
	bool shaped;
	struct tbf tbf; /* of the root */
	int redirect; /* index of the link that all goes to; 0: none; QDISC_GONE: one that is gone */
};
int qdisc_look(struct nl_sock *s, int link, struct qdisc_state *found, struct err *e) must_check;

/*
 * Make an IFB, up, with that MTU, MAC and alias. One that is there already is an error (EEXIST in
 * e->sys).
 */
int ifb_create(struct nl_sock *s, const char *name, uint32_t mtu,
	       const uint8_t mac[static MAC_BYTES], const char *alias, struct err *e) must_check;

/* Append the messages that do it. */
void put_shape(struct nl_batch *b, int link, const struct tbf *tbf);
void put_redirect(struct nl_batch *b, int link, int to);
void put_ifb(struct nl_batch *b, const char *name, uint32_t mtu,
	     const uint8_t mac[static MAC_BYTES]);

/* Add what an RTM_NEWQDISC or RTM_NEWTFILTER says about that link. */
void qdisc_read(struct qdisc_state *found, int link, const struct nlmsghdr *h);

#endif
