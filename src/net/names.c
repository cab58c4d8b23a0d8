#include "net/names.h"

#include <bearssl.h>
#include <stdio.h>
#include <string.h>

#define NETWORK_CHARS	 3
#define ATTACHMENT_CHARS 8
#define HASH_CHARS	 12 /* 60 bits */
#define CONTAINER_ID_MAX 64 /* what container engines make: 32 bytes in hexadecimal */

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

static void hash_text(br_sha256_context *h, const char *text)
{
	uint32_t n = (uint32_t)strlen(text);
	uint8_t length[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	br_sha256_update(h, length, sizeof(length));
	br_sha256_update(h, text, n);
}

/* The first n characters of the hash in base32; n*5 bits, at most 64. */
static void put_base32(char *out, size_t n, const uint8_t hash[static br_sha256_SIZE])
{
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof(bits); i++)
		bits = bits << 8 | hash[i];
	for (size_t i = 0; i < n; i++)
		out[i] = base32[bits >> (59 - 5 * i) & 31];
}

void names_host_link(char name[static LINK_NAME], const char *network, const char *container_id,
		     const char *ifname)
{
	uint8_t hash[br_sha256_SIZE];
	br_sha256_context h;

	memcpy(name, "veth", 4);
	br_sha256_init(&h);
	hash_text(&h, network);
	br_sha256_out(&h, hash);
	put_base32(name + 4, NETWORK_CHARS, hash);
	hash_text(&h, container_id);
	hash_text(&h, ifname);
	br_sha256_out(&h, hash);
	put_base32(name + 4 + NETWORK_CHARS, ATTACHMENT_CHARS, hash);
	name[4 + NETWORK_CHARS + ATTACHMENT_CHARS] = '\0';
}

bool names_is_host_link(const char *name)
{
	return strncmp(name, "veth", 4) == 0 &&
	       strspn(name + 4, base32) == NETWORK_CHARS + ATTACHMENT_CHARS;
}

static void hash_bytes(uint8_t hash[static br_sha256_SIZE], const void *data, size_t n)
{
	br_sha256_context h;

	br_sha256_init(&h);
	br_sha256_update(&h, data, n);
	br_sha256_out(&h, hash);
}

void names_host_mac(uint8_t mac[static MAC_BYTES], const char *host_link)
{
	uint8_t hash[br_sha256_SIZE];

	hash_bytes(hash, host_link, strlen(host_link));
	mac[0] = 0xfe;
	memcpy(mac + 1, hash, 5);
}

void names_ip_mac(uint8_t mac[static MAC_BYTES], const struct ip *ip)
{
	uint8_t hash[br_sha256_SIZE];

	mac[0] = 0x0a;
	mac[1] = 0x58;
	if (ip->family == 6)
		hash_bytes(hash, ip->b, 16);
	memcpy(mac + 2, ip->family == 6 ? hash : ip->b, 4);
}

/* A name of at most max bytes: a longer one is cut, and told from its like by its hash. */
static void shorten(char *out, const char *name, size_t max)
{
	uint8_t hash[br_sha256_SIZE];
	size_t n = strlen(name);

	snprintf(out, max + 1, "%s", name);
	if (n <= max)
		return;
	hash_bytes(hash, name, n);
	out[max - HASH_CHARS - 1] = '-';
	put_base32(out + max - HASH_CHARS, HASH_CHARS, hash);
}

void names_network(char text[static NAMES_NETWORK], const char *network)
{
	shorten(text, network, NAMES_NETWORK - 1);
}

void names_owner(char text[static NAMES_OWNER], const char *network, const char *container_id,
		 const char *ifname)
{
	char net[NAMES_NETWORK], id[CONTAINER_ID_MAX + 1];

	names_network(net, network);
	shorten(id, container_id, CONTAINER_ID_MAX);
	snprintf(text, NAMES_OWNER, "%s %s %s", net, id, ifname);
}

bool names_is_of(const char *owner, const char *network)
{
	char net[NAMES_NETWORK];
	size_t n;

	names_network(net, network);
	n = strlen(net);
	return strncmp(owner, net, n) == 0 && owner[n] == ' ';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool names_is_no_mac(const uint8_t mac[static MAC_BYTES])
{
	static const uint8_t zero[MAC_BYTES];

	return memcmp(mac, zero, MAC_BYTES) == 0;
}

bool names_parse_mac(uint8_t mac[static MAC_BYTES], const char *text)
{
	uint8_t parsed[MAC_BYTES];

	if (strlen(text) != MAC_TEXT - 1)
		return false;
	for (unsigned i = 0; i < MAC_BYTES; i++) {
		const char *at = text + 3 * (size_t)i;
		int high = hex_digit(at[0]), low = hex_digit(at[1]);

		if (high < 0 || low < 0 || (at[2] != ':' && i < MAC_BYTES - 1))
			return false;
		parsed[i] = (uint8_t)(high << 4 | low);
	}
	if (parsed[0] & 1 || names_is_no_mac(parsed))
		return false;
	memcpy(mac, parsed, MAC_BYTES);
	return true;
}

const char *names_format_mac(char text[static MAC_TEXT], const uint8_t mac[static MAC_BYTES])
{
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return text;
}
