#include "gce/retry.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

#define FIRST_MS  100
#define SLOWLY_MS 2000
#define CAP_MS	  30000

enum gce_verdict gce_judge(unsigned status, const char *reason)
{
	if (status == 401)
		return GCE_NEW_TOKEN;
	if (status == 403 && strcmp(reason, "rateLimitExceeded") == 0)
		return GCE_NEXT_MINUTE;
	if (status == 400 && (strcmp(reason, "resourceNotReady") == 0 ||
			      strcmp(reason, "resourceInUseByAnotherResource") == 0))
		return GCE_SLOWLY;
	if (status == 408 || status == 429 || status >= 500)
		return GCE_AGAIN;
	return GCE_FINAL;
}

static unsigned doubled(unsigned first, unsigned next)
{
	unsigned bound = first << (next - 2 < 16 ? next - 2 : 16);

	return bound < CAP_MS ? bound : CAP_MS;
}

unsigned gce_pause(enum gce_verdict verdict, unsigned next, unsigned retry_after, unsigned second,
		   uint32_t random)
{
	unsigned least = retry_after < 3600 ? retry_after * 1000 : 3600000;
	unsigned bound;

	switch (verdict) {
	case GCE_AGAIN:
		return least + random % doubled(FIRST_MS, next);
	case GCE_SLOWLY:
		bound = doubled(SLOWLY_MS, next);
		return least + bound / 2 + random % (bound / 2);
	case GCE_NEXT_MINUTE:
		return (least ? least : (60 - second) * 1000) + random % 1000;
	case GCE_NEW_TOKEN:
	case GCE_FINAL:
		break;
	}
	return 0;
}

bool gce_sleep(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	static bool stopped;
	sigset_t signals, mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGTERM)) {
		nanosleep(&time, NULL);
		return true;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	stopped = stopped || sigtimedwait(&signals, NULL, &time) > 0;
	return !stopped;
}

int gce_try_again(enum gce_verdict verdict, unsigned next, unsigned retry_after,
		  struct deadline until, struct err *e)
{
	struct timespec now = clock_now(CLOCK_REALTIME);
	unsigned ms = gce_pause(verdict, next, retry_after, (unsigned)(now.tv_sec % 60),
				gce_random(1u << 16));

	if (verdict == GCE_FINAL || next > GCE_TRIES || ms >= (unsigned)deadline_left(until) ||
	    !gce_sleep(ms))
		return -1;
	err_clear(e);
	return 0;
}

uint32_t gce_random(uint32_t bound)
{
	uint32_t n = 0;

	/* Cannot fail at this length once the machine has booted; 0 would only be less of a jitter. */
	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = 0;
	return n % bound;
}

void gce_uuid(char out[static GCE_UUID_TEXT])
{
	unsigned char b[16] = {0};
	size_t at = 0;

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)gce_random(256);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		snprintf(out + at, 3, "%02x", b[i]);
		at += 2;
	}
}
