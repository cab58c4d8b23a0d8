#include "net/nft_set.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "net/nft_read.h"
#include "netlink/attr.h"

/* libnftnl's entry in a set's user data for the byte order of its keys (NFTNL_UDATA_SET_*). */
#define UDATA_KEY_BYTE_ORDER 0

void nft_set(struct nl_batch *b, const struct nft_at *at, const struct nft_set_kind *kind)
{
	struct {
		uint8_t type, len;
		uint8_t value[4];
	} order = {UDATA_KEY_BYTE_ORDER, sizeof(order.value), {0}};

	memcpy(order.value, &kind->byte_order, sizeof(order.value));
	nft_op(b, "create set", NFT_MSG_NEWSET, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
	nl_str(b, NFTA_SET_NAME, kind->name);
	nl_be32(b, NFTA_SET_FLAGS, 0);
	nl_be32(b, NFTA_SET_KEY_TYPE, kind->key_type);
	nl_be32(b, NFTA_SET_KEY_LEN, kind->key_len);
	nl_be32(b, NFTA_SET_ID, 1); /* must be there; sets are spoken of by name */
	nl_put(b, NFTA_SET_USERDATA, &order, sizeof(order));
}

void nft_delete_set(struct nl_batch *b, const struct nft_at *at, const char *set)
{
	nft_op(b, "delete set", NFT_MSG_DELSET, 0, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
	nl_str(b, NFTA_SET_NAME, set);
}

static void put_element(struct nl_batch *b, const struct nft_at *at, const char *set,
			const void *key, size_t len, const char *comment)
{
	uint8_t data[2 + NFT_COMMENT_MAX + 1] = {NFT_UDATA_COMMENT};
	size_t n = comment ? strnlen(comment, NFT_COMMENT_MAX) : 0;

	nl_str(b, NFTA_SET_ELEM_LIST_TABLE, at->table);
	nl_str(b, NFTA_SET_ELEM_LIST_SET, set);
	nl_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS) {
		nl_nest(b, NFTA_LIST_ELEM) {
			nl_nest(b, NFTA_SET_ELEM_KEY)
				nl_put(b, NFTA_DATA_VALUE, key, len);
			if (comment) {
				data[1] = (uint8_t)(n + 1);
				memcpy(data + 2, comment, n);
				nl_put(b, NFTA_SET_ELEM_USERDATA, data, 2 + n + 1);
			}
		}
	}
}

void nft_add_element(struct nl_batch *b, const char *label, const struct nft_at *at,
		     const char *set, const void *key, size_t len, const char *comment)
{
	nft_op(b, label, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, at->family);
	put_element(b, at, set, key, len, comment);
}

void nft_delete_element(struct nl_batch *b, const char *label, const struct nft_at *at,
			const char *set, const void *key, size_t len)
{
	nft_op(b, label, NFT_MSG_DELSETELEM, 0, at->family);
	put_element(b, at, set, key, len, NULL);
}

void nft_lookup(struct nl_batch *b, const char *set, bool inverted)
{
	nft_expr(b, "lookup") {
		nl_str(b, NFTA_LOOKUP_SET, set);
		nl_be32(b, NFTA_LOOKUP_SREG, NFT_REG_1);
		if (inverted)
			nl_be32(b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	}
}

void nft_list_elements(struct nl_batch *b, const struct nft_at *at, const char *set)
{
	nft_op(b, "list elements", NFT_MSG_GETSETELEM, NLM_F_DUMP, at->family);
	nl_str(b, NFTA_SET_ELEM_LIST_TABLE, at->table);
	nl_str(b, NFTA_SET_ELEM_LIST_SET, set);
}

void nft_read_elements(const struct nlmsghdr *h,
		       void (*take)(const struct nft_element *x, void *arg), void *arg)
{
	const struct nlattr *list[NFTA_SET_ELEM_LIST_MAX + 1];

	nl_attrs_of(list, NFTA_SET_ELEM_LIST_MAX, h, sizeof(struct nfgenmsg));
	for (const struct nlattr *a = nl_first(list[NFTA_SET_ELEM_LIST_ELEMENTS]); a;
	     a = nl_following(list[NFTA_SET_ELEM_LIST_ELEMENTS], a)) {
		const struct nlattr *tb[NFTA_SET_ELEM_MAX + 1], *key[NFTA_DATA_MAX + 1];
		struct nft_userdata words = {.comment = NULL};
		struct nft_element x;
		const void *data;
		size_t n;

		nl_attrs_in(tb, NFTA_SET_ELEM_MAX, a);
		nl_attrs_in(key, NFTA_DATA_MAX, tb[NFTA_SET_ELEM_KEY]);
		x.key = nl_data(key[NFTA_DATA_VALUE], &x.len);
		data = nl_data(tb[NFTA_SET_ELEM_USERDATA], &n);
		nft_read_userdata(&words, data, n);
		x.comment = words.comment ? words.comment : "";
		if (x.key)
			take(&x, arg);
	}
}
