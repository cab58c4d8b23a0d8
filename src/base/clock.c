#include "base/clock.h"

#include <sys/syscall.h>
#include <unistd.h>

struct timespec clock_now(clockid_t clock)
{
	struct timespec now = {0};

	syscall(SYS_clock_gettime, clock, &now);
	return now;
}
