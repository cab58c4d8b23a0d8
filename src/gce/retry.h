/*
 * When a request to Google is tried again, and after how long. The table of Compute's errors and
 * what each asks for: https://cloud.google.com/compute/docs/troubleshooting/api-errors.
 */
#ifndef GCE_RETRY_H
#define GCE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "http/deadline.h"

#define GCE_TRIES 5 /* of a request at most, the first one among them */

enum gce_verdict {
	GCE_FINAL,	 /* the same would be refused again */
	GCE_AGAIN,	 /* a passing trouble: up to 100 ms, doubling */
	GCE_SLOWLY,	 /* something else must end first: some seconds */
	GCE_NEXT_MINUTE, /* the rate is counted per minute */
	GCE_NEW_TOKEN,	 /* at once, once, with another access token */
};

/* What to do about an answer with this status, above 299, and this reason ("" if it has none). */
enum gce_verdict gce_judge(unsigned status, const char *reason);

/*
 * Milliseconds to wait before try number `next` (2, 3, ...).
 *
 * retry_after  what the server asks for, in seconds; 0 if it does not
 * second	of the present minute, 0 to 59
 * random	any number: two clients must not come back at the same time
 */
unsigned gce_pause(enum gce_verdict verdict, unsigned next, unsigned retry_after, unsigned second,
		   uint32_t random);

/*
 * A try has failed, with e set: wait before try number `next`, and forget the error.
 *
 * Gives 0; or -1, with e as it was, where it is final, the tries are used up, the wait would last
 * longer than until, or a signal asks to stop (gce_sleep).
 */
int gce_try_again(enum gce_verdict verdict, unsigned next, unsigned retry_after,
		  struct deadline until, struct err *e) must_check;

/*
 * Wait ms. Gives false when SIGTERM or SIGINT, being blocked, came meanwhile, or has come in an
 * earlier wait.
 */
bool gce_sleep(unsigned ms);

/* A random number from 0 to bound - 1. */
uint32_t gce_random(uint32_t bound);

/* A random UUID (RFC 9562, version 4) as text: the identity of a change over all its tries. */
#define GCE_UUID_TEXT 37
void gce_uuid(char out[static GCE_UUID_TEXT]);

#endif
