/*
 * Points in time until which something may take, and waiting for a descriptor until then.
 */
#ifndef HTTP_DEADLINE_H
#define HTTP_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
	int64_t ms; /* of CLOCK_MONOTONIC */
};

struct deadline deadline_in(unsigned ms);
struct deadline deadline_sooner(struct deadline a, struct deadline b);

/* What is left of it, for poll: 0 when it is over. */
int deadline_left(struct deadline d);

/*
 * Wait until fd has one of poll's events (POLLIN, POLLOUT), an error or a hang-up. Gives false with
 * errno ETIMEDOUT when the time is over.
 */
bool deadline_wait(struct deadline d, int fd, short events);

#endif
