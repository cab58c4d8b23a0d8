/*
 * What a runtime asks: environment and standard input, checked in the order and with the words of
 * the Go library's skel package, on which runtimes' tests rely (CNI specification 1.1.0).
 */
#ifndef CNI_REQUEST_H
#define CNI_REQUEST_H

#include "base/err.h"
#include "cni/version.h"
#include "json/reader.h"

enum cni_verb {
	CNI_ADD,
	CNI_DEL,
	CNI_CHECK,
	CNI_GC,
	CNI_STATUS,
	CNI_VERSION,
};

struct cni_request {
	enum cni_verb verb;
	const char *verb_text;

	/* From the environment; "" where it is not set. GC, STATUS: the first three unchecked. */
	const char *container_id;
	const char *netns;
	const char *ifname;
	const char *args; /* CNI_ARGS */
	const char *path; /* CNI_PATH */

	/* From standard input. */
	const char *text; /* the bytes, for a delegate */
	size_t text_len;
	struct json conf;    /* the network configuration */
	const char *network; /* its name */
	enum cni_version version;
};

/* CNI_COMMAND as a verb. Gives 0, or -1 with e set: ERR_ENV "unknown CNI_COMMAND: X". */
int cni_verb_parse(enum cni_verb *verb, const char *text, struct err *e) must_check;

const char *cni_verb_text(enum cni_verb verb);

/* Fill rq->verb and what comes from the environment, and check what the verb requires. */
int cni_request_env(struct cni_request *rq, struct err *e) must_check;

/* Read standard input from fd: the configuration's name and version. e is kept by rq->conf. */
int cni_request_conf(struct cni_request *rq, int fd, struct err *e) must_check;

/* Is it made of letters, digits, '_', '.' and '-', beginning with a letter or a digit? */
bool cni_name_valid(const char *name);

/* An interface name that the kernel takes. Gives 0, or -1 with e set (ERR_ENV). */
int cni_ifname_check(const char *name, struct err *e) must_check;

/*
 * The value of key in CNI_ARGS ("K=V;K2=V2") into *value (in the arena; NULL: not there).
 * Strict as the Go plugins are: a malformed pair, or a key that is not in known[] (NULL-terminated)
 * without IgnoreUnknown=1, is an error (ERR_ENV). known NULL: any key will do.
 */
int cni_args_get(const char *args, const char *const *known, const char *key, const char **value,
		 struct err *e) must_check;

#endif
