/*
 * Files of test/unit/golden/tls, which golden/record-tls.sh makes with OpenSSL.
 */
#ifndef TLS_GOLDEN_H
#define TLS_GOLDEN_H

#include <fcntl.h>

#include "unit.h"

#include "base/file.h"

static inline size_t tls_golden(const char *name, char *buf, size_t size)
{
	char path[128];
	ssize_t n;

	snprintf(path, sizeof(path), "test/unit/golden/tls/%s", name);
	n = file_read(AT_FDCWD, path, buf, size);
	if (n <= 0)
		fail_msg("cannot read %s: run from the top of the tree", path);
	return (size_t)n;
}

#endif
