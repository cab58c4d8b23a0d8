#include "gce/own.h"

#include <bearssl.h>
#include <stdio.h>
#include <string.h>

#define HASH_BYTES 6

bool gce_cluster_valid(const char *cluster)
{
	return gce_name_valid(cluster) && strlen(cluster) <= GCE_CLUSTER_MAX;
}

void gce_own_name(char out[static GCE_NAME_MAX + 1], const char *cluster, const char *zone,
		  const char *instance, const char *range)
{
	const char *const parts[] = {cluster, zone, instance, range};
	uint8_t hash[br_sha256_SIZE];
	br_sha256_context h;
	size_t n;

	br_sha256_init(&h);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		br_sha256_update(&h, parts[i], strlen(parts[i]) + 1);
	br_sha256_out(&h, hash);
	/* 7 of "cnibox-", 42 of the instance, 13 of the hash: 62. */
	n = (size_t)snprintf(out, GCE_NAME_MAX + 1, "cnibox-%.42s-", instance);
	for (size_t i = 0; i < HASH_BYTES; i++)
		n += (size_t)snprintf(out + n, GCE_NAME_MAX + 1 - n, "%02x", hash[i]);
}

void gce_own_description(char out[static GCE_DESCRIPTION_MAX], const char *cluster,
			 const char *instance)
{
	snprintf(out, GCE_DESCRIPTION_MAX, "cnibox cluster=%s node=%s", cluster, instance);
}

bool gce_own(const char *description, const char *cluster)
{
	char ours[GCE_DESCRIPTION_MAX];
	int n = snprintf(ours, sizeof(ours), "cnibox cluster=%s node=", cluster);

	return strncmp(description, ours, (size_t)n) == 0;
}

void gce_own_filter(char out[static GCE_DESCRIPTION_MAX], const char *cluster)
{
	snprintf(out, GCE_DESCRIPTION_MAX, "description eq \"cnibox cluster=%s node=.*\"", cluster);
}
