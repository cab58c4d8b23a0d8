/*
 * Names and MAC addresses that are derived, not random: DEL, CHECK and GC find a pod's host end
 * with the pod's namespace gone, and a retried ADD meets its own leftovers.
 */
#ifndef NET_NAMES_H
#define NET_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/ip.h"

#define LINK_NAME 16 /* IFNAMSIZ: 15 bytes and a NUL */
#define MAC_BYTES 6
#define MAC_TEXT  18 /* "0a:58:0a:f4:00:02" and a NUL */

/*
 * Host end of a pod's link: "veth", three characters for the network and eight for the attachment
 * (RFC 4648 base32, lower case: 15 and 40 bits of SHA-256).
 *
 * All three texts are hashed with their lengths, so "a"+"bc" and "ab"+"c" differ.
 */
void names_host_link(char name[static LINK_NAME], const char *network, const char *container_id,
		     const char *ifname);

/* Is it a name that names_host_link gives, for whichever attachment? */
bool names_is_host_link(const char *name);

/*
 * MAC of the host end: fe and 40 bits of its name's hash. A bridge without an address of its own
 * takes its lowest port's, so a high one keeps that of an uplink in the bridge.
 */
void names_host_mac(uint8_t mac[static MAC_BYTES], const char *host_link);

/*
 * MAC of the interface that has that address: 0a:58 and the IPv4 address, or 32 bits of the IPv6
 * address's hash. An address that moves to a new pod keeps neighbours' entries true.
 */
void names_ip_mac(uint8_t mac[static MAC_BYTES], const struct ip *ip);

/*
 * Whose something is, in words that people read in listings: "NETWORK CONTAINERID IFNAME". It marks
 * host links (as their alias) and elements of nf_tables' sets (as their comment). A network's name
 * of more than 40 bytes, a container ID of more than 64, is cut and ends in a part of its hash.
 */
#define NAMES_NETWORK 41
#define NAMES_OWNER   122 /* fits nft's comments */
void names_network(char text[static NAMES_NETWORK], const char *network);
void names_owner(char text[static NAMES_OWNER], const char *network, const char *container_id,
		 const char *ifname);
/* Is it something of that network's? */
bool names_is_of(const char *owner, const char *network);

/* A MAC address that an interface can have: "0a:58:0a:f4:00:02", not a group's, not zero. */
bool names_parse_mac(uint8_t mac[static MAC_BYTES], const char *text) must_check;

/* All zero: none, or the kernel is to choose one. */
bool names_is_no_mac(const uint8_t mac[static MAC_BYTES]);

const char *names_format_mac(char text[static MAC_TEXT], const uint8_t mac[static MAC_BYTES]);

#endif
