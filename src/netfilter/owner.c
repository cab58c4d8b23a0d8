#include "netfilter/owner.h"

#include <bearssl.h>
#include <stdio.h>
#include <string.h>

static void digest(uint8_t *out, size_t n, const char *const *texts, unsigned count)
{
	uint8_t hash[br_sha256_SIZE];
	br_sha256_context h;

	br_sha256_init(&h);
	for (unsigned i = 0; i < count; i++)
		br_sha256_update(&h, texts[i], strlen(texts[i]) + 1); /* its NUL keeps them apart */
	br_sha256_out(&h, hash);
	memcpy(out, hash, n);
}

struct owner_tag owner_tag(const struct owner *o)
{
	const char *const texts[] = {o->network, o->container_id, o->ifname};
	struct owner_tag tag = {0};

	digest(tag.network, sizeof(tag.network), texts, 1);
	digest(tag.attachment, sizeof(tag.attachment), texts, 3);
	return tag;
}

bool owner_tag_equal(const struct owner_tag *a, const struct owner_tag *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool owner_tag_of_network(const struct owner_tag *tag, const char *network)
{
	uint8_t of[sizeof(tag->network)];

	digest(of, sizeof(of), &network, 1);
	return memcmp(tag->network, of, sizeof(of)) == 0;
}

const char *owner_text(char text[static OWNER_TEXT], const struct owner *o)
{
	snprintf(text, OWNER_TEXT, "%s of container %s in network %s", o->ifname, o->container_id,
		 o->network);
	return text;
}

static bool is_owners(const struct owner_tag *tag, const char *text, void *arg)
{
	(void)text;
	return owner_tag_equal(tag, arg);
}

struct owner_choice owner_only(struct owner_tag *tag)
{
	return (struct owner_choice){is_owners, tag, tag};
}
