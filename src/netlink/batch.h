/*
 * Build netlink messages: rtnetlink and nf_tables alike. Knows no CNI and no socket.
 *
 *	nl_op(b, "create veth pair", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
 *	nl_head(b, &(struct ifinfomsg){.ifi_flags = IFF_UP}, sizeof(struct ifinfomsg));
 *	nl_str(b, IFLA_IFNAME, "veth0");
 *	nl_nest(b, IFLA_LINKINFO)
 *		nl_str(b, IFLA_INFO_KIND, "veth");
 *
 * Appending gives nothing back: the first fault (buffer full, nest left open) sticks and is
 * reported once, by the socket when the batch is sent, under the label of its operation.
 */
#ifndef NETLINK_BATCH_H
#define NETLINK_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * One batch: 16 KiB and 96 operations hold the whole ruleset of a network in both families (about
 * 30 operations, 4 KiB) with room for the per-pod objects.
 */
#define NL_BATCH_BYTES 16384
#define NL_BATCH_OPS   96
#define NL_NEST_MAX    8 /* an nft expression's data is the deepest: 6 */

struct nl_batch {
	size_t len;
	unsigned ops;
	unsigned depth;
	bool removes;	   /* takes something out of nf_tables */
	unsigned silent;   /* operations at the end that older kernels never acknowledge */
	const char *fault; /* the first one; NULL: none */
	unsigned fault_op;
	uint32_t start[NL_BATCH_OPS];	 /* offset of each message */
	const char *label[NL_BATCH_OPS]; /* borrowed: literals */
	uint32_t nest[NL_NEST_MAX];	 /* offsets of open nests */
	_Alignas(8) unsigned char buf[NL_BATCH_BYTES];
};

/* Make b empty. */
void nl_batch_init(struct nl_batch *b);

/*
 * Begin the next message. NLM_F_REQUEST is implied; the socket asks for acknowledgements.
 *
 * label  what it does, for messages and traces; borrowed
 * flags  NLM_F_CREATE and the like
 */
void nl_op(struct nl_batch *b, const char *label, uint16_t type, uint16_t flags);

/* The family's fixed header (struct ifinfomsg, nfgenmsg ...), right after nl_op. */
void nl_head(struct nl_batch *b, const void *head, size_t n);

void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t n);
void nl_str(struct nl_batch *b, uint16_t type, const char *s); /* with its NUL */
void nl_u8(struct nl_batch *b, uint16_t type, uint8_t v);
void nl_u16(struct nl_batch *b, uint16_t type, uint16_t v);
void nl_u32(struct nl_batch *b, uint16_t type, uint32_t v);
void nl_be16(struct nl_batch *b, uint16_t type, uint16_t v); /* host order in, network order out */
void nl_be32(struct nl_batch *b, uint16_t type, uint32_t v);
void nl_be64(struct nl_batch *b, uint16_t type, uint64_t v);

/* A block whose attributes are nested in one of that type. Leaving it by break is a fault. */
#define nl_nest(b, type)                                                                           \
	for (bool UNIQUE(n) = nl_nest_open(b, type); UNIQUE(n); UNIQUE(n) = nl_nest_close(b))
bool nl_nest_open(struct nl_batch *b, uint16_t type); /* gives true */
bool nl_nest_close(struct nl_batch *b);		      /* gives false */

/*
 * Complete the last message. Called by the socket; here for tests that look at the bytes.
 * Gives NULL, or the first fault in words, with *op its index.
 */
const char *nl_batch_finish(struct nl_batch *b, unsigned *op);

#endif
