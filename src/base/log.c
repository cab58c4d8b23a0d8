#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"

/* A line holds a whole configuration as kubelet sends it; a longer one is clipped. */
#define LINE_MAX_BYTES 8192
#define DAY_SECONDS    86400

static int log_fd = -1;
static const char *log_who = "cnibox";

bool log_tracing(void)
{
	static int level = -1;

	if (level < 0) {
		const char *debug = getenv("DEBUG");
		uint32_t asked;

		level = debug && number_parse(&asked, debug, UINT32_MAX) && asked > 0;
	}
	return level > 0;
}

static void open_log(const char *path)
{
	file_close(&log_fd);
	log_fd = openat(AT_FDCWD, path,
			O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
}

/*
 * Keep one old file: a node that lives for years must not fill its disk with this. Of several that
 * find it full, one renames it; the others must not rename the new one after it.
 */
static void rotate(const char *path)
{
	char old[PATH_MAX];
	struct stat st, now;

	if (fstat(log_fd, &st) || !S_ISREG(st.st_mode) || st.st_size < LOG_SIZE_MAX ||
	    flock(log_fd, LOCK_EX | LOCK_NB))
		return;
	snprintf(old, sizeof(old), "%s.1", path);
	if (stat(path, &now) == 0 && now.st_ino == st.st_ino && rename(path, old))
		return;
	open_log(path);
}

void log_open(const char *path, const char *who)
{
	log_who = who;
	open_log(path);
	if (log_fd >= 0)
		rotate(path);
}

static void write_line(int fd, const char *fmt, va_list ap) print_format(2, 0);

static void write_line(int fd, const char *fmt, va_list ap)
{
	static char line[LINE_MAX_BYTES];
	struct timespec now = clock_now(CLOCK_REALTIME);
	struct date date = clock_date((unsigned long)now.tv_sec / DAY_SECONDS);
	unsigned second = (unsigned)((unsigned long)now.tv_sec % DAY_SECONDS);
	size_t n;

	n = (size_t)snprintf(line, sizeof(line), "%04u-%02u-%02uT%02u:%02u:%02u.%03ldZ %s[%d] ",
			     date.year, date.month, date.day, second / 3600, second / 60 % 60,
			     second % 60, now.tv_nsec / 1000000, log_who, (int)getpid());
	if (vsnprintf(line + n, sizeof(line) - n, fmt, ap) < 0)
		return;
	for (; n < sizeof(line) - 1 && line[n]; n++)
		if (line[n] == '\n')
			line[n] = ' ';
		else if ((unsigned char)line[n] < ' ' || line[n] == 0x7f)
			line[n] = '?';
	line[n++] = '\n';
	if (file_write_all(fd, line, n))
		return; /* a full disk must not stop a pod */
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	if (log_fd < 0)
		return;
	va_start(ap, fmt);
	write_line(log_fd, fmt, ap);
	va_end(ap);
}

void log_trace(const char *fmt, ...)
{
	va_list ap;

	if (!log_tracing())
		return;
	va_start(ap, fmt);
	write_line(log_fd >= 0 ? log_fd : STDERR_FILENO, fmt, ap);
	va_end(ap);
}
