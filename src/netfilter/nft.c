#include "netfilter/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netfilter/nft_read.h"

uint8_t nft_family(uint8_t ip_family)
{
	return ip_family == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

static void begin(struct nl_batch *b, const char *label, unsigned type, uint16_t flags,
		  uint8_t family, uint16_t resource)
{
	struct nfgenmsg head = {
		.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};

	nl_op(b, label, (uint16_t)type, flags);
	nl_head(b, &head, sizeof(head));
}

static bool removes(unsigned type)
{
	return type == NFT_MSG_DELTABLE || type == NFT_MSG_DELCHAIN || type == NFT_MSG_DELRULE ||
	       type == NFT_MSG_DELSET || type == NFT_MSG_DELSETELEM;
}

void nft_op(struct nl_batch *b, const char *label, unsigned type, uint16_t flags, uint8_t family)
{
	begin(b, label, NFNL_SUBSYS_NFTABLES << 8 | type, flags, family, 0);
	b->removes |= removes(type);
}

/* --- changes ---------------------------------------------------------------------------------- */

void nft_begin(struct nl_batch *b, uint32_t generation)
{
	begin(b, "begin a change of rules", NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
	if (generation)
		nl_be32(b, NFNL_BATCH_GENID, generation);
}

void nft_end(struct nl_batch *b)
{
	begin(b, "end a change of rules", NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
	/* nfnetlink acknowledges it since Linux 6.10 only: let the last change be waited for. */
	b->silent = 1;
}

int nft_commit(struct nl_sock *nf, struct nl_batch *b, struct err *e)
{
	nft_end(b);
	return nl_apply(nf, b, e);
}

bool nft_overtaken(struct err *e)
{
	/* ERESTART: the generation passed; EINTR: a dump changed while it was read. */
	if (e->sys != ERESTART && e->sys != EINTR)
		return false;
	err_clear(e);
	return true;
}

/*
 * Let others go first, each try twice as long, at most 134 ms: ever fewer come at once. Without
 * that, of many who change rules the same one can lose every time, as who has just won comes back
 * at once. Times are those of Knuth's multiplicative hash: of processes that follow each other they
 * are far apart.
 */
static void step_aside(unsigned tries)
{
	unsigned bits = tries < 11 ? 16 + tries : 27;
	uint32_t drawn = ((uint32_t)getpid() + tries) * 0x9e3779b1u;

	nanosleep(&(struct timespec){.tv_nsec = drawn >> (32 - bits)}, NULL);
}

bool nft_again(unsigned *tries, struct err *e)
{
	if (!nft_overtaken(e))
		return false;
	if (++*tries < NFT_TRIES) {
		step_aside(*tries);
		return true;
	}
	err_set(e, ERR_TRY_AGAIN, "look at the rules, or change them",
		"others changed the ruleset %d times meanwhile", NFT_TRIES);
	return false;
}

void nft_table(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "create table", NFT_MSG_NEWTABLE, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_TABLE_NAME, at->table);
	nl_be32(b, NFTA_TABLE_FLAGS, 0);
}

void nft_delete_table(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "delete table", NFT_MSG_DELTABLE, 0, at->family);
	nl_str(b, NFTA_TABLE_NAME, at->table);
}

void nft_base_chain(struct nl_batch *b, const struct nft_at *at, const char *type, uint32_t hook,
		    int32_t priority)
{
	nft_op(b, "create chain", NFT_MSG_NEWCHAIN, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_CHAIN_TABLE, at->table);
	nl_str(b, NFTA_CHAIN_NAME, at->chain);
	nl_str(b, NFTA_CHAIN_TYPE, type);
	nl_be32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nl_nest(b, NFTA_CHAIN_HOOK) {
		nl_be32(b, NFTA_HOOK_HOOKNUM, hook);
		nl_be32(b, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	}
}

void nft_chain(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "create chain", NFT_MSG_NEWCHAIN, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_CHAIN_TABLE, at->table);
	nl_str(b, NFTA_CHAIN_NAME, at->chain);
}

static void put_rule_place(struct nl_batch *b, const struct nft_at *at)
{
	nl_str(b, NFTA_RULE_TABLE, at->table);
	if (at->chain)
		nl_str(b, NFTA_RULE_CHAIN, at->chain);
}

void nft_flush_chain(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "flush chain", NFT_MSG_DELRULE, 0, at->family);
	put_rule_place(b, at);
}

