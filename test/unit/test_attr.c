/* netlink/attr: every length is checked, whatever the bytes. */
#include "unit.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>

#include "golden.h"
#include "netlink/attr.h"

static _Alignas(8) unsigned char link_message[1024];
static size_t link_bytes;

static int load(void **state)
{
	(void)state;
	link_bytes = golden_read("link-veth", link_message, sizeof(link_message));
	return 0;
}

static const struct nlmsghdr *message(void *bytes)
{
	return bytes;
}

static void test_reads_what_ip_wrote(void **state)
{
	const struct nlmsghdr *h = message(link_message);
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data[VETH_INFO_MAX + 1];
	const struct ifinfomsg *head = nl_head_of(h, sizeof(*head));
	size_t len;

	(void)state;
	assert_non_null(head);
	assert_int_equal(head->ifi_flags, 1);
	nl_attrs_of(tb, IFLA_MAX, h, sizeof(*head));
	assert_int_equal(nl_get_u32(tb[IFLA_MTU]), 1460);
	assert_int_equal(nl_get_u32(tb[IFLA_MASTER]), 10);
	assert_string_equal(nl_get_str(tb[IFLA_IFNAME]), "veth0");
	assert_null(tb[IFLA_ADDRESS]);
	nl_attrs_in(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO]);
	assert_string_equal(nl_get_str(info[IFLA_INFO_KIND]), ""); /* ip leaves out the NUL */
	assert_memory_equal(nl_data(info[IFLA_INFO_KIND], &len), "veth", 4);
	assert_int_equal(len, 4);
	nl_attrs_in(data, VETH_INFO_MAX, info[IFLA_INFO_DATA]);

	/* The peer's attributes come behind a header of their own. */
	const unsigned char *peer = nl_data(data[VETH_INFO_PEER], &len);

	assert_true(len > sizeof(*head));
	nl_attrs(tb, IFLA_MAX, peer + sizeof(*head), len - sizeof(*head));
	assert_string_equal(nl_get_str(tb[IFLA_IFNAME]), "eth0");
	assert_memory_equal(nl_data(tb[IFLA_ADDRESS], &len), "\x0a\x58\x0a\xf4\x00\x02", 6);
	assert_int_equal(len, 6);
}

/* Read all there is, two levels down; gives the count of attributes found. */
static unsigned read_everything(const void *data, size_t len)
{
	const struct nlattr *tb[IFLA_MAX + 1], *in[IFLA_MAX + 1];
	unsigned n = 0;

	nl_attrs(tb, IFLA_MAX, data, len);
	for (unsigned i = 0; i <= IFLA_MAX; i++) {
		if (!tb[i])
			continue;
		n++;
		nl_get_u8(tb[i]);
		nl_get_u32(tb[i]);
		nl_get_be64(tb[i]);
		nl_get_str(tb[i]);
		nl_attrs_in(in, IFLA_MAX, tb[i]);
		for (unsigned j = 0; j <= IFLA_MAX; j++)
			n += nl_get_be32(in[j]) != 0;
		for (const struct nlattr *a = nl_first(tb[i]); a; a = nl_following(tb[i], a))
			n += nl_type(a) <= IFLA_MAX;
	}
	return n;
}

/* In a block of exactly that size, so that ASan sees a byte too far. */
static unsigned read_copy(const unsigned char *bytes, size_t n)
{
	unsigned char *copy = malloc(n ? n : 1);
	unsigned found;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	found = read_everything(copy, n);
	free(copy);
	return found;
}

static void test_cut_short_at_every_offset(void **state)
{
	const size_t skip = sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg);
	const unsigned char *attrs = link_message + skip;
	unsigned last = 0;

	(void)state;
	for (size_t n = 0; n <= link_bytes - skip; n++) {
		unsigned found = read_copy(attrs, n);

		assert_true(found >= last); /* more bytes, no fewer attributes */
		last = found;
	}
	assert_true(last > 6);
}

