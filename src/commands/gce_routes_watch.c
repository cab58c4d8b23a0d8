/*
 * gce-routes ensure --watch: the same again and again, as long as the node lives.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
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

/* SIGTERM and SIGINT wait until a round is over: a route that was deleted is made anew first. */
static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* When to look again: soon where something is wrong, as a node that boots still makes its files. */
static unsigned pause_ms(const struct gce_words *w, unsigned failed)
{
	uint32_t soon = failed && failed < 16 ? FAILED_SECONDS << (failed - 1) : w->watch;

	return period_ms(soon < w->watch ? soon : w->watch);
}

/*
 * Memory is given back after each round, and with it the connections; the token is kept. A round
 * that fails is told, and the next one tries again; but what is wrong with the words stays wrong.
 */
int gce_routes_watch(const struct gce_words *w, struct err *e)
{
	static struct gce g;
	unsigned failed = 0;
	bool first = true;

	block_signals();
	do {
		if (gce_open(&g, &w->session, e) == 0 && gce_routes_ensure(&g, w, first, e) == 0)
			first = false;
		gce_rest(&g);
		arena_reset();
		if (e->code == ERR_USAGE)
			break;
		failed = e->code ? failed + 1 : 0;
		if (e->code)
			gce_routes_complain(w, e);
		if (say_end())
			break;
	} while (gce_sleep(pause_ms(w, failed)));
	gce_close(&g);
	return e->code ? -1 : 0;
}
