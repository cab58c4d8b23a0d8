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

bool sysctl_read(const char *path, char *value, size_t size)
{
	char name[PATH_MAX];

	full_path(name, path);
	return file_read(AT_FDCWD, name, value, size) >= 0;
}

long sysctl_number(const char *path)
{
	char text[32];
	uint32_t value;

	if (!sysctl_read(path, text, sizeof(text)))
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return number_parse(&value, text, UINT32_MAX) ? (long)value : -1;
}

int sysctl_write(const char *path, const char *value, struct err *e)
{
	char name[PATH_MAX];
	cleanup_fd int fd = -1;

	full_path(name, path);
	fd = openat(AT_FDCWD, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || file_write_all(fd, value, strlen(value)))
		return err_sys(e, ERR_IO, "set sysctl", errno, "%s to %s", name, value);
	log_trace("set %s=%s: done", path, value);
	return 0;
}

int sysctl_set(const char *path, unsigned value, struct err *e)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return sysctl_write(path, text, e);
}

void sysctl_try(const char *family, const char *ifname, const char *key, unsigned value)
{
	struct err ignored = {0};
	char path[96];

	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family, ifname, key);
	if (sysctl_set(path, value, &ignored))
		log_trace("%s", ignored.msg);
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
