/*
 * Build nf_tables messages. Names are those of the kernel and of nft(8); what a rule looks like in
 * bytes is what nft and iptables-nft send, so that their listings read as if typed there.
 *
 *	nft_begin(b, generation);
 *	nft_rule_append(b, "accept pods", &(struct nft_at){NFPROTO_IPV4, "filter", "FORWARD"});
 *	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
 *		nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, &prefix);
 *		nft_counter(b);
 *		nft_verdict(b, NF_ACCEPT);
 *	}
 *	nft_commit(nf, b, e);
 *
 * What stands between nft_begin and nft_commit is carried out whole or not at all.
 */
#ifndef NETFILTER_NFT_H
#define NETFILTER_NFT_H

#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "netfilter/owner.h"
#include "netlink/batch.h"
#include "netlink/socket.h"

/* Of linux/netfilter.h and nf_nat.h, which cannot stand beside musl's netinet/in.h. */
enum { NFPROTO_INET = 1, NFPROTO_IPV4 = 2, NFPROTO_BRIDGE = 7, NFPROTO_IPV6 = 10 };
enum {
	NF_INET_PRE_ROUTING = 0,
	NF_INET_FORWARD = 2,
	NF_INET_LOCAL_OUT = 3,
	NF_INET_POST_ROUTING = 4,
	NF_BR_PRE_ROUTING = 0,
};
enum { NF_DROP = 0, NF_ACCEPT = 1 };
enum { NF_NAT_RANGE_PROTO_RANDOM_FULLY = 1 << 4 };

/* How often it is tried what others' changes get in the way of, in three seconds or so. */
#define NFT_TRIES 32

/* Longest comment that nft(8) takes and shows (NFTNL_UDATA_COMMENT_MAXLEN without its NUL). */
#define NFT_COMMENT_MAX 127

/* A chain, or with chain NULL a table. Borrowed. */
struct nft_at {
	uint8_t family; /* NFPROTO_* */
	const char *table;
	const char *chain;
};

/* NFPROTO_IPV4 or NFPROTO_IPV6 for 4 or 6. */
uint8_t nft_family(uint8_t ip_family);

/* Begin any nf_tables message. For nft_set.h, which has more of them. */
void nft_op(struct nl_batch *b, const char *label, unsigned type, uint16_t flags, uint8_t family);

/* --- changes ---------------------------------------------------------------------------------- */

/*
 * generation  refuse the batch (ERESTART) unless the ruleset is still that one; 0: whatever it is
 */
void nft_begin(struct nl_batch *b, uint32_t generation);
void nft_end(struct nl_batch *b);
/* End the batch and have it done (nl_apply). */
int nft_commit(struct nl_sock *nf, struct nl_batch *b, struct err *e) must_check;

/* Was e only that somebody else changed the rules meanwhile? Then forget it: look again. */
bool nft_overtaken(struct err *e);

/*
 * The same for a loop, "while (once(...)) if (!nft_again(&tries, e)) return -1": waits a little, the
 * longer the more tries there were. Gives false also when that was the last try, with e set
 * (ERR_TRY_AGAIN).
 */
bool nft_again(unsigned *tries, struct err *e);

void nft_table(struct nl_batch *b, const struct nft_at *at); /* make sure that it is there */
void nft_delete_table(struct nl_batch *b, const struct nft_at *at);

/* Make sure that the chain is there; policy accept. type is "filter" or "nat". */
void nft_base_chain(struct nl_batch *b, const struct nft_at *at, const char *type, uint32_t hook,
		    int32_t priority);

/* Make sure that a chain without a hook is there. */
void nft_chain(struct nl_batch *b, const struct nft_at *at);
void nft_flush_chain(struct nl_batch *b, const struct nft_at *at);
void nft_delete_chain(struct nl_batch *b, const struct nft_at *at);

/* Begin a rule at the end of the chain, or before the rule with that handle (0: before all). */
void nft_append_rule(struct nl_batch *b, const char *label, const struct nft_at *at);
void nft_insert_rule(struct nl_batch *b, const char *label, const struct nft_at *at,
		     uint64_t before);
void nft_delete_rule(struct nl_batch *b, const char *label, const struct nft_at *at,
		     uint64_t handle);

/*
 * End a rule with our mark: user data of a private type, which nft and iptables pass over, with a
 * digest of the table, the chain and the expressions as they were sent. A rule in the kernel never
 * changes, so an equal digest means an equal rule, whatever form the kernel dumps it in.
 *
 * comment  shown by nft, at most NFT_COMMENT_MAX bytes; NULL: none
 */
