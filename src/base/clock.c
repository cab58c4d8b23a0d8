#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct timespec clock_now(clockid_t clock)
{
	struct timespec now = {0};

	syscall(SYS_clock_gettime, clock, &now);
	return now;
}

struct date clock_date(unsigned long day)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct date d;

	for (d.year = 1970;; d.year++) {
		bool leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;

		for (d.month = 1; d.month <= 12; d.month++) {
			unsigned length = days[d.month - 1] + (leap && d.month == 2 ? 1u : 0u);

			if (day < length) {
				d.day = (unsigned)day + 1;
				return d;
			}
			day -= length;
		}
	}
}
