/*
 * "-m conntrack --ctstate RELATED,ESTABLISHED" as iptables has it in memory. In a file of its own,
 * as linux/netfilter.h cannot stand beside nft.h.
 */
#ifndef NET_XT_STATE_H
#define NET_XT_STATE_H

#define XT_STATE_REVISION 3
#define XT_STATE_BYTES	  168

void xt_state_established(unsigned char info[static XT_STATE_BYTES]);

#endif
