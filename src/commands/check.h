/*
 * What cni-check works with: the walkthrough's six kinds of targets, and why one is silent.
 */
#ifndef COMMANDS_CHECK_H
#define COMMANDS_CHECK_H

#include "base/err.h"
#include "net/netns.h"
#include "net/node.h"
#include "net/ping.h"

enum check_kind {
	CHECK_OWN_HOST,
	CHECK_OTHER_HOST,
	CHECK_OWN_POD,
	CHECK_POD_HERE,
	CHECK_POD_ELSEWHERE,
	CHECK_OUTSIDE,
	CHECK_KINDS,
};

struct check_target {
	enum check_kind kind;
	bool too_big; /* a small packet is answered, a full-sized one is lost */
	char cause[320], fix[320];
};

#define CHECK_TARGETS_MAX PING_MAX

struct check {
	struct pod_network net;
	struct node_sockets host;
	struct netns netns;
	struct nl_sock pod;
	bool in_pod;	      /* pings start in a pod, not on the node */
	struct link pod_link; /* the one with the pod's address */
	uint32_t uplink_mtu;  /* 0: unknown */
	int bridge;	      /* index, once check_diagnose has looked */

	struct check_target target[CHECK_TARGETS_MAX];
	struct ping ping[CHECK_TARGETS_MAX]; /* one per target */
	unsigned count;
};

/*
 * Say in the cause of target[i] why its ping is not answered, as far as looking around tells, and
 * in its fix what mends it. Changes nothing.
 */
int check_diagnose(struct check *c, unsigned i, struct err *e) must_check;

#endif
