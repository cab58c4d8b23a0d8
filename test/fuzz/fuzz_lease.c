/*
 * Files of the lease store: the text of a lease, and the head of an index. The first byte says
 * which.
 */
#include "fuzz.h"

#include "base/arena.h"
#include "cni/request.h"
#include "ipam/lease_file.h"
#include "ipam/lease_index_file.h"

static void check_text(const uint8_t *data, size_t n)
{
	struct lease_text text;

	if (n >= sizeof(text.buf))
		return;
	memcpy(text.buf, data, n);
	if (!lease_text_parse(&text.owner, text.buf, n))
		return;
	CHECK(cni_name_valid(text.owner.container_id));
	CHECK(!*text.owner.ifname || cni_ifname_check(text.owner.ifname, &(struct err){0}) == 0);
	CHECK(lease_ownership(&text.owner, &text.owner) != NOT_OWNED);
}

/* Of an index, which only root can have written, what a cut or another layout makes of its head. */
static void check_index(const uint8_t *data, size_t n)
{
	struct lease_index x;
	struct stat dir = {0};

	if (n < sizeof(x))
		return;
	memcpy(&x, data, sizeof(x));
	dir.st_mtim.tv_sec = x.stamp[0];
	dir.st_mtim.tv_nsec = x.stamp[1];
	if (!lease_index_is_true(&x, n, &dir))
		return;
	CHECK(x.magic == INDEX_MAGIC && x.used <= x.room && x.unused <= x.used);
	CHECK((unsigned char *)(index_leases(&x) + x.room) == (unsigned char *)&x + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1)
		return 0;
	arena_reset();
	if (data[0] & 1)
		check_index(data + 1, n - 1);
	else
		check_text(data + 1, n - 1);
	return 0;
}
