/*
 * TLS 1.2 (RFC 5246) over a connected socket, by BearSSL: ECDHE with ECDSA or RSA, AES-GCM or
 * ChaCha20-Poly1305, and nothing else.
 *
 * The server's chain is always validated to a root and its name always compared. Nothing that the
 * caller writes is sent before that has succeeded.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "http/deadline.h"

struct tls;

struct tls_options {
	const char *ca_file; /* as http_options has them */
	const char *client_cert, *client_key;
};

/* Room for a connection, in the arena. Gives NULL with e set when it is full. */
struct tls *tls_new(struct err *e) must_check;

/*
 * Shake hands over fd (non-blocking; borrowed) with the server that its certificate must say is
 * name: a DNS name, or an address in text (then an iPAddress of the certificate must equal it).
 *
 * Gives 0, or -1 with e set: ERR_STATE where the server cannot be trusted or does not speak this,
 * with what to do about it; ERR_TRY_AGAIN for a cut connection or time over; ERR_IO for a file.
 */
int tls_start(struct tls *t, int fd, const char *name, const struct tls_options *options,
	      struct deadline until, struct err *e) must_check;

/* Send n bytes. Gives 0, or -1 with e set. */
int tls_write(struct tls *t, const void *bytes, size_t n, struct deadline until,
	      struct err *e) must_check;

/*
 * Receive up to n bytes, at least one. Gives their number; 0 at the end that the server has
 * announced (close_notify); or -1 with e set, also for an end that it has not.
 */
ssize_t tls_read(struct tls *t, void *bytes, size_t n, struct deadline until,
		 struct err *e) must_check;

/* Whether there is something to read that has been received already. */
bool tls_has_more(const struct tls *t);

/* Say goodbye as far as that does not block, and wipe keys. fd stays the caller's. */
void tls_stop(struct tls *t);

/* Why BearSSL's engine has failed, by its BR_ERR_* number, into e. Gives -1. */
int tls_explain(unsigned reason, struct err *e);

#endif
