#include "cni/version.h"

#include <string.h>

static const char *const texts[CNI_VERSION_COUNT] = {
	[CNI_0_1_0] = "0.1.0", [CNI_0_2_0] = "0.2.0", [CNI_0_3_0] = "0.3.0", [CNI_0_3_1] = "0.3.1",
	[CNI_0_4_0] = "0.4.0", [CNI_1_0_0] = "1.0.0", [CNI_1_1_0] = "1.1.0",
};

const char *cni_version_text(enum cni_version v)
{
	return texts[v];
}

bool cni_version_parse(enum cni_version *v, const char *text)
{
	if (!*text)
		text = texts[CNI_0_1_0];
	for (unsigned i = 0; i < CNI_VERSION_COUNT; i++) {
		if (strcmp(texts[i], text) == 0) {
			*v = (enum cni_version)i;
			return true;
		}
	}
	return false;
}

const char *cni_version_family(enum cni_version v)
{
	if (v < CNI_0_3_0)
		return "0.1.0 0.2.0";
	return v < CNI_1_0_0 ? "0.3.0 0.3.1 0.4.0" : "1.0.0 1.1.0";
}
