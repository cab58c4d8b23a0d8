#include "http/deadline.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/clock.h"

static int64_t now_ms(void)
{
	struct timespec now = clock_now(CLOCK_MONOTONIC);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct deadline deadline_in(unsigned ms)
{
	return (struct deadline){.ms = now_ms() + ms};
}

struct deadline deadline_sooner(struct deadline a, struct deadline b)
{
	return a.ms < b.ms ? a : b;
}

int deadline_left(struct deadline d)
{
	int64_t left = d.ms - now_ms();

	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

bool deadline_wait(struct deadline d, int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, deadline_left(d));

	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0;
}
