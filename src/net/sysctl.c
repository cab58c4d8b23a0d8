#include "net/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"

static void full_path(char out[static PATH_MAX], const char *path)
{
	snprintf(out, PATH_MAX, "/proc/sys/%s", path);
}

long sysctl_number(const char *path)
{
	char name[PATH_MAX], text[32];
	uint32_t value;

	full_path(name, path);
	if (file_read(AT_FDCWD, name, text, sizeof(text)) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return number_parse(&value, text, UINT32_MAX) ? (long)value : -1;
}

int sysctl_set(const char *path, unsigned value, struct err *e)
{
	char name[PATH_MAX], text[16];
	cleanup_fd int fd = -1;
	int n = snprintf(text, sizeof(text), "%u", value);

	full_path(name, path);
	fd = openat(AT_FDCWD, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || file_write_all(fd, text, (size_t)n))
		return err_sys(e, ERR_IO, "set sysctl", errno, "%s to %u", name, value);
	log_trace("set %s=%u: done", path, value);
	return 0;
}

int sysctl_enable_ipv6(const char *ifname, struct err *e)
{
	char path[64];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", ifname);
	return sysctl_number(path) > 0 ? sysctl_set(path, 0, e) : 0;
}

void sysctl_spare_dad(const char *ifname)
{
	struct err e = {0};
	char path[64];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/accept_dad", ifname);
	if (sysctl_number(path) > 0 && sysctl_set(path, 0, &e))
		log_line("%s", e.msg);
}
