#include "netfilter/nft_set.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "netfilter/nft_read.h"
#include "netlink/attr.h"

/* libnftnl's entry in a set's user data for the byte order of its keys (NFTNL_UDATA_SET_*). */
#define UDATA_KEY_BYTE_ORDER 0

/* --- changes ---------------------------------------------------------------------------------- */

void nft_set(struct nl_batch *b, const struct nft_at *at, const struct nft_set_kind *kind)
{
	unsigned char order[2 + sizeof(kind->byte_order)];

	nft_put_userdata(order, UDATA_KEY_BYTE_ORDER, &kind->byte_order, sizeof(kind->byte_order));
	nft_op(b, "create set", NFT_MSG_NEWSET, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
	nl_str(b, NFTA_SET_NAME, kind->name);
	nl_be32(b, NFTA_SET_FLAGS, kind->data_len ? NFT_SET_MAP : 0);
	nl_be32(b, NFTA_SET_KEY_TYPE, kind->key_type);
	nl_be32(b, NFTA_SET_KEY_LEN, kind->key_len);
	if (kind->data_len) {
		nl_be32(b, NFTA_SET_DATA_TYPE, kind->data_type);
		nl_be32(b, NFTA_SET_DATA_LEN, kind->data_len);
	}
	nl_be32(b, NFTA_SET_ID, 1); /* must be there; sets are spoken of by name */
	if (kind->byte_order)
		nl_put(b, NFTA_SET_USERDATA, order, sizeof(order));
}

void nft_delete_set(struct nl_batch *b, const struct nft_at *at, const char *set)
{
	nft_op(b, "delete set", NFT_MSG_DELSET, 0, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
	nl_str(b, NFTA_SET_NAME, set);
}

static void begin_elements(struct nl_batch *b, const char *label, unsigned type, uint16_t flags,
			   const struct nft_at *at, const char *set)
{
	nft_op(b, label, type, flags, at->family);
	nl_str(b, NFTA_SET_ELEM_LIST_TABLE, at->table);
	nl_str(b, NFTA_SET_ELEM_LIST_SET, set);
}

bool nft_elements_open(struct nl_batch *b, const char *label, const struct nft_at *at,
		       enum nft_element_verb verb, const char *set)
{
	static const struct {
		uint8_t type;
		uint16_t flags;
	} verbs[] = {
		[NFT_ADD] = {NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL},
		[NFT_PUT] = {NFT_MSG_NEWSETELEM, NLM_F_CREATE},
		[NFT_DELETE] = {NFT_MSG_DELSETELEM, 0},
	};

	begin_elements(b, label, verbs[verb].type, verbs[verb].flags, at, set);
	return nl_nest_open(b, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void put_userdata(struct nl_batch *b, const struct nft_element *x)
{
	unsigned char data[NFT_USERDATA_MAXLEN], *end = data;
	char comment[NFT_COMMENT_MAX + 1] = "";

	if (x->comment) {
		strncat(comment, x->comment, NFT_COMMENT_MAX);
		end = nft_put_userdata(end, NFT_UDATA_COMMENT, comment, strlen(comment) + 1);
	}
	if (x->owned)
		end = nft_put_userdata(end, NFT_UDATA_OWNER, &x->tag, sizeof(x->tag));
	if (x->note)
		end = nft_put_userdata(end, NFT_UDATA_NOTE, x->note, x->note_len);
	nl_put(b, NFTA_SET_ELEM_USERDATA, data, (size_t)(end - data));
}

void nft_put_element(struct nl_batch *b, const struct nft_element *x)
{
	nl_nest(b, NFTA_LIST_ELEM) {
		nl_nest(b, NFTA_SET_ELEM_KEY)
			nl_put(b, NFTA_DATA_VALUE, x->key, x->len);
		if (x->data)
			nl_nest(b, NFTA_SET_ELEM_DATA)
				nl_put(b, NFTA_DATA_VALUE, x->data, x->data_len);
		if (x->comment || x->owned)
			put_userdata(b, x);
	}
}

void nft_put_key(struct nl_batch *b, const void *key, size_t len)
{
	nft_put_element(b, &(struct nft_element){.key = key, .len = len});
}

void nft_element(struct nl_batch *b, const char *label, const struct nft_at *at,
		 enum nft_element_verb verb, const char *set, const struct nft_element *x)
{
	nft_elements(b, label, at, verb, set)
	{
		nft_put_element(b, x);
	}
}

/* --- questions and their answers -------------------------------------------------------------- */

void nft_list_sets(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "list sets", NFT_MSG_GETSET, NLM_F_DUMP, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
}

void nft_list_elements(struct nl_batch *b, const struct nft_at *at, const char *set)
{
	begin_elements(b, "list elements", NFT_MSG_GETSETELEM, NLM_F_DUMP, at, set);
}

void nft_find_element(struct nl_batch *b, const struct nft_at *at, const char *set, const void *key,
		      size_t len)
{
	begin_elements(b, "find element", NFT_MSG_GETSETELEM, 0, at, set);
	nl_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS)
		nft_put_key(b, key, len);
}

const char *nft_read_set_name(const struct nlmsghdr *h)
{
	const struct nlattr *tb[NFTA_SET_NAME + 1];

	nl_attrs_of(tb, NFTA_SET_NAME, h, sizeof(struct nfgenmsg));
	return nl_get_str(tb[NFTA_SET_NAME]);
}

static const void *value_in(const struct nlattr *nest, size_t *len)
{
	const struct nlattr *a = nl_first(nest); /* the only one there is */

	return nl_data(a && nl_type(a) == NFTA_DATA_VALUE ? a : NULL, len);
}

static void read_element(struct nft_element *x, const struct nlattr *element)
{
	const struct nlattr *tb[NFTA_SET_ELEM_USERDATA + 1];
	struct nft_userdata words = {.comment = NULL};
	const void *userdata;
	size_t len;

	nl_attrs_in(tb, NFTA_SET_ELEM_USERDATA, element);
	userdata = nl_data(tb[NFTA_SET_ELEM_USERDATA], &len);
	nft_read_userdata(&words, userdata, len);
	*x = (struct nft_element){
		.comment = words.comment ? words.comment : "",
		.owned = words.owned,
		.tag = words.owner,
		.note = words.note,
		.note_len = words.note_len,
	};
	x->key = value_in(tb[NFTA_SET_ELEM_KEY], &x->len);
	x->data = value_in(tb[NFTA_SET_ELEM_DATA], &x->data_len);
}

int nft_read_elements(const struct nlmsghdr *h, nft_take_element_fn *take, void *arg, struct err *e)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *list;

	nl_attrs_of(tb, NFTA_SET_ELEM_LIST_ELEMENTS, h, sizeof(struct nfgenmsg));
	list = tb[NFTA_SET_ELEM_LIST_ELEMENTS];
	for (const struct nlattr *a = nl_first(list); a; a = nl_following(list, a)) {
		struct nft_element x;

		read_element(&x, a);
		if (x.key && take(&x, arg, e))
			return -1;
	}
	return 0;
}
