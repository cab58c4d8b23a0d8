/*
 * CNI protocol versions. A result is written in the version that the configuration names.
 */
#ifndef CNI_VERSION_H
#define CNI_VERSION_H

#include <stdbool.h>

enum cni_version {
	CNI_0_1_0,
	CNI_0_2_0,
	CNI_0_3_0,
	CNI_0_3_1,
	CNI_0_4_0,
	CNI_1_0_0,
	CNI_1_1_0,
	CNI_VERSION_COUNT,
};

/* "0.1.0" ... */
const char *cni_version_text(enum cni_version v);

/*
 * The version with exactly that text; "" means 0.1.0, as it did before the key existed.
 * Gives false for any other.
 */
bool cni_version_parse(enum cni_version *v, const char *text) __attribute__((warn_unused_result));

/* The versions whose results have one shape: 0.1.0-0.2.0, 0.3.0-0.4.0, 1.0.0-1.1.0. In words. */
const char *cni_version_family(enum cni_version v);

#endif
