/*
 * The metadata server that every instance of Compute Engine has.
 *
 * https://cloud.google.com/compute/docs/metadata/querying-metadata. It is asked at 169.254.169.254,
 * or where GCE_METADATA_HOST ("host" or "host:port") says, never through a proxy; an answer without
 * its own header is somebody else's and refused.
 */
#ifndef GCE_METADATA_H
#define GCE_METADATA_H

#include <stddef.h>

#include "base/err.h"
#include "gce/session.h"

/*
 * The value at path, below /computeMetadata/v1/, into out (size bytes, NUL-terminated, without
 * white space at its end).
 *
 * Gives 1; 0 if it is not defined (404); or -1 with e set: ERR_TRY_AGAIN where the server did not
 * answer, with a word on credentials where this seems to be no instance at all.
 */
int gce_metadata(struct gce *g, const char *path, char *out, size_t size, struct err *e) must_check;

/* The same for what must be there: 0, or -1 with e set. */
int gce_metadata_need(struct gce *g, const char *path, char *out, size_t size,
		      struct err *e) must_check;

#endif
