#include "netfilter/xt_state.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_conntrack.h>
#include <string.h>

_Static_assert(sizeof(struct xt_conntrack_mtinfo3) == XT_STATE_USED &&
		       (XT_STATE_USED + 7) / 8 * 8 == XT_STATE_BYTES,
	       "ABI");

void xt_state_write(unsigned char info[static XT_STATE_BYTES], enum xt_state state)
{
	struct xt_conntrack_mtinfo3 match = {.match_flags = XT_CONNTRACK_STATE};

	if (state == XT_STATE_DNAT)
		match.state_mask = XT_CONNTRACK_STATE_DNAT;
	else
		match.state_mask = XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED) |
				   XT_CONNTRACK_STATE_BIT(IP_CT_RELATED);
	memset(info, 0, XT_STATE_BYTES);
	memcpy(info, &match, sizeof(match));
}
