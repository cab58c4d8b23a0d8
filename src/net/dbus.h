/*
 * A client of D-Bus' system bus: one call at a time, strings as arguments, and the first value of what is answered.
 * Source: D-Bus Specification 0.43, "Message Protocol", "Authentication Protocol", "Server Addresses".
 */
#ifndef NET_DBUS_H
#define NET_DBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "http/deadline.h"

/* Of a message that is read; what goes out is smaller. Answers to what is asked here are short. */
#define DBUS_MESSAGE_MAX 4096

/* How long the bus has to take a connection, and to answer for itself. */
#define DBUS_TIMEOUT_MS 5000

enum dbus_type { DBUS_CALL = 1, DBUS_RETURN = 2, DBUS_ERROR = 3 };

/* What is of interest in a message. Texts point into its bytes. */
struct dbus_message {
	uint8_t type; /* enum dbus_type, or another */
	uint32_t reply_to;
	const char *error; /* its name; "" in what is none */
	const char *text;  /* the first argument, if it is a string; else "" */
	bool yes;	   /* the first argument, if it is a boolean */
};

/*
 * Read the message that n bytes begin with. Gives how many are its own, 0 when more have to come, or
 * -1 for what is no message, or is longer than DBUS_MESSAGE_MAX.
 */
ssize_t dbus_read(struct dbus_message *m, const uint8_t *bytes, size_t n);

struct dbus {
	int fd;
	struct deadline until; /* for the answers to come */
	uint32_t serial;
	size_t have;			  /* bytes in */
	size_t answer;			  /* of them, at the beginning: done with */
	uint8_t in[DBUS_MESSAGE_MAX + 1]; /* and a NUL */
};

/* What is called: a name on the bus, an object and an interface of it. */
struct dbus_object {
	const char *name, *path, *interface;
};

extern const struct dbus_object dbus_itself; /* the bus */

/*
 * Connect to the bus of DBUS_SYSTEM_BUS_ADDRESS (unix:path=...), or the usual one, as who this
 * process is, and until it ends. b is zeroed. Gives 0, or -1 with e set: ERR_STATE where there is
 * none, ERR_TRY_AGAIN where it does not let in, or not answer.
 */
int dbus_open(struct dbus *b, struct err *e) must_check;

/*
 * words  the method's name and up to two strings as its arguments, then NULL
 *
 * Gives 0 with the answer, which may be an error and is good until the next call; or -1 with e set
 * (ERR_TRY_AGAIN), for a call that is too long as well.
 */
int dbus_call(struct dbus *b, const struct dbus_object *to, const char *const words[],
	      struct dbus_message *answer, struct err *e) must_check;

#endif
