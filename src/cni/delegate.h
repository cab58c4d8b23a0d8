/*
 * Plugins that another plugin calls: found along CNI_PATH and executed, as the specification has it
 * (section 4, "Plugin Delegation"). The one case in which cnibox executes another program.
 *
 * A plugin that cnibox is itself need not be executed: see is_self.
 */
#ifndef CNI_DELEGATE_H
#define CNI_DELEGATE_H

#include "base/err.h"
#include "cni/request.h"

struct delegate {
	const char *type; /* borrowed: the plugin's name */
	const char *path; /* in the arena: the file */
	bool is_self;	  /* that file is this very program */
};

/*
 * Find the first regular file named type in a directory of CNI_PATH.
 *
 * Gives 0, or -1 with e set: ERR_CONFIG for a type that cannot be a file's name, ERR_ENV when no
 * directory has it.
 */
int delegate_find(struct delegate *d, const struct cni_request *rq, const char *type,
		  struct err *e) must_check;

/*
 * Execute it: this request's environment but for CNI_COMMAND, the request's own bytes on standard
 * input, standard error as it is. Waits for its end.
 *
 * verb  what it is to do; need not be the request's own
 * out   what it printed, at most JSON_TEXT_MAX bytes; in the arena, NUL-terminated
 *
 * Gives 0, or -1 with e set: the plugin's own error object as it came, or ERR_DELEGATE when it
 * ended otherwise.
 */
int delegate_run(const struct delegate *d, const struct cni_request *rq, enum cni_verb verb,
		 const char **out, size_t *len, struct err *e) must_check;

#endif
