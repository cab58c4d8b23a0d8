#include "netfilter/nft_machine.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "netlink/attr.h"

int nft_machine_place(uint32_t reg, size_t n)
{
	size_t at;

	if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
		at = (size_t)(reg - NFT_REG_1) * 16;
	else if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
		at = (size_t)(reg - NFT_REG32_00) * 4;
	else
		return -1;
	return n <= REGISTER_BYTES - at ? (int)at : -1;
}

void nft_machine_forget_all(struct nft_machine *m)
{
	memset(m->known, 0, sizeof(m->known));
}

void nft_machine_forget(struct nft_machine *m, const struct nlattr *reg, size_t n)
{
	int at = nft_machine_place(nl_get_be32(reg), n);

	if (at >= 0)
		memset(m->known + at, 0, n);
	else
		nft_machine_forget_all(m);
}

void nft_machine_load(struct nft_machine *m, const struct nlattr *reg, const void *value,
		      const uint8_t *known, size_t n)
{
	size_t whole = (n + 3) & ~(size_t)3;
	int at = nft_machine_place(nl_get_be32(reg), whole);

	if (at < 0) {
		nft_machine_forget_all(m);
		return;
	}
	memset(m->value + at, 0, whole);
	memset(m->known + at, 0xff, whole);
	memcpy(m->value + at, value, n);
	if (known)
		memcpy(m->known + at, known, n);
}

void nft_condition(struct nft_machine *m, enum answer a)
{
	m->result.holds = answer_and(m->result.holds, a);
	m->result.unconditional = false;
}

void nft_unknown_condition(struct nft_machine *m, const struct nlattr *data)
{
	(void)data;
	nft_condition(m, ANSWER_MAYBE);
	nft_machine_forget_all(m);
}
