#include "net/xt_state.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_conntrack.h>
#include <string.h>

_Static_assert((sizeof(struct xt_conntrack_mtinfo3) + 7) / 8 * 8 == XT_STATE_BYTES, "ABI");

void xt_state_established(unsigned char info[static XT_STATE_BYTES])
{
	struct xt_conntrack_mtinfo3 state = {
		.match_flags = XT_CONNTRACK_STATE,
		.state_mask = XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED) |
			      XT_CONNTRACK_STATE_BIT(IP_CT_RELATED),
	};

	memset(info, 0, XT_STATE_BYTES);
	memcpy(info, &state, sizeof(state));
}
