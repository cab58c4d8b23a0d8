/*
 * The least that connecting a pod can cost: a whole process that reads a request, does the two netlink
 * round trips and writes a result, and nothing else. No configuration is understood, no address chosen,
 * nothing looked up or checked; what a plugin must find out is told in the environment. It leaves the
 * kernel as a plugin's ADD does.
 * DEL is the one message that takes the link away: a child sends it and waits out the kernel's grace
 * periods, while this process ends when the kernel announces that the link is gone.
 *
 *	CNI_COMMAND	ADD, or DEL
 *	CNI_CONTAINERID	the host's link is named by its last characters
 *	CNI_NETNS	path of the pod's network namespace
 *	FLOOR_BRIDGE	index of the bridge
 *	FLOOR_ADDRESS	IPv4 address of the pod, in a /24 whose gateway is .1
 *	FLOOR_MTU	of the link
 *	FLOOR_INDEX	that the pod's end will get: the same in every new namespace
 *	FLOOR_TABLE	if set, an nf_tables table of family ip: the address comes into its set
 *			FLOOR_SET, as masquerading for the pod needs it
 *	FLOOR_STORE	directory of a lease store, for floor-store
 *
 * Called as floor-store, it also does what keeping an address in a store of host-local's kind needs
 * of the kernel: take the lock, create the lease, note which was the last; read and remove it.
 * Called as floor-bridge, it does that, and what else a plugin of the name bridge is expected to: find
 * the bridge there, the gateway's address on it, and the host forwarding; change the settings of links,
 * so that the host takes no router advertisement from the pod, and the pod announces its IPv4 address;
 * in the end see that the port has a carrier.
 * Called as nothing, it ends at once: what a process costs.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/netconf.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor_netlink.h"

#define POD_LINK "eth0"

static const char *env(const char *name)
{
	const char *value = getenv(name);

	if (!value) {
		errno = EINVAL;
		die(name);
	}
	return value;
}

static unsigned env_number(const char *name)
{
	return (unsigned)strtoul(env(name), NULL, 10);
}

/* "vf" and the last 12 characters of the container ID. */
static const char *host_link(void)
{
	static char name[IFNAMSIZ] = "vf";
	const char *id = env("CNI_CONTAINERID");
	size_t n = strlen(id);

	strncpy(name + 2, id + (n > 12 ? n - 12 : 0), sizeof(name) - 3);
	return name;
}

/* --- masquerading: the address in a set -------------------------------------------------------- */

static void begin_nf(unsigned type, unsigned flags, unsigned family, unsigned subsystem)
{
	const struct nfgenmsg g = {.nfgen_family = (uint8_t)family,
				   .res_id = htons((uint16_t)subsystem)};

	begin(type, flags, &g, sizeof(g));
}

