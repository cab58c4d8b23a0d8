/*
 * What a legacy table of iptables does to a packet, rule by rule as the kernel would, and its rules
 * as text. Bytes in, no socket.
 */
#ifndef NETFILTER_XT_EVAL_H
#define NETFILTER_XT_EVAL_H

#include "net/packet.h"
#include "netfilter/xt_table.h"

/*
 * Walk the chain of a hook (NF_INET_*). verdict->table is left for the caller to fill in.
 *
 * t  has passed xt_check and has that hook
 */
void xt_eval(const struct xt_table *t, unsigned hook, const struct packet *p, struct verdict *v);

/* The entry as `iptables -S` would print it, as far as its extensions' names: "-A X -m recent -j DROP" */
void xt_text(char *out, size_t size, const struct xt_table *t, const char *chain, uint32_t at);

#endif
