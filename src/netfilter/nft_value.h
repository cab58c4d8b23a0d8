/*
 * What the registers of nf_tables are loaded with, and its values, in nft's words.
 */
#ifndef NETFILTER_NFT_VALUE_H
#define NETFILTER_NFT_VALUE_H

#include "netfilter/nft_dump.h"

#define VALUE_TEXT 64

enum value_kind {
	VALUE_NONE, /* not known here */
	VALUE_ADDRESS4,
	VALUE_ADDRESS6,
	VALUE_NAME,   /* of an interface */
	VALUE_INDEX,  /* of an interface */
	VALUE_NUMBER, /* big endian, as it stands in packets */
	VALUE_MARK,   /* host order, in hexadecimal */
	VALUE_NFPROTO,
	VALUE_ETHERTYPE,
	VALUE_PROTOCOL, /* of layer 4 */
	VALUE_ICMP,	/* type */
	VALUE_ICMP6,
	VALUE_STATE, /* bits, of connection tracking */
	VALUE_PACKET_TYPE,
	VALUE_ADDRESS_TYPE,
};

struct nft_operand {
	const char *words; /* "ip saddr" */
	enum value_kind kind;
	bool meta;
};

/* What an expression loads; kind VALUE_NONE if it has no words here. */
struct nft_operand nft_payload_operand(uint8_t nfproto, uint8_t l4proto, uint32_t base,
				       uint32_t offset, uint32_t len);
struct nft_operand nft_meta_operand(uint32_t key);
struct nft_operand nft_ct_operand(uint32_t key);
struct nft_operand nft_fib_operand(uint32_t result, uint32_t flags);

/* A value (an address may be cut to the bytes of its prefix) as text; false: it has none. */
bool nft_value_format(char text[static VALUE_TEXT], enum value_kind kind, const uint8_t *value,
		      size_t n);

/* "{ 10.0.0.0/8, 12.1.2.3 }"; false: too long, or with what has no text. */
bool nft_set_format(char *out, size_t size, enum value_kind kind, const struct nft_kept_set *s);

#endif
