/*
 * An HTTP/1.1 client (RFC 9110, 9112), over TLS where the URL says https.
 *
 * Connections stay open between requests and serve later ones to the same origin. What is sent and
 * received is bounded; a body is handed on as it comes, so that one of any length needs no memory.
 * Redirects are not followed: a 3xx is an answer like others. One process, no threads: a request is
 * sent whole, and an answer is read when it is asked for. So several servers' (or one server's)
 * work runs at once if several requests are sent before the first answer is asked for, each on a
 * connection of its own.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define HTTP_CALLS	8     /* at once: connections of a client */
#define HTTP_VALUE_MAX	512   /* bytes of a header field's value that is handed on */
#define HTTP_TIMEOUT_MS 60000 /* of a whole request where it does not say */
#define HTTP_CONNECT_MS 10000 /* of name, connection and TLS together where it does not say */

struct http;
struct http_call;

struct http_options {
	/* PEM of trusted roots. NULL: $SSL_CERT_FILE, the system's bundle, else those built in. */
	const char *ca_file;
	/* PEM of a client certificate (its chain behind it) and of its key; may be one file. */
	const char *client_cert, *client_key;
	/* What the certificate must name in place of the URL's host (a kubeconfig's tls-server-name). */
	const char *server_name;
	const char *user_agent; /* NULL: "cnibox/VERSION" */
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method; /* "GET" */
	const char *url;
	/*
	 * Up to the one with the name NULL; may be NULL. Host, User-Agent and Content-Length are made,
	 * and may not be among them.
	 */
	const struct http_header *headers;
	const char *body; /* NULL: none */
	size_t body_len;
	unsigned timeout_ms; /* until the last byte of the answer; 0: HTTP_TIMEOUT_MS */
	unsigned connect_ms; /* of that, until the connection stands; 0: HTTP_CONNECT_MS */
	bool direct;	     /* never through a proxy: the metadata server */
	/*
	 * May be sent once more when a kept connection turns out to be dead, though the server may
	 * have acted on it: a POST with a requestId. GET, HEAD, PUT and DELETE may in any case.
	 */
	bool repeatable;
};

/* A header field of the answer that the caller wants to see. */
struct http_field {
	const char *name; /* in any case */
	char value
		[HTTP_VALUE_MAX]; /* "" if there is none, or more than fits; the first of several */
};

struct http_response {
	unsigned status; /* 200..999: 1xx answers are not shown */
	struct http_field *fields;
	size_t field_count;
	/*
	 * Takes the body's next bytes, n > 0. Gives 0, or -1 with e set to end it there (the
	 * connection is closed, and the call fails with this error). NULL: the body is dropped.
	 * status and fields are set by then. It must not use the client.
	 */
	int (*sink)(void *context, const char *bytes, size_t n, struct err *e);
	void *context;
};

/*
 * A client. It and its connections live in the arena: http_close before arena_reset. Options are
 * borrowed until http_close; a certificate's files are read when a connection is made, so that a
 * renewed one is seen.
 *
 * Gives NULL with e set when the arena is full.
 */
struct http *http_open(const struct http_options *options, struct err *e) must_check;

/* Close every connection and wipe what was secret. NULL is none. Errors are of no use here. */
void http_close(struct http *h);

/*
 * Send rq, over a kept connection or a new one. rq is borrowed until http_receive.
 *
 * Gives NULL with e set: ERR_TRY_AGAIN where the same may succeed later (no answer from DNS,
 * refused or cut connection, time over), else what it is: ERR_FIELD (URL, headers), ERR_STATE (the
 * server cannot be trusted or does not speak TLS 1.2 or HTTP), ERR_IO (a file). With HTTP_CALLS
 * under way: ERR_INTERNAL.
 *
 * DEBUG=1 traces method, URL, headers (those that authorize are masked) and what came of it.
 */
struct http_call *http_send(struct http *h, const struct http_request *rq,
			    struct err *e) must_check;

/*
 * Read the answer; the call is over after that. Gives 0 for any status, or -1 with e set as above:
 * ERR_TRY_AGAIN also for a body that was cut short (some of it may have been handed on).
 */
int http_receive(struct http_call *call, struct http_response *rs, struct err *e) must_check;

/* Both. */
int http_do(struct http *h, const struct http_request *rq, struct http_response *rs,
	    struct err *e) must_check;

/* What requests name as their User-Agent. */
const char *http_user_agent(const struct http_options *options);

/* How many TLS handshakes this client has completed: for tests and DEBUG. */
unsigned http_handshakes(const struct http *h);

#endif