void nft_delete_chain(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "delete chain", NFT_MSG_DELCHAIN, 0, at->family);
	nl_str(b, NFTA_CHAIN_TABLE, at->table);
	nl_str(b, NFTA_CHAIN_NAME, at->chain);
}

void nft_append_rule(struct nl_batch *b, const char *label, const struct nft_at *at)
{
	nft_op(b, label, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, at->family);
	put_rule_place(b, at);
}

void nft_insert_rule(struct nl_batch *b, const char *label, const struct nft_at *at,
		     uint64_t before)
{
	nft_op(b, label, NFT_MSG_NEWRULE, NLM_F_CREATE, at->family);
	put_rule_place(b, at);
	if (before)
		nl_be64(b, NFTA_RULE_POSITION, before);
}

void nft_delete_rule(struct nl_batch *b, const char *label, const struct nft_at *at,
		     uint64_t handle)
{
	nft_op(b, label, NFT_MSG_DELRULE, 0, at->family);
	put_rule_place(b, at);
	nl_be64(b, NFTA_RULE_HANDLE, handle);
}

/*
 * FNV-1a, of words, as attributes are padded to such: to tell versions of a rule apart, not to
 * withstand anybody.
 */
static uint64_t digest(const unsigned char *p, const unsigned char *end)
{
	uint64_t h = 0xcbf29ce484222325u;
	uint32_t word;

	for (; p < end; p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * 0x100000001b3u;
	}
	return h;
}

unsigned char *nft_put_userdata(unsigned char *p, uint8_t type, const void *value, size_t len)
{
	p[0] = type;
	p[1] = (uint8_t)len;
	memcpy(p + 2, value, len);
	return p + 2 + len;
}

void nft_mark_rule(struct nl_batch *b, const char *comment)
{
	nft_own_rule(b, comment, NULL);
}

void nft_own_rule(struct nl_batch *b, const char *comment, const struct owner_tag *tag)
{
	unsigned char data[NFT_USERDATA_MAXLEN];
	unsigned char *end = data;
	struct nft_mark mark = {.magic = NFT_MARK_MAGIC};

	if (b->fault || b->ops == 0)
		return;
	mark.digest = digest(b->buf + b->start[b->ops - 1] + NLMSG_HDRLEN, b->buf + b->len);
	if (comment) {
		char text[NFT_COMMENT_MAX + 1] = "";

		strncat(text, comment, NFT_COMMENT_MAX);
		end = nft_put_userdata(end, NFT_UDATA_COMMENT, text, strlen(text) + 1);
	}
	end = nft_put_userdata(end, NFT_UDATA_MARK, &mark, sizeof(mark));
	if (tag)
		end = nft_put_userdata(end, NFT_UDATA_OWNER, tag, sizeof(*tag));
	nl_put(b, NFTA_RULE_USERDATA, data, (size_t)(end - data));
}

/* --- questions -------------------------------------------------------------------------------- */

void nft_get_generation(struct nl_batch *b)
{
	nft_op(b, "read the generation of the rules", NFT_MSG_GETGEN, 0, 0);
}

void nft_get_table(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "read table", NFT_MSG_GETTABLE, 0, at->family);
	nl_str(b, NFTA_TABLE_NAME, at->table);
}

void nft_get_chain(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "read chain", NFT_MSG_GETCHAIN, 0, at->family);
	nl_str(b, NFTA_CHAIN_TABLE, at->table);
	nl_str(b, NFTA_CHAIN_NAME, at->chain);
}

void nft_list_rules(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "list rules", NFT_MSG_GETRULE, NLM_F_DUMP, at->family);
	put_rule_place(b, at);
}

void nft_list_chains(struct nl_batch *b, uint8_t family)
{
	nft_op(b, "list chains", NFT_MSG_GETCHAIN, NLM_F_DUMP, family);
}

int nft_open(struct nl_sock *s, struct err *e)
{
	if (nl_open(s, NL_NETFILTER, e) == 0)
		return 0;
	return nft_unsupported(e) ? 0 : -1;
}

bool nft_unsupported(struct err *e)
{
	/* EINVAL is what nfnetlink_rcv_msg answers for a subsystem that is not there. */
	if (e->sys != EINVAL && e->sys != EOPNOTSUPP && e->sys != EPROTONOSUPPORT &&
	    e->sys != EAFNOSUPPORT)
		return false;
	err_clear(e);
	return true;
}
