#include "base/clock.h"

#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

struct timespec clock_now(clockid_t clock)
{
	struct timespec now = {0};

	syscall(SYS_clock_gettime, clock, &now);
	return now;
}

/*
 * Years are taken to begin in March, so that the leap day is their last, and months of 30.6 days fall
 * into place; 400 of them are 146097 days.
 */
struct date clock_date(unsigned long day)
{
	unsigned long from_year_0 = day + 719468;
	unsigned d = (unsigned)(from_year_0 % 146097);
	unsigned year = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	unsigned of_year = d - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;
	bool next_year = month >= 10;

	return (struct date){
		.year = year + 400 * (unsigned)(from_year_0 / 146097) + next_year,
		.month = next_year ? month - 9 : month + 3,
		.day = of_year - (153 * month + 2) / 5 + 1,
	};
}
