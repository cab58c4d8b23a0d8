/*
 * Read netlink attributes. Takes bytes, checks every length, needs no socket: tests and fuzzers
 * call it directly. A getter gives 0 or "" for an attribute that is absent or too short.
 */
#ifndef NETLINK_ATTR_H
#define NETLINK_ATTR_H

#include <stddef.h>
#include <stdint.h>

struct nlattr;
struct nlmsghdr;

/*
 * Fill tb[0..max] with the attributes of those types in data[0..len); the last of a type wins,
 * absent ones are NULL, types above max are passed over. Stops at the first malformed one.
 */
void nl_attrs(const struct nlattr **tb, uint16_t max, const void *data, size_t len);

/* The same for a message with a fixed header of head bytes, and for a nested attribute. */
void nl_attrs_of(const struct nlattr **tb, uint16_t max, const struct nlmsghdr *h, size_t head);
void nl_attrs_in(const struct nlattr **tb, uint16_t max, const struct nlattr *nest);

/*
 * The whole messages of a datagram: for (h = NULL; (h = nl_message(buf, len, h));). Gives the one
 * behind h, NULL behind the last; h NULL asks for the first.
 */
const struct nlmsghdr *nl_message(const void *buf, size_t len, const struct nlmsghdr *h);

/* Fixed header of a message (n bytes); NULL if the message is shorter. */
const void *nl_head_of(const struct nlmsghdr *h, size_t n);

/* Payload and its length; NULL and 0 for an absent one. */
const void *nl_data(const struct nlattr *a, size_t *len);

uint8_t nl_get_u8(const struct nlattr *a);
uint32_t nl_get_u32(const struct nlattr *a);
uint32_t nl_get_be32(const struct nlattr *a); /* in host order */
uint64_t nl_get_be64(const struct nlattr *a);
const char *nl_get_str(const struct nlattr *a); /* "" unless NUL-terminated */

/* Elements of a list: for (a = nl_first(nest); a; a = nl_following(nest, a)). */
const struct nlattr *nl_first(const struct nlattr *nest);
const struct nlattr *nl_following(const struct nlattr *nest, const struct nlattr *a);

/* Type without the flag bits. */
uint16_t nl_type(const struct nlattr *a);

#endif