/* A batch is a transaction; its last message but one asks for the acknowledgement. */
static void change_set(int fd, unsigned type, const char *table, const uint8_t ip[static 4])
{
	const char *set = env("FLOOR_SET");
	struct nlattr *list, *element, *key;

	begin_nf(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end();
	begin_nf(NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_CREATE | NLM_F_ACK, AF_INET, 0);
	attribute(NFTA_SET_ELEM_LIST_TABLE, table, strlen(table) + 1);
	attribute(NFTA_SET_ELEM_LIST_SET, set, strlen(set) + 1);
	list = attribute(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, "", 0);
	element = attribute(NFTA_LIST_ELEM | NLA_F_NESTED, "", 0);
	key = attribute(NFTA_SET_ELEM_KEY | NLA_F_NESTED, "", 0);
	attribute(NFTA_DATA_VALUE, ip, 4);
	close_nest(key);
	close_nest(element);
	close_nest(list);
	end();
	begin_nf(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end();
	transact(fd, "change the set");
}

/* --- the lease store --------------------------------------------------------------------------- */

static int lock_store(void)
{
	int dir = open(env("FLOOR_STORE"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int lock = openat(dir, "lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

	if (dir < 0 || lock < 0 || flock(lock, LOCK_EX))
		die("lock");
	return dir;
}

static void write_file(int dir, const char *name, int flags, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd))
		die(name);
}

/* All pods have one address: leases go by the container here. */
static void add_lease(void)
{
	const char *id = env("CNI_CONTAINERID");
	int dir = lock_store();

	write_file(dir, id, O_EXCL, id);
	write_file(dir, "last_reserved_ip.0", 0, env("FLOOR_ADDRESS"));
}

static void remove_lease(void)
{
	const char *id = env("CNI_CONTAINERID");
	int dir = lock_store(), fd = openat(dir, id, O_RDONLY | O_CLOEXEC);
	char text[256];

	if (fd < 0 || read(fd, text, sizeof(text)) < 0 || close(fd) || unlinkat(dir, id, 0))
		die(id);
}

/* --- ADD and DEL ------------------------------------------------------------------------------- */

static bool announces(const unsigned char *answer, size_t n, int index)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= n;) {
		const struct nlmsghdr *h = (const void *)(answer + at);
		const struct ifinfomsg *info = (const void *)(h + 1);

		if (h->nlmsg_type == RTM_DELLINK && info->ifi_family == AF_UNSPEC &&
		    info->ifi_index == index)
			return true;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return false;
}

static void del(bool has_store, const uint8_t ip[static 4])
{
	static _Alignas(8) unsigned char answer[32768];
	const struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	const struct ifinfomsg none = {0};
	int index = (int)if_nametoindex(host_link());
	int fd = open_netlink(NETLINK_ROUTE), nf = -1;
	ssize_t n;

	if (index == 0 || bind(fd, (const struct sockaddr *)&links, sizeof(links)))
		die(host_link());
	if (getenv("FLOOR_TABLE")) {
		nf = open_netlink(NETLINK_NETFILTER);
		change_set(nf, NFT_MSG_DELSETELEM, env("FLOOR_TABLE"), ip);
	}
	begin(RTM_DELLINK, 0, &none, sizeof(none));
	attribute(IFLA_IFNAME, host_link(), strlen(host_link()) + 1);
	end();
	if (fork() == 0) {
		/* Closing the last descriptor of an nf_tables socket waits for what is freed. */
		dup2(nf, 0);
		syscall(SYS_close_range, nf >= 0, ~0U, 0);
		exchange(open_netlink(NETLINK_ROUTE), "delete link");
		return;
	}
	do
		n = recv(fd, answer, sizeof(answer), 0);
	while (n > 0 && !announces(answer, (size_t)n, index));
	if (n <= 0)
		die("wait for the link to be gone");
	if (has_store)
		remove_lease();
}

static void create_pair(int fd, int netns, const uint8_t ip[static 4])
{
	const struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	const struct ifinfomsg peer = {0};
	const uint8_t mac[] = {0x0a, 0x58, ip[0], ip[1], ip[2], ip[3]};
	const uint8_t host_mac[] = {0x0a, 0x58, 0xfe, 0xfe, 0xfe, 0xfe};
	const unsigned mtu = env_number("FLOOR_MTU");
	struct nlattr *info, *data, *end_of_pod;

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &up, sizeof(up));
	attribute(IFLA_IFNAME, host_link(), strlen(host_link()) + 1);
	attribute(IFLA_ADDRESS, host_mac, sizeof(host_mac));
	number(IFLA_MASTER, env_number("FLOOR_BRIDGE"));
	number(IFLA_MTU, mtu);
	number(IFLA_NUM_TX_QUEUES, 1);
	number(IFLA_NUM_RX_QUEUES, 1);
	info = attribute(IFLA_LINKINFO | NLA_F_NESTED, "", 0);
	attribute(IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = attribute(IFLA_INFO_DATA | NLA_F_NESTED, "", 0);
	end_of_pod = attribute(VETH_INFO_PEER | NLA_F_NESTED, &peer, sizeof(peer));
	attribute(IFLA_IFNAME, POD_LINK, sizeof(POD_LINK));
	attribute(IFLA_ADDRESS, mac, sizeof(mac));
	number(IFLA_NET_NS_FD, (unsigned)netns);
	number(IFLA_MTU, mtu);
	number(IFLA_NUM_TX_QUEUES, 1);
	number(IFLA_NUM_RX_QUEUES, 1);
	close_nest(end_of_pod);
	close_nest(data);
	close_nest(info);
	end();
	exchange(fd, "create veth pair");
}

/* --- what bridge does beside ------------------------------------------------------------------- */

static _Alignas(8) unsigned char found[32768];

/* One answer to the question in the buffer, of a type. */
static const void *answer_to(int fd, unsigned type, const char *what)
{
	const struct nlmsghdr *h = (const void *)found;

	if (send(fd, buf, len, 0) < 0 || recv(fd, found, sizeof(found), 0) < 0)
		die(what);
	len = 0;
	if (h->nlmsg_type != type) {
		errno = ENOENT;
		die(what);
	}
	return h + 1;
}

/* By index, or by name. */
static unsigned link_flags(int fd, unsigned index, const char *name)
{
	const struct ifinfomsg wanted = {.ifi_index = (int)index}, *link;

	begin(RTM_GETLINK, 0, &wanted, sizeof(wanted));
	number(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (name)
		attribute(IFLA_IFNAME, name, strlen(name) + 1);
	end();
	link = answer_to(fd, RTM_NEWLINK, "look at link");
	return link->ifi_flags;
}

static void find_gateway(int fd)
{
	const struct ifaddrmsg all = {.ifa_family = AF_INET};
	const struct nlmsghdr *h = (const void *)found;

	begin(RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all));
	end();
	answer_to(fd, RTM_NEWADDR, "look at addresses");
	while (h->nlmsg_type != NLMSG_DONE)
		if (recv(fd, found, sizeof(found), 0) < 0)
			die("look at addresses");
}

static void look_at_forwarding(int fd)
{
	const struct netconfmsg family = {.ncm_family = AF_INET};

	begin(RTM_GETNETCONF, 0, &family, sizeof(family));
	number(NETCONFA_IFINDEX, (unsigned)NETCONFA_IFINDEX_ALL);
	end();
	answer_to(fd, RTM_NEWNETCONF, "look at forwarding");
}

/* Most of what this costs is the kernel making the file. */
static void refuse_router_advertisements(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", host_link());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1 || close(fd))
		die(path);
}

static void announce(unsigned index)
{
	const struct ifinfomsg link = {.ifi_index = (int)index};
	struct nlattr *families, *ipv4, *settings;

	begin(RTM_NEWLINK, 0, &link, sizeof(link));
	families = attribute(IFLA_AF_SPEC | NLA_F_NESTED, "", 0);
	ipv4 = attribute(AF_INET | NLA_F_NESTED, "", 0);
	settings = attribute(IFLA_INET_CONF | NLA_F_NESTED, "", 0);
	number(IPV4_DEVCONF_ARP_NOTIFY, 1);
	close_nest(settings);
	close_nest(ipv4);
	close_nest(families);
	end();
}

static void configure_pod(int fd, bool announced, const uint8_t ip[static 4])
{
	const unsigned index = env_number("FLOOR_INDEX");
	const struct ifinfomsg up = {
		.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	const struct ifaddrmsg address = {.ifa_family = AF_INET,
					  .ifa_prefixlen = 24,
					  .ifa_flags = IFA_F_NODAD,
					  .ifa_index = index};
	const struct rtmsg route = {.rtm_family = AF_INET,
				    .rtm_table = RT_TABLE_MAIN,
				    .rtm_protocol = RTPROT_BOOT,
				    .rtm_scope = RT_SCOPE_UNIVERSE,
				    .rtm_type = RTN_UNICAST};
	const uint8_t gateway[] = {ip[0], ip[1], ip[2], 1};
	const uint8_t broadcast[] = {ip[0], ip[1], ip[2], 255};

	begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &address, sizeof(address));
	attribute(IFA_LOCAL, ip, 4);
	attribute(IFA_ADDRESS, ip, 4);
	attribute(IFA_BROADCAST, broadcast, 4);
	end();
	if (announced)
		announce(index);
	begin(RTM_NEWLINK, 0, &up, sizeof(up));
	end();
	begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	attribute(RTA_GATEWAY, gateway, 4);
	number(RTA_OIF, index);
	end();
	exchange(fd, "configure pod");
}

static void add(bool has_store, bool is_bridge, const uint8_t ip[static 4])
{
	int netns = open(env("CNI_NETNS"), O_RDONLY | O_CLOEXEC);
	int host = open_netlink(NETLINK_ROUTE);

	if (netns < 0)
		die("CNI_NETNS");
	if (is_bridge) {
		link_flags(host, env_number("FLOOR_BRIDGE"), NULL);
		find_gateway(host);
		look_at_forwarding(host);
	}
	if (has_store)
		add_lease();
	create_pair(host, netns, ip);
	if (is_bridge)
		refuse_router_advertisements();
	if (getenv("FLOOR_TABLE"))
		change_set(open_netlink(NETLINK_NETFILTER), NFT_MSG_NEWSETELEM, env("FLOOR_TABLE"),
			   ip);
	if (setns(netns, CLONE_NEWNET))
		die("setns");
	configure_pod(open_netlink(NETLINK_ROUTE), is_bridge, ip);
	if (is_bridge && !(link_flags(host, 0, host_link()) & IFF_RUNNING))
		die("carrier");
}

/* --- what every plugin does -------------------------------------------------------------------- */

/* To its end, as who writes it waits for that. */
static void read_request(void)
{
	static char request[65536];
	ssize_t n;

	do
		n = read(STDIN_FILENO, request, sizeof(request));
	while (n > 0);
	if (n < 0)
		die("read the request");
}

static void write_result(void)
{
	static const char result[] =
		"{\"cniVersion\": \"1.0.0\", \"interfaces\": [{\"name\": \"" POD_LINK "\"}]}\n";

	if (write(STDOUT_FILENO, result, sizeof(result) - 1) != sizeof(result) - 1)
		die("write the result");
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : "floor";
	const bool is_bridge = strcmp(name, "floor-bridge") == 0;
	const bool has_store = is_bridge || strcmp(name, "floor-store") == 0;
	uint8_t ip[4];

	if (strcmp(name, "nothing") == 0)
		return 0;
	if (inet_pton(AF_INET, env("FLOOR_ADDRESS"), ip) != 1)
		die("FLOOR_ADDRESS");
	read_request();
	if (strcmp(env("CNI_COMMAND"), "DEL") == 0) {
		del(has_store, ip);
		return 0;
	}
	add(has_store, is_bridge, ip);
	write_result();
	return 0;
}
