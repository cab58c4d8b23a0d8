#include "ipam/lease_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

void lease_mark_read(const struct lease_store *s, unsigned index, struct lease_mark *mark)
{
	snprintf(mark->name, sizeof(mark->name), "last_reserved_ip.%u", index);
	mark->text[0] = '\0';
	mark->len = file_read(s->dir, mark->name, mark->text, sizeof(mark->text));
}

static int open_mark(int dir, const char *name)
{
	return openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

/* Put text in place of the old bytes that are there (-1: not known). Gives 0, or the errno. */
static int overwrite(int dir, const char *name, const char *text, ssize_t n, ssize_t old)
{
	cleanup_fd int fd = open_mark(dir, name);

	/* A link or a FIFO in its place is nothing of ours or of the reference plugin's. */
	if (fd < 0 && (errno == ELOOP || errno == ENXIO) && unlinkat(dir, name, 0) == 0)
		fd = open_mark(dir, name);
	/* Cut off last: until then, the old text is there if there is no room for the new. */
	if (fd < 0 || file_write_all(fd, text, (size_t)n) ||
	    ((old < 0 || old > n) && ftruncate(fd, n)))
		return errno;
	return 0;
}

int lease_mark_write(const struct lease_store *s, const struct lease_mark *mark,
		     const struct ip *ip, struct err *e)
{
	char text[IP_TEXT];
	int failed;

	ip_format(text, ip);
	failed = overwrite(s->dir, mark->name, text, (ssize_t)strlen(text), mark->len);
	if (!failed)
		return 0;
	lease_mark_restore(s, mark);
	return err_sys(e, ERR_IO, "record last lease", failed, "%s/%s", s->path, mark->name);
}

void lease_mark_restore(const struct lease_store *s, const struct lease_mark *mark)
{
	/* None is better than a wrong one. */
	if (mark->len < 0 || overwrite(s->dir, mark->name, mark->text, mark->len, -1))
		unlinkat(s->dir, mark->name, 0);
}