void nft_mark_rule(struct nl_batch *b, const char *comment);
/* The same with an owner's tag beside it; NULL: none. */
void nft_own_rule(struct nl_batch *b, const char *comment, const struct owner_tag *tag);

/* One of libnftnl's type-length-value entries (nftnl_udata) at p. Gives the place after it. */
unsigned char *nft_put_userdata(unsigned char *p, uint8_t type, const void *value, size_t len);

/* --- expressions, inside of NFTA_RULE_EXPRESSIONS --------------------------------------------- */

/* A block with the attributes of one expression. */
#define nft_expr(b, name)                                                                          \
	for (bool UNIQUE(x) = nft_expr_open(b, name); UNIQUE(x); UNIQUE(x) = nft_expr_close(b))
bool nft_expr_open(struct nl_batch *b, const char *name);
bool nft_expr_close(struct nl_batch *b);

/* All of them work on register 1, but for those that are told which to load. */
void nft_payload(struct nl_batch *b, enum nft_payload_bases base, uint32_t offset, uint32_t len);
void nft_payload_to(struct nl_batch *b, enum nft_registers to, enum nft_payload_bases base,
		    uint32_t offset, uint32_t len);
void nft_meta(struct nl_batch *b, enum nft_meta_keys key);
void nft_meta_to(struct nl_batch *b, enum nft_registers to, enum nft_meta_keys key);
void nft_bitwise(struct nl_batch *b, const void *mask, const void *flip, size_t len);
void nft_cmp(struct nl_batch *b, enum nft_cmp_ops cmp, const void *data, size_t len);
void nft_counter(struct nl_batch *b);
void nft_verdict(struct nl_batch *b, uint32_t code); /* NF_ACCEPT, NF_DROP */
void nft_jump(struct nl_batch *b, const char *chain);
void nft_masq(struct nl_batch *b, uint32_t flags); /* NF_NAT_RANGE_* */
/* To address and port in those registers. */
void nft_dnat(struct nl_batch *b, uint8_t family, uint32_t address, uint32_t port);
/* The key from register 1 on is in the set; is not; is in the map, whose value takes its place. */
enum nft_lookup { NFT_IN, NFT_NOT_IN, NFT_VALUE };
void nft_look_up(struct nl_batch *b, const char *set, enum nft_lookup what);
/* "meta mark set meta mark or BITS"; "meta mark and BITS == BITS". */
void nft_set_mark(struct nl_batch *b, uint32_t bits);
void nft_match_mark(struct nl_batch *b, uint32_t bits);
/* "fib daddr type local" */
void nft_match_local(struct nl_batch *b);
/* An extension of iptables: "-m NAME", its data as iptables has them in memory. */
void nft_match_extension(struct nl_batch *b, const char *name, uint32_t revision, const void *info,
			 size_t len);

/* Where an address stands in the packet. */
enum nft_side { NFT_SOURCE, NFT_DESTINATION };
uint32_t nft_address_offset(uint8_t ip_family, enum nft_side side);

/* "ip saddr PREFIX", "ip daddr != PREFIX". With /0, EQ adds nothing; NEQ matches no packet. */
void nft_match_prefix(struct nl_batch *b, enum nft_side side, enum nft_cmp_ops cmp,
		      const struct prefix *p);
/* "oifname != NAME": key is NFT_META_IIFNAME or NFT_META_OIFNAME. */
void nft_match_ifname(struct nl_batch *b, enum nft_meta_keys key, enum nft_cmp_ops cmp,
		      const char *name);
/* The same as iptables-nft writes it: without the zeros behind the name's end. */
void nft_match_ifname_short(struct nl_batch *b, enum nft_meta_keys key, enum nft_cmp_ops cmp,
			    const char *name);

/* --- questions, for nl_ask -------------------------------------------------------------------- */

void nft_get_generation(struct nl_batch *b);
void nft_get_table(struct nl_batch *b, const struct nft_at *at);
void nft_get_chain(struct nl_batch *b, const struct nft_at *at);
/* Dumps: the rules of a chain (or of all chains of a table), the chains of a family. */
void nft_list_rules(struct nl_batch *b, const struct nft_at *at);
void nft_list_chains(struct nl_batch *b, uint8_t family);

/*
 * Was e only that this kernel has no nf_tables, or not this family? Then forget it. It is what a
 * kernel answers to questions and to what is new to it: no refusal to delete what it has listed
 * means that.
 */
bool nft_unsupported(struct err *e);

/*
 * Open a NETLINK_NETFILTER socket. Where the kernel has no such thing, it stays closed, and whatever
 * is sent by it fails as nft_unsupported knows it.
 */
int nft_open(struct nl_sock *s, struct err *e) must_check;

#endif
