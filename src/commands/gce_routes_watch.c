/*
 * gce-routes ensure --watch: the same again and again, as long as the node lives.
 */
#include <signal.h>

#include "base/say.h"
#include "commands/gce_routes.h"
#include "gce/retry.h"

#define FAILED_SECONDS 10u /* until the round after one that has failed; doubled with each */

/* Every second of a period may be another node's: up to a tenth more or less. */
static unsigned period_ms(uint32_t seconds)
{
	uint32_t tenth = seconds * 100;

	return seconds * 1000 - tenth + gce_random(2 * tenth + 1);
}

/* When to look again: soon where something is wrong, as a node that boots still makes its files. */
static unsigned pause_ms(const struct gce_words *w, unsigned failed)
{
	uint32_t soon = failed && failed < 16 ? FAILED_SECONDS << (failed - 1) : w->watch;

	return period_ms(soon < w->watch ? soon : w->watch);
}

/*
 * Wait. Gives false when SIGTERM or SIGINT has come: they are held back while a round lasts, so that
 * a route that was deleted is made anew first.
 */
static bool rest(const sigset_t *signals, unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	return sigtimedwait(signals, NULL, &time) < 0;
}

/*
 * Memory is given back after each round, and with it the connections; the token is kept. A round
 * that fails is told, and the next one tries again; but what is wrong with the words stays wrong.
 */
int gce_routes_watch(const struct gce_words *w, struct err *e)
{
	static struct gce g;
	unsigned failed = 0;
	sigset_t signals;
	bool first = true;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	do {
		if (gce_open(&g, &w->session, e) == 0 && gce_routes_ensure(&g, w, first, e) == 0)
			first = false;
		gce_rest(&g);
		if (e->code == ERR_USAGE)
			break;
		failed = e->code ? failed + 1 : 0;
		if (e->code)
			gce_routes_complain(w, e);
		if (say_end())
			break;
	} while (rest(&signals, pause_ms(w, failed)));
	gce_close(&g);
	return e->code ? -1 : 0;
}
