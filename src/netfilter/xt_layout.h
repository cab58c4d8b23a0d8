/*
 * Where things stand in the entries of IPv4's and IPv6's tables, so that one code serves both.
 * Shared by the files that implement xt_table.h.
 */
#ifndef NETFILTER_XT_LAYOUT_H
#define NETFILTER_XT_LAYOUT_H

#include <string.h>

#include "netfilter/xt_table.h"

#define XT_ENTRY_ALIGN 8 /* XT_ALIGN: of struct _xt_align in x_tables.h */

/* Offsets in struct ipt_entry and ip6t_entry. Addresses come first: source, destination, masks. */
struct xt_layout {
	uint8_t address; /* bytes of one */
	uint8_t interface, proto, flags, nfcache, target_offset, next_offset, counters;
	uint8_t head;	    /* bytes of the whole */
	uint8_t goto_flag;  /* "-g": no condition */
	uint8_t proto_flag; /* "-p": IPv6's wants to be told */
	uint8_t multirange; /* the target of MASQUERADE has a count before its range */
	uint8_t range;	    /* bytes of that target's data */
};
extern const struct xt_layout xt_layouts[2];

static inline const struct xt_layout *xt_layout(const struct xt_table *t)
{
	return &xt_layouts[t->family == 6];
}

static inline uint16_t xt_u16(const struct xt_table *t, uint32_t at)
{
	uint16_t v;

	memcpy(&v, t->entries + at, sizeof(v));
	return v;
}

/* Of the entry's target, from the entry on. */
static inline uint32_t xt_target_at(const struct xt_table *t, uint32_t at)
{
	return xt_u16(t, at + xt_layout(t)->target_offset);
}

/* The verdict of a standard target: negative ones are final, others offsets. */
bool xt_verdict(const struct xt_table *t, uint32_t at, int32_t *verdict);
void xt_set_verdict(struct xt_table *t, uint32_t at, int32_t verdict);

/* Is it what a policy may be: no condition, and a verdict that is final? */
bool xt_is_policy(const struct xt_table *t, uint32_t at);

/* The name in the entry's target; "": a verdict. */
const char *xt_target_name(const struct xt_table *t, uint32_t at);

/* In the order of struct ipt_ip and ip6t_ip6. */
enum xt_side { XT_SOURCE, XT_DESTINATION };
enum xt_interface { XT_IN, XT_OUT, XT_IN_MASK, XT_OUT_MASK };

static inline uint32_t xt_address_at(const struct xt_layout *l, enum xt_side side)
{
	return l->address * (uint32_t)side;
}

static inline uint32_t xt_mask_at(const struct xt_layout *l, enum xt_side side)
{
	return l->address * (2 + (uint32_t)side);
}

/* Bytes of an interface's name, IFNAMSIZ. */
#define XT_NAME 16
static inline uint32_t xt_interface_at(const struct xt_layout *l, enum xt_interface field)
{
	return l->interface + XT_NAME * (uint32_t)field;
}

/* Bytes that are being put together. */
struct xt_draft {
	unsigned char *bytes;
	const struct xt_layout *l;
	uint32_t len;
};
void xt_put_head(struct xt_draft *d, const struct xt_rule *rule);
void xt_put_extension(struct xt_draft *d, const char *name, uint8_t revision, const void *data,
		      size_t n); /* a match, or the target */
void xt_put_verdict(struct xt_draft *d, int32_t verdict);
uint32_t xt_finish(struct xt_draft *d, uint32_t target); /* gives how many bytes it is */

struct xt_parts {
	void (*matches)(struct xt_draft *d, const struct xt_rule *rule);
	bool (*target)(struct xt_draft *d, const struct xt_table *t, const struct xt_rule *rule);
};

/*
 * The bytes of a rule; gives how many. Those of a chain's two ends, the entry with its name and the
 * one that returns.
 *
 * t  has the chain that it jumps to, and says the family
 */
uint32_t xt_build(unsigned char bytes[static XT_RULE_MAX], const struct xt_table *t,
		  const struct xt_rule *rule);
uint32_t xt_build_chain(unsigned char bytes[static XT_RULE_MAX], const struct xt_table *t,
			const char *name);

/* Put bytes of that many entries in at an offset. */
void xt_put(struct xt_table *t, uint32_t at, const unsigned char *bytes, uint32_t n,
	    unsigned entries);
/* Take out what is from an offset up to another. */
void xt_cut(struct xt_table *t, uint32_t from, uint32_t to);

#endif
