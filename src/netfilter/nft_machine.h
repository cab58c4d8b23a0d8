/*
 * The registers of nf_tables while one rule meets a packet: which of their bits are known, and what
 * is known of the rule's conditions so far. Shared by nft_match.c and nft_load.c.
 */
#ifndef NETFILTER_NFT_MACHINE_H
#define NETFILTER_NFT_MACHINE_H

#include "netfilter/nft_match.h"

#define REGISTER_BYTES 64 /* NFT_REG_1 to _4 of 16 bytes, or 16 of 4 */

struct nft_machine {
	struct nft_dump *dump;
	const struct nft_chain *chain;
	struct packet *packet;
	struct rule_result result;
	uint8_t value[REGISTER_BYTES];
	uint8_t known[REGISTER_BYTES]; /* bits that are */
};

/* Offset of a register with room for n bytes; -1: there is none such (or it is the verdict). */
int nft_machine_place(uint32_t reg, size_t n);

/*
 * Load n bytes into the register that an attribute names; the rest of the last word is zero, as the
 * kernel has it.
 *
 * known  bits that are, n bytes; NULL: all
 */
void nft_machine_load(struct nft_machine *m, const struct nlattr *reg, const void *value,
		      const uint8_t *known, size_t n);

/* Of n bytes of that register nothing is known; of no register. */
void nft_machine_forget(struct nft_machine *m, const struct nlattr *reg, size_t n);
void nft_machine_forget_all(struct nft_machine *m);

/* One more condition of the rule; one that is not understood, which may have loaded anything. */
void nft_condition(struct nft_machine *m, enum answer a);
void nft_unknown_condition(struct nft_machine *m, const struct nlattr *data);

/* Expressions that load registers, or change them: data is NFTA_EXPR_DATA. */
typedef void nft_expression_fn(struct nft_machine *m, const struct nlattr *data);
nft_expression_fn nft_load_payload, nft_load_meta, nft_load_ct, nft_load_fib;
nft_expression_fn nft_change_bits, nft_change_order;

#endif
