#include "ipam/lease_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cni/request.h"

#define SEPARATOR   "\r\n" /* on every system, unlike what host-local's name for it suggests */
#define WHITE_SPACE " \t\n\v\f\r"

static char *find_separator(char *text)
{
	while ((text = strchr(text, SEPARATOR[0])) && text[1] != SEPARATOR[1])
		text++;
	return text;
}

bool lease_text_parse(struct lease_owner *owner, char *text, size_t n)
{
	char *separator;

	while (n > 0 && strchr(WHITE_SPACE, text[n - 1]) && text[n - 1])
		n--;
	text[n] = '\0';
	if (strlen(text) != n)
		return false; /* a block of zeros, as a power cut leaves it */
	text += strspn(text, WHITE_SPACE);
	separator = find_separator(text);
	owner->ifname = "";
	if (separator) {
		*separator = '\0';
		owner->ifname = separator + strlen(SEPARATOR);
		if (cni_ifname_check(owner->ifname, &(struct err){0}))
			return false;
	}
	owner->container_id = text;
	return cni_name_valid(text);
}

enum ownership lease_ownership(const struct lease_owner *lease, const struct lease_owner *owner)
{
	if (strcmp(lease->container_id, owner->container_id) != 0)
		return NOT_OWNED;
	if (!*lease->ifname)
		return OWNED_BY_ID;
	return strcmp(lease->ifname, owner->ifname) == 0 ? OWNED_EXACTLY : NOT_OWNED;
}

enum lease_state lease_file_read(int dir, const char *name, struct lease_text *text)
{
	cleanup_fd int fd =
		openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		/* ELOOP: a symbolic link. ENXIO: a socket, or a device that is not there. */
		return errno == ENOENT			  ? LEASE_GONE
		       : errno == ELOOP || errno == ENXIO ? LEASE_LITTER
							  : LEASE_ALIEN;
	/* One read: these files are written by one write, and a search reads hundreds of them. */
	n = read(fd, text->buf, sizeof(text->buf));
	if (n < 0)
		return errno == EAGAIN ? LEASE_LITTER : LEASE_ALIEN; /* a FIFO, a directory */
	if ((size_t)n == sizeof(text->buf))
		return LEASE_LITTER;
	return lease_text_parse(&text->owner, text->buf, (size_t)n) ? LEASE_OWNED : LEASE_LITTER;
}

int lease_file_create(const struct lease_store *s, const char *name,
		      const struct lease_owner *owner, struct err *e)
{
	char text[LEASE_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%s" SEPARATOR "%s", owner->container_id,
			 owner->ifname);
	int fd, failed;

	if (n < 0 || (size_t)n >= sizeof(text))
		return err_set(e, ERR_ENV, "write lease", "CNI_CONTAINERID is longer than %d bytes",
			       LEASE_TEXT_MAX - 32);
	fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return 1;
	if (fd < 0)
		return err_sys(e, ERR_IO, "create lease", errno, "%s/%s", s->path, name);
	failed = file_write_all(fd, text, (size_t)n) ? errno : 0;
	/* Network file systems and quotas may report a full disk only here. */
	if (close(fd) && !failed && errno != EINTR)
		failed = errno;
	if (failed) {
		unlinkat(s->dir, name, 0);
		return err_sys(e, ERR_IO, "write lease", failed, "%s/%s", s->path, name);
	}
	log_trace("lease %s/%s: made for %s %s", s->path, name, owner->container_id, owner->ifname);
	return 0;
}

int lease_file_remove(const struct lease_store *s, const char *name, struct err *e)
{
	if (unlinkat(s->dir, name, 0) && errno != ENOENT)
		return err_sys(e, ERR_IO, "remove lease", errno, "%s/%s", s->path, name);
	log_trace("lease %s/%s: removed", s->path, name);
	return 0;
}
