/*
 * A packet that is thought of, not sent: an echo request or its reply, as netfilter would meet it at
 * one hook. What rules do to it is found without sending anything.
 */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"

/* Does a condition hold for the packet? MAYBE: it asks what is not known, or is not understood. */
enum answer { ANSWER_NO, ANSWER_MAYBE, ANSWER_YES };

/* Texts are borrowed. */
struct packet {
	struct ip source, destination;
	bool reply;   /* the echo reply of an established flow; else a request, a new one */
	bool bridged; /* from port to port of a bridge, not routed */
	bool from_local, to_local; /* source, destination is an address of the node's own */
	const char *iif, *oif;	   /* names; "" where the hook knows none */
	int iif_index, oif_index;
	const char *bridge; /* that both are ports of, in the bridge family; else "" */
	bool untracked;	    /* before connection tracking has seen it */
	uint32_t mark;
	bool mark_known; /* until a rule changes it in a way that cannot be followed */
};

/* Numbers of the protocols; <linux/icmp.h> cannot stand beside musl's headers. */
enum { PACKET_ICMP = 1, PACKET_ICMP6 = 58 };
static inline uint8_t packet_protocol(const struct packet *p)
{
	return p->source.family == 6 ? PACKET_ICMP6 : PACKET_ICMP;
}
/* RFC 792, RFC 4443: echo request and reply. */
static inline uint8_t packet_icmp_type(const struct packet *p)
{
	if (p->source.family == 6)
		return p->reply ? 129 : 128;
	return p->reply ? 0 : 8;
}

static inline enum answer answer_of(bool yes)
{
	return yes ? ANSWER_YES : ANSWER_NO;
}
static inline enum answer answer_not(enum answer a)
{
	return (enum answer)(ANSWER_YES - a);
}
/* Both must hold. */
static inline enum answer answer_and(enum answer a, enum answer b)
{
	return a < b ? a : b;
}

/* What rules do to the packet in the end. */
enum fate {
	FATE_PASS,
	FATE_DROP,
	FATE_REJECT,
	FATE_NAT, /* its source is translated */
};

#define FATE_TABLE 80
#define FATE_CHAIN 80
#define FATE_RULE  400

/* The rule, or the policy, that the packet's fate comes of. */
struct verdict {
	enum fate fate;
	bool certain;	    /* else something on the way to it is not understood: it may */
	bool by_policy;	    /* rule and handle are then empty */
	bool unconditional; /* the rule asks for nothing but perhaps the family */
	bool legacy;	    /* of legacy iptables: handle is then the number in its chain */
	uint64_t handle;
	char table[FATE_TABLE]; /* "ip filter", "inet firewalld"; legacy: "filter" */
	char base[FATE_CHAIN];	/* the chain at the hook ... */
	char chain[FATE_CHAIN]; /* ... and the one that the rule is in */
	char rule[FATE_RULE];	/* as text */
};

#endif
