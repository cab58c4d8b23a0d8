/*
 * Read dumped nf_tables objects, as far as it takes to see what a rule does to a prefix. Bytes in,
 * structs out: no socket. Texts in the structs are borrowed from the message.
 */
#ifndef NETFILTER_NFT_READ_H
#define NETFILTER_NFT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "netfilter/owner.h"

struct nlattr;
struct nlmsghdr;

/*
 * Types of user data entries in a rule or an element. nft and iptables know 0 (comment) and 1 (ebtables policy)
 * and pass over the rest (parse_rule_udata_cb in nft, parse_udata_cb in iptables).
 */
enum {
	NFT_UDATA_COMMENT = 0,
	NFT_UDATA_MARK = 0xcb,
	NFT_UDATA_OWNER = 0xcc,
	NFT_UDATA_NOTE = 0xcd
};

#define NFT_MARK_MAGIC "cnibox"
struct nft_mark {
	char magic[8];
	uint64_t digest; /* of the rule as it was sent (nft_mark_rule) */
};

/* User data, read. */
struct nft_userdata {
	const char *comment; /* of nft's form, borrowed; NULL: none */
	bool ours;	     /* has our mark */
	uint64_t digest;     /* of the mark */
	bool owned;	     /* has an owner's tag */
	struct owner_tag owner;
	const void *note; /* bytes beside it, borrowed; NULL: none */
	size_t note_len;
};

enum nft_action {
	NFT_ACTION_NONE, /* counts, logs, or something that is not decoded */
	NFT_ACTION_ACCEPT,
	NFT_ACTION_DROP,
	NFT_ACTION_REJECT,
	NFT_ACTION_JUMP, /* or goto: to target */
	NFT_ACTION_RETURN,
	NFT_ACTION_MASQUERADE,
	NFT_ACTION_SNAT,
	NFT_ACTION_TARGET, /* another extension of iptables: target is its name */
};

struct nft_match_address {
	bool set, negated;
	struct prefix prefix;
};

struct nft_match_name {
	bool negated;
	const char *name; /* NULL: no such condition */
};

struct nft_rule {
	uint8_t family; /* NFPROTO_* of its table */
	uint8_t only;	/* "meta nfproto": NFPROTO_IPV4 or _IPV6; 0: any */
	const char *table, *chain;
	uint64_t handle;
	struct nft_match_address source, destination;
	struct nft_match_name iifname, oifname;
	bool other;		       /* has a condition that the fields above do not hold */
	const char *extension;	       /* the last extension of iptables among those; NULL: none */
	const uint8_t *extension_data; /* as iptables has it in memory; NULL: none, or not known */
	size_t extension_len;
	enum nft_action action;
	const char *target;
	const char *comment;	/* of nft's form; NULL: none */
	const char *xt_comment; /* of iptables' form; NULL: none */
	bool ours;		/* has our mark */
	uint64_t digest;	/* of the mark */
	bool owned;		/* has an owner's tag */
	struct owner_tag owner;
};

struct nft_chain {
	uint8_t family;
	const char *table, *name;
	bool base; /* is hooked; the following are 0 or "" if not */
	const char *type;
	uint32_t hook;
	int32_t priority;
	bool drops; /* policy drop */
};

void nft_read_userdata(struct nft_userdata *out, const void *data, size_t len);

/* Fill *rule from an NFT_MSG_NEWRULE (*chain from an NFT_MSG_NEWCHAIN); false: it is too short. */
bool nft_read_rule(struct nft_rule *rule, const struct nlmsghdr *h);
bool nft_read_chain(struct nft_chain *chain, const struct nlmsghdr *h);
/* The generation in an NFT_MSG_NEWGEN; 0 if there is none. */
uint32_t nft_read_generation(const struct nlmsghdr *h);

/*
 * The parts of nft_read_rule: they add to what is in *rule.
 *
 * expressions  NFTA_RULE_EXPRESSIONS; NULL: none
 */
void nft_read_expressions(struct nft_rule *rule, const struct nlattr *expressions);

/*
 * An extension of iptables, by its name: a target, or a match and its data (a comment is no condition).
 */
void nft_read_target(struct nft_rule *rule, const char *name);
void nft_read_match(struct nft_rule *rule, const char *name, const void *data, size_t len);

/* Length of the prefix that a mask of len bytes stands for; -1: none. */
int nft_mask_bits(const uint8_t *mask, size_t len);

/* 4 or 6, as its table's family or a condition on the protocol says; 0: both. */
uint8_t nft_rule_ip_family(const struct nft_rule *rule);
/* Does it see packets of that address family? In an inet table it may be for the other one. */
bool nft_rule_concerns(const struct nft_rule *rule, uint8_t ip_family);

/* Has it a condition beyond addresses and their family? */
bool nft_rule_narrowed(const struct nft_rule *rule);
/* Has it no condition but on the family? */
bool nft_rule_unconditional(const struct nft_rule *rule);
/* Does it hold for whatever comes from (goes to) any address of p? */
bool nft_rule_admits_source(const struct nft_rule *rule, const struct prefix *p);
bool nft_rule_admits_destination(const struct nft_rule *rule, const struct prefix *p);
/* Does the condition, if there is one, hold for every address of p? */
bool nft_address_covers(const struct nft_match_address *m, const struct prefix *p);

#endif
