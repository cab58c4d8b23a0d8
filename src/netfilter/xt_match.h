/*
 * Matches and targets of iptables, met in legacy tables and, in the same bytes, in nf_tables' compat
 * expressions: do they hold for a packet?
 */
#ifndef NETFILTER_XT_MATCH_H
#define NETFILTER_XT_MATCH_H

#include <stddef.h>

#include "net/packet.h"

/* data: n bytes of the match's own, as revision says they are laid out. */
enum answer xt_match_holds(const struct packet *p, const char *name, unsigned revision,
			   const void *data, size_t n);

enum xt_effect {
	XT_GOES_ON, /* counts, logs, marks: the next rule is met */
	XT_REJECTS,
	XT_TRANSLATES, /* the source */
	XT_UNKNOWN,
};

/* What a target other than a verdict does to the packet; a mark that it sets is noted in it. */
enum xt_effect xt_target_effect(struct packet *p, const char *name, unsigned revision,
				const void *data, size_t n);

#endif
