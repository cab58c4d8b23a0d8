/*
 * resolv.conf(5) as the reference plugin host-local reads it for a result's "dns".
 */
#ifndef IPAM_RESOLV_CONF_H
#define IPAM_RESOLV_CONF_H

#include <stddef.h>

#include "base/err.h"
#include "cni/result.h"

/*
 * Parse text into dns, which must be zeroed; its words point into text, which is cut up. Unlike
 * the resolver's, several "search" lines add up. Gives 0, or -1 with e set (ERR_FIELD) when there
 * are more words of a kind than a result holds.
 *
 * text  NUL-terminated
 */
int resolv_conf_parse(struct cni_dns *dns, char *text, struct err *e) must_check;

/* Read the file at path, following links. Gives 0, or -1 with e set (ERR_IO, ERR_FIELD). */
int resolv_conf_read(struct cni_dns *dns, const char *path, struct err *e) must_check;

#endif
