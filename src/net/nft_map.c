#include "net/nft_map.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "net/nft_read.h"
#include "netlink/attr.h"

/* --- changes ---------------------------------------------------------------------------------- */

void nft_add_map(struct nl_batch *b, const struct nft_at *at, const struct nft_map *map)
{
	nft_op(b, "create map", NFT_MSG_NEWSET, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
	nl_str(b, NFTA_SET_NAME, map->name);
	nl_be32(b, NFTA_SET_FLAGS, NFT_SET_MAP);
	nl_be32(b, NFTA_SET_KEY_TYPE, map->key_type);
	nl_be32(b, NFTA_SET_KEY_LEN, map->key_len);
	nl_be32(b, NFTA_SET_DATA_TYPE, map->data_type);
	nl_be32(b, NFTA_SET_DATA_LEN, map->data_len);
	nl_be32(b, NFTA_SET_ID, 1); /* the kernel wants one; nothing here refers to it */
}

void nft_delete_map(struct nl_batch *b, const struct nft_at *at, const char *name)
{
	nft_op(b, "delete map", NFT_MSG_DELSET, 0, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
	nl_str(b, NFTA_SET_NAME, name);
}

static void begin_elements(struct nl_batch *b, const char *label, unsigned type, uint16_t flags,
			   const struct nft_at *at, const char *name)
{
	nft_op(b, label, type, flags, at->family);
	nl_str(b, NFTA_SET_ELEM_LIST_TABLE, at->table);
	nl_str(b, NFTA_SET_ELEM_LIST_SET, name);
}

bool nft_map_elements_open(struct nl_batch *b, const struct nft_at *at, enum nft_map_verb verb,
			   const char *name)
{
	switch (verb) {
	case NFT_MAP_ADD:
		begin_elements(b, "add to map", NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, at,
			       name);
		break;
	case NFT_MAP_DELETE:
		begin_elements(b, "delete from map", NFT_MSG_DELSETELEM, 0, at, name);
		break;
	}
	return nl_nest_open(b, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void put_userdata(struct nl_batch *b, const struct owner *owner)
{
	unsigned char data[NFT_USERDATA_MAXLEN], *end = data;
	struct owner_tag tag = owner_tag(owner);
	char text[OWNER_TEXT];

	owner_text(text, owner);
	end = nft_put_userdata(end, NFT_UDATA_COMMENT, text, strlen(text) + 1);
	end = nft_put_userdata(end, NFT_UDATA_OWNER, &tag, sizeof(tag));
	nl_put(b, NFTA_SET_ELEM_USERDATA, data, (size_t)(end - data));
}

void nft_put_map_element(struct nl_batch *b, const void *key, uint32_t key_len, const void *data,
			 uint32_t data_len, const struct owner *owner)
{
	nl_nest(b, NFTA_LIST_ELEM) {
		nl_nest(b, NFTA_SET_ELEM_KEY)
			nl_put(b, NFTA_DATA_VALUE, key, key_len);
		if (data)
			nl_nest(b, NFTA_SET_ELEM_DATA)
				nl_put(b, NFTA_DATA_VALUE, data, data_len);
		if (owner)
			put_userdata(b, owner);
	}
}

/* --- questions and their answers -------------------------------------------------------------- */

void nft_list_maps(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "list maps", NFT_MSG_GETSET, NLM_F_DUMP, at->family);
	nl_str(b, NFTA_SET_TABLE, at->table);
}

void nft_list_map(struct nl_batch *b, const struct nft_at *at, const char *name)
{
	begin_elements(b, "list a map", NFT_MSG_GETSETELEM, NLM_F_DUMP, at, name);
}

const char *nft_read_map_name(const struct nlmsghdr *h)
{
	const struct nlattr *tb[NFTA_SET_NAME + 1];

	nl_attrs_of(tb, NFTA_SET_NAME, h, sizeof(struct nfgenmsg));
	return nl_get_str(tb[NFTA_SET_NAME]);
}

const struct nlattr *nft_map_elements_of(const struct nlmsghdr *h)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_ELEMENTS + 1];

	nl_attrs_of(tb, NFTA_SET_ELEM_LIST_ELEMENTS, h, sizeof(struct nfgenmsg));
	return tb[NFTA_SET_ELEM_LIST_ELEMENTS];
}

static const uint8_t *value_in(const struct nlattr *nest, size_t *len)
{
	const struct nlattr *tb[NFTA_DATA_VALUE + 1];

	nl_attrs_in(tb, NFTA_DATA_VALUE, nest);
	return nl_data(tb[NFTA_DATA_VALUE], len);
}

void nft_read_map_element(struct nft_map_element *out, const struct nlattr *element)
{
	const struct nlattr *tb[NFTA_SET_ELEM_USERDATA + 1];
	const void *userdata;
	struct nft_userdata found;
	size_t len;

	nl_attrs_in(tb, NFTA_SET_ELEM_USERDATA, element);
	*out = (struct nft_map_element){.comment = ""};
	out->key = value_in(tb[NFTA_SET_ELEM_KEY], &out->key_len);
	out->data = value_in(tb[NFTA_SET_ELEM_DATA], &out->data_len);
	userdata = nl_data(tb[NFTA_SET_ELEM_USERDATA], &len);
	nft_read_userdata(&found, userdata, len);
	if (found.comment)
		out->comment = found.comment;
	out->owned = found.owned;
	out->tag = found.owner;
}
