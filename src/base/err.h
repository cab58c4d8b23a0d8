/*
 * The one error type.
 *
 * A struct err lives in the caller's frame, zeroed. Every function that can fail takes it last and
 * returns 0, or -1 with it set (functions that return a pointer or a descriptor: NULL or -1). The
 * first error wins: setting one that is set already changes nothing, so clean-up may go on with
 * the same struct. Nothing is allocated.
 *
 * A message is one sentence for people: what was being done, to what, why it failed. It is also
 * all that the operator of a cluster sees of it (kubelet shows "msg" and nothing else).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/compiler.h"

/* CNI specification 1.1.0, "Error" section; 100 and up are a plugin's own. */
enum err_code {
	ERR_VERSION = 1,      /* cniVersion not supported */
	ERR_FIELD = 2,	      /* a key's value is valid but not supported */
	ERR_CONTAINER = 3,    /* container unknown: no DEL needed */
	ERR_ENV = 4,	      /* CNI_* variable missing or invalid */
	ERR_IO = 5,	      /* a file could not be read or written */
	ERR_DECODE = 6,	      /* input is not JSON */
	ERR_CONFIG = 7,	      /* network configuration invalid */
	ERR_NETNS = 8,	      /* CNI_NETNS is the host's own (the Go library's code) */
	ERR_TRY_AGAIN = 11,   /* transient: the same call may succeed later */
	ERR_UNAVAILABLE = 50, /* STATUS: an ADD could not be served now */
	ERR_LIMITED = 51,     /* STATUS: and running pods may lack connectivity */
	ERR_KERNEL = 100,     /* the kernel refused an operation */
	ERR_STATE = 101,      /* what was found is not what there must be */
	ERR_USAGE = 102,      /* command line */
	ERR_INTERNAL = 103,   /* a bound or an invariant of the program itself */
	ERR_DELEGATE = 104,   /* a plugin that was called failed without saying why */
};

struct err {
	enum err_code code; /* 0: no error */
	int sys;	    /* errno behind it, or 0 */
	char msg[640];
	char details[512]; /* what to do about it; may be empty */
};

/*
 * Set e, unless it is set already.
 *
 * doing  what was being done, in the imperative ("open pod namespace"); NULL where fmt says it all
 * fmt    to what and why
 *
 * Gives -1, so that a function can return it.
 */
int err_set(struct err *e, enum err_code code, const char *doing, const char *fmt, ...)
	print_format(4, 5);

/* The same, with the reason of errno sys appended. */
int err_sys(struct err *e, enum err_code code, const char *doing, int sys, const char *fmt, ...)
	print_format(5, 6);

/* Put "WHAT: " before the message, if an error is set: in the course of what it happened. */
void err_prefix(struct err *e, const char *fmt, ...) print_format(2, 3);

/* That both give -1 and nothing else, said so that compilers and analysers know it, too. */
static inline int err_always(int given)
{
	(void)given;
	return -1;
}
#define err_set(...) err_always(err_set(__VA_ARGS__))
#define err_sys(...) err_always(err_sys(__VA_ARGS__))

/* Say what to do about the error that is set. Keeps an earlier hint. */
void err_hint(struct err *e, const char *fmt, ...) print_format(2, 3);

/* Forget the error: for callers that have another way. */
void err_clear(struct err *e);

#endif
