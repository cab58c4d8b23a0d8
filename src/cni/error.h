/*
 * The error object of the specification, as a plugin prints it and as a delegate's is read.
 */
#ifndef CNI_ERROR_H
#define CNI_ERROR_H

#include <stddef.h>

#include "base/err.h"
#include "cni/version.h"

/* Write e as JSON into buf; gives the length, or -1 when it does not fit. */
long cni_error_write(const struct err *e, enum cni_version v, char *buf, size_t size) must_check;

/*
 * Set e to the error that a plugin printed: its code, sentence and details, unchanged as far as
 * there is room. Gives false, and leaves e alone, if the text is no error object.
 */
bool cni_error_read(struct err *e, const char *text, size_t len) must_check;

#endif
