/*
 * Links: veth pairs, bridges, by name. s is a NETLINK_ROUTE socket of the namespace meant.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/names.h"
#include "netlink/socket.h"

#define LINK_KIND  16
#define LINK_ALIAS 256 /* IFALIASZ */

struct link {
	int index;  /* 0: there is no such link */
	int master; /* index of the bridge it is a port of; 0: none */
	int peer;   /* of a veth: index of the other end, in its own namespace */
	bool up;
	bool hears_ra;	/* takes IPv6 router advertisements (accept_ra), or nothing is told of it */
	unsigned flags; /* IFF_*: see below */
	uint32_t mtu;
	uint32_t queue; /* length of its transmit queue, in packets */
	uint8_t mac[MAC_BYTES];
	char name[LINK_NAME];
	char kind[LINK_KIND]; /* "veth", "bridge" ...; "" for hardware */
	char alias[LINK_ALIAS];
};

/* Up, and so is the other end. */
bool link_is_running(const struct link *link);
/* Promiscuous, taking all multicast: because it was told to, not because somebody listens. */
bool link_is_promiscuous(const struct link *link);
bool link_takes_multicast(const struct link *link);

/* Look a link up by name, or by index (0: none); link->index is 0 when there is none. */
int link_look(struct nl_sock *s, const char *name, struct link *link, struct err *e) must_check;
int link_look_index(struct nl_sock *s, int index, struct link *link, struct err *e) must_check;

/*
 * The index of the link of a name; 0: there is none. All that is told of a link takes the kernel many
 * times as long to say, and the lock under which links are made, which others may hold for
 * milliseconds. This takes neither.
 */
int link_index(struct nl_sock *s, const char *name, int *index, struct err *e) must_check;

/* Is a link that was of that index and name still so, and up? As cheap as that. */
bool link_is_still(struct nl_sock *s, int index, const char *name);

/* Is a link of that name up, but without a carrier, or the kernel yet to hear of it? As cheap. */
bool link_lacks_carrier(struct nl_sock *s, const char *name);

/* The MAC address that a link has now, into one that was looked up before. As cheap, too. */
int link_refresh_mac(struct nl_sock *s, struct link *link, struct err *e) must_check;

/* Fill *link from an RTM_NEWLINK message. */
void link_read(struct link *link, const struct nlmsghdr *h);

/* Append the question for a link by name. */
void put_link_question(struct nl_batch *b, const char *name);

/* A pod's veth pair, in the message that makes it. Texts are borrowed. */
struct pod_link {
	const char *host_name;
	uint8_t host_mac[MAC_BYTES];
	int bridge; /* index; 0: none */
	const char *pod_name;
	uint8_t pod_mac[MAC_BYTES]; /* all zero: the kernel chooses one */
	int netns;		    /* descriptor of the pod's namespace; -1: this one */
	uint32_t mtu;		    /* 0: the kernel's default */
};

/*
 * Append the pair: host end up and in the bridge, pod end in the pod's namespace under its final
 * name, still down (the kernel refuses to raise it in the same message).
 */
void put_pod_link(struct nl_batch *b, const struct pod_link *l);

/*
 * Append: give a link an alias ("" removes it), by its name, or with name NULL by its index. (The
 * message that makes one takes none.)
 */
void put_alias(struct nl_batch *b, const char *name, int index, const char *alias);

/* Append: raise a link. */
void put_raise(struct nl_batch *b, int index);

/*
 * nl_apply for a batch that makes a link, naming the kernel option that may be lacking: its own words
 * say that it cannot, not what would help.
 */
int link_create(struct nl_sock *s, struct nl_batch *b, const char *option,
		struct err *e) must_check;

/* For the files that build what this one does not know: a message's fixed header. */
void put_ifinfo(struct nl_batch *b, uint8_t family, int index, unsigned flags);

/* Change a link: raise it, lower it; give it an alias ("" removes it). */
int link_raise(struct nl_sock *s, int index, struct err *e) must_check;
int link_lower(struct nl_sock *s, int index, struct err *e) must_check;
int link_set_alias(struct nl_sock *s, int index, const char *alias, struct err *e) must_check;

/* What is to be changed of a link. Begin with LINK_UNCHANGED. */
struct link_change {
	const uint8_t *mac;	   /* NULL: leave it */
	uint32_t mtu;		   /* 0: leave it */
	int promiscuous, allmulti; /* 0, 1; -1: leave it */
	int64_t queue;		   /* -1: leave it */
};
#define LINK_UNCHANGED                                                                             \
	{                                                                                          \
		.promiscuous = -1, .allmulti = -1, .queue = -1                                     \
	}
int link_change(struct nl_sock *s, int index, const struct link_change *c,
		struct err *e) must_check;

/* Remove a link and wait until all of it is gone, RCU grace periods (about 20 ms) included. */
int link_remove(struct nl_sock *s, int index, struct err *e) must_check;

/*
 * Remove a link and return as soon as the kernel announces that it is gone, never earlier. A child
 * process, which holds none of our descriptors, waits out the grace periods. Whoever has
 * other work does it before: beside the kernel's it is no faster (measured with two processors).
 *
 * held   but for this one, by which rules have been removed (nl_close); NULL: none
 * index  0: there is nothing to remove
 */
int link_remove_quickly(struct nl_sock *s, struct nl_sock *held, int index,
			struct err *e) must_check;

/* The links of the namespace, at most max of them; *count says how many there are in list. */
int link_list(struct nl_sock *s, struct link *list, unsigned max, unsigned *count,
	      struct err *e) must_check;

/* Visit each link of a kind (NULL: of any); some twice, if links change meanwhile. */
int link_each(struct nl_sock *s, const char *kind,
	      void (*visit)(const struct link *link, void *arg), void *arg,
	      struct err *e) must_check;

/* The names of the ports of a bridge, separated by spaces, clipped to size; *count has their number. */
int link_ports(struct nl_sock *s, int bridge, char *names, size_t size, unsigned *count,
	       struct err *e) must_check;

#endif
