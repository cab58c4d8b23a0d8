/*
 * "-m conntrack --ctstate STATE" as iptables has it in memory. In a file of its own,
 * as linux/netfilter.h cannot stand beside nft.h.
 */
#ifndef NETFILTER_XT_STATE_H
#define NETFILTER_XT_STATE_H

#define XT_STATE_REVISION 3
#define XT_STATE_BYTES	  168 /* padded to eight */
#define XT_STATE_USED	  164

enum xt_state {
	XT_STATE_ANY,
	XT_STATE_ESTABLISHED, /* RELATED,ESTABLISHED */
	XT_STATE_DNAT,
};

void xt_state_write(unsigned char info[static XT_STATE_BYTES], enum xt_state state);

#endif
