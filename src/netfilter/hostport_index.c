#include "netfilter/hostport_index.h"

#include <string.h>

_Static_assert(HOSTPORT_INDEX_KEY == sizeof(((struct owner_tag *)0)->attachment), "a digest");
_Static_assert(sizeof(struct hostport_note) <= NFT_NOTE_MAX, "it fits");

/* An IPv4 address in IPv6's form (RFC 4291, section 2.5.5.2). */
static struct hostport_index_key pod_key(const struct ip *pod)
{
	struct hostport_index_key key = {{[10] = 0xff, [11] = 0xff}};

	memcpy(key.b + sizeof(key.b) - ip_size(pod), pod->b, ip_size(pod));
	return key;
}

/* --- questions -------------------------------------------------------------------------------- */

/* The one with a note is the owner's, the other one the pod's address. */
static int take_found(const struct nft_element *x, void *arg, struct err *e)
{
	struct hostport_found *found = arg;
	size_t n = x->note_len < sizeof(found->note) ? x->note_len : sizeof(found->note);

	(void)e;
	found->any = true;
	if (n >= sizeof(found->note.pod)) {
		found->by_owner = true;
		memcpy(&found->note, x->note, n);
		found->count =
			(unsigned)((n - sizeof(found->note.pod)) / sizeof(*found->note.list));
	} else if (x->owned) {
		found->by_pod = true;
		found->holder = x->tag;
	}
	return 0;
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op;
	return nft_read_elements(h, take_found, arg, e);
}

int hostport_ask_index(struct nl_sock *nf, const struct hostport_table *t,
		       const struct owner_tag *owner, const struct ip *pod,
		       struct hostport_found *found, struct err *e)
{
	struct nft_at at = hostport_at(t->ip_family, NULL);
	struct hostport_index_key key;
	struct nl_batch q;

	*found = (struct hostport_found){.count = 0};
	nl_batch_init(&q);
	nft_find_element(&q, &at, HOSTPORT_INDEX, owner->attachment, sizeof(owner->attachment));
	if (pod) {
		key = pod_key(pod);
		nft_find_element(&q, &at, HOSTPORT_INDEX, key.b, sizeof(key.b));
	}
	return nl_ask(nf, &q, take_answer, found, e);
}

/* --- changes ---------------------------------------------------------------------------------- */

void put_hostport_index(struct nl_batch *b, uint8_t ip_family)
{
	struct nft_at at = hostport_at(ip_family, NULL);
	static const struct nft_set_kind set = {
		.name = HOSTPORT_INDEX, .key_type = NFT_TYPE_IPV6, .key_len = HOSTPORT_INDEX_KEY};

	nft_set(b, &at, &set);
}

/* Put in what is not there, so that all of it can be taken out. */
void put_hostport_forget(struct nl_batch *b, uint8_t ip_family,
			 const struct hostport_index_key *keys, unsigned count)
{
	struct nft_at at = hostport_at(ip_family, NULL);

	for (enum nft_element_verb verb = NFT_PUT; verb <= NFT_DELETE && count; verb++)
		nft_elements(b, "forget who had host ports", &at, verb, HOSTPORT_INDEX)
		{
			for (unsigned i = 0; i < count; i++)
				nft_put_key(b, keys[i].b, sizeof(keys[i].b));
		}
}

void put_hostport_note(struct nl_batch *b, const struct owner *owner, const struct ip *pod,
		       const struct hostport *list, unsigned count, bool litter)
{
	struct nft_at at = hostport_at(pod->family, NULL);
	struct hostport_note note = {.pod = pod_key(pod)};
	struct hostport_index_key keys[2];
	char text[OWNER_TEXT];
	struct nft_element x = {
		.key = note.pod.b,
		.len = sizeof(note.pod.b),
		.comment = owner_text(text, owner),
		.owned = true,
		.tag = owner_tag(owner),
	};

	if (count > HOSTPORT_FEW)
		count = 0;
	memcpy(note.list, list, count * sizeof(*list));
	/* What is left there, without mappings, is of no use. */
	memcpy(keys[0].b, x.tag.attachment, sizeof(keys[0].b));
	keys[1] = note.pod;
	if (litter)
		put_hostport_forget(b, pod->family, keys, 2);
	nft_elements(b, "note who has host ports", &at, NFT_ADD, HOSTPORT_INDEX)
	{
		nft_put_element(b, &x);
		x.key = x.tag.attachment;
		x.comment = NULL;
		x.note = &note;
		x.note_len = sizeof(note.pod) + count * sizeof(*list);
		nft_put_element(b, &x);
	}
}
