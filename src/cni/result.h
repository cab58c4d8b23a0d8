/*
 * The result of an ADD, written and read in every protocol version.
 */
#ifndef CNI_RESULT_H
#define CNI_RESULT_H

#include "base/err.h"
#include "base/ip.h"
#include "cni/version.h"
#include "json/reader.h"

/* Of all networks of a chained result: bridge, host end, pod end ... */
#define CNI_INTERFACES_MAX 64
#define CNI_IPS_MAX	   16 /* one per range set; two families of a few sets */
#define CNI_ROUTES_MAX	   128
#define CNI_DNS_MAX	   32 /* words of one kind */

struct cni_interface {
	const char *name;
	const char *mac;		  /* "" : none */
	const char *sandbox;		  /* "": on the host */
	uint32_t mtu;			  /* 0: not said */
	const char *socket_path, *pci_id; /* NULL or "": none */
};

struct cni_address {
	struct prefix address;
	struct ip gateway; /* family 0: none */
	int interface;	   /* index into interfaces; -1: none */
};

struct cni_route {
	struct prefix dst;
	struct ip gw; /* family 0: none */
	uint32_t mtu, advmss, priority;
	int64_t table, scope; /* -1: not said */
};

struct cni_words {
	const char *word[CNI_DNS_MAX];
	unsigned count;
};

struct cni_dns {
	struct cni_words nameservers, search, options;
	const char *domain; /* NULL: none */
};

/* Texts are borrowed from the arena or the environment. */
struct cni_result {
	/* What every result has comes first: of the rest, few pages are ever touched. */
	unsigned interface_count, ip_count, route_count;
	bool dns_always; /* before 1.0.0, print "dns": {} even when empty, as the Go plugins do */
	struct json same_as; /* when present, this previous result is printed unchanged instead */
	struct cni_dns dns;
	struct cni_address ips[CNI_IPS_MAX];
	struct cni_interface interfaces[CNI_INTERFACES_MAX];
	struct cni_route routes[CNI_ROUTES_MAX];
};

/* Append and give the new entry; NULL with e set when there is no more room. */
struct cni_interface *cni_result_interface(struct cni_result *rs, struct err *e) must_check;
struct cni_address *cni_result_ip(struct cni_result *rs, struct err *e) must_check;

/* Write it in version v as JSON into buf; gives the length, or -1 with e set. */
long cni_result_write(const struct cni_result *rs, enum cni_version v, char *buf, size_t size,
		      struct err *e) must_check;

/*
 * Read a result in whichever shape it has. Absent gives an empty result. Gives 0, or -1 with e set
 * (ERR_CONFIG, naming the path).
 */
int cni_result_read(struct cni_result *rs, struct json v, struct err *e) must_check;

/*
 * The same for one that must be of version v: a previous result, what a delegate printed. Its
 * cniVersion may be another of the same shape; one that has none is taken to be of that version.
 */
int cni_result_read_as(struct cni_result *rs, struct json v, enum cni_version version,
		       struct err *e) must_check;

/*
 * The addresses that a result of version 0.3.0 or later names, at most max, into ip. For a DEL,
 * which must not fail for what it cannot read: that is passed over. Gives how many there are.
 */
unsigned cni_result_addresses(struct ip *ip, unsigned max, struct json v);

/* Read a "dns" object, appending to *d. */
int cni_dns_read(struct cni_dns *d, struct json v, struct err *e) must_check;

/* Read an array of route objects, appending to rs->routes. */
int cni_routes_read(struct cni_result *rs, struct json routes, struct err *e) must_check;

#endif