static void test_every_byte_changed(void **state)
{
	static const unsigned char values[] = {0, 1, 3, 4, 5, 0x7f, 0x80, 0xff};
	const size_t skip = sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg);
	unsigned found = 0;

	(void)state;
	for (size_t i = skip; i < link_bytes; i++) {
		unsigned char right = link_message[i];

		for (size_t v = 0; v < sizeof(values); v++) {
			link_message[i] = values[v];
			found += read_copy(link_message + skip, link_bytes - skip);
		}
		link_message[i] = right;
	}
	assert_true(found > 0);
}

static void test_absent(void **state)
{
	const struct nlattr *tb[4] = {(const void *)link_message};
	size_t len = 9;

	(void)state;
	assert_int_equal(nl_get_u8(NULL), 0);
	assert_int_equal(nl_get_u32(NULL), 0);
	assert_int_equal(nl_get_be32(NULL), 0);
	assert_int_equal(nl_get_be64(NULL), 0);
	assert_string_equal(nl_get_str(NULL), "");
	assert_null(nl_data(NULL, &len));
	assert_int_equal(len, 0);
	assert_null(nl_first(NULL));
	nl_attrs_in(tb, 3, NULL);
	for (int i = 0; i < 4; i++)
		assert_null(tb[i]);
}

/* A type with its flag bits, an unknown one, one twice, a length that is less than a header. */
static void test_lists(void **state)
{
	static const _Alignas(4) unsigned char bytes[] = {
		8, 0, 1, 0x80, 1,    0, 0, 0, /* type 1, nested flag */
		6, 0, 9, 0,    7,    7, 0, 0, /* type 9: beyond the table; padded */
		8, 0, 1, 0x40, 2,    0, 0, 0, /* type 1 again, byte order flag */
		5, 0, 2, 0,    0xfe, 0, 0, 0, /* one byte */
		3, 0, 3, 0,    1,    1, 1, 1, /* malformed: reading ends here */
		8, 0, 3, 0,    1,    0, 0, 0};
	const struct nlattr *tb[4];

	(void)state;
	nl_attrs(tb, 3, bytes, sizeof(bytes));
	assert_int_equal(nl_type(tb[1]), 1);
	assert_int_equal(nl_get_u32(tb[1]), 2);
	assert_int_equal(nl_get_u8(tb[2]), 0xfe);
	assert_int_equal(nl_get_u32(tb[2]), 0); /* too short for that */
	assert_null(tb[3]);
}

static void test_strings(void **state)
{
	static const _Alignas(4) unsigned char good[] = {6, 0, 1, 0, 'a', 0, 0, 0};
	static const _Alignas(4) unsigned char open[] = {6, 0, 1, 0, 'a', 'b', 0, 0};
	static const _Alignas(4) unsigned char empty[] = {4, 0, 1, 0};

	(void)state;
	assert_string_equal(nl_get_str((const void *)good), "a");
	assert_string_equal(nl_get_str((const void *)open), "");
	assert_string_equal(nl_get_str((const void *)empty), "");
}

static void test_messages_shorter_than_their_header(void **state)
{
	static _Alignas(4) unsigned char bytes[64];
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)bytes;
	const struct nlattr *tb[4];

	(void)state;
	for (uint32_t n = 0; n < sizeof(*h) + sizeof(struct ifinfomsg); n++) {
		h->nlmsg_len = n;
		assert_null(nl_head_of(h, sizeof(struct ifinfomsg)));
		nl_attrs_of(tb, 3, h, sizeof(struct ifinfomsg));
		for (int i = 0; i < 4; i++)
			assert_null(tb[i]);
	}
	h->nlmsg_len = sizeof(*h) + sizeof(struct ifinfomsg);
	assert_non_null(nl_head_of(h, sizeof(struct ifinfomsg)));
}

#define TEST(f) cmocka_unit_test_setup(f, load)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_what_ip_wrote),
		TEST(test_cut_short_at_every_offset),
		TEST(test_every_byte_changed),
		TEST(test_absent),
		TEST(test_lists),
		TEST(test_strings),
		TEST(test_messages_shorter_than_their_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
