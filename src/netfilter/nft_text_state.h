/*
 * A rule's text while its expressions are read. Shared by nft_text.c and nft_text_action.c.
 */
#ifndef NETFILTER_NFT_TEXT_STATE_H
#define NETFILTER_NFT_TEXT_STATE_H

#include "base/compiler.h"
#include "netfilter/nft_value.h"

/* A rule as it is read: what was loaded last waits for the comparison that says what it is for. */
struct nft_text {
	char *out;
	size_t size, n;
	bool unknown; /* an expression or a value that is not known here */
	struct nft_dump *dump;
	const struct nft_chain *chain;

	struct nft_operand operand; /* kind VALUE_NONE: nothing is loaded */
	uint32_t reg;
	const uint8_t *mask;  /* laid over it; NULL: none */
	const uint8_t *least; /* ">=", which with "<=" makes a range */
	size_t value_len;

	/* "meta nfproto", "meta l4proto": not shown where what follows says as much. */
	uint8_t nfproto, l4proto;
	bool nfproto_waits, l4proto_waits;
	bool by_ethertype; /* nfproto is from "meta protocol", as chains of bridges have it */

	struct ip translated; /* an address in a register, for snat */
};

/* Add a word or more, behind a blank. */
void nft_text_add(struct nft_text *t, const char *fmt, ...) print_format(2, 3);
/* Show what waited, as nothing that follows implies it. */
void nft_text_release(struct nft_text *t);

/* What a rule does: data is NFTA_EXPR_DATA. */
typedef void nft_text_fn(struct nft_text *t, const struct nlattr *data);
nft_text_fn nft_text_immediate, nft_text_nat, nft_text_masq, nft_text_reject, nft_text_log;
nft_text_fn nft_text_counter, nft_text_target;

#endif
