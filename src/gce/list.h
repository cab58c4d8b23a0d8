/*
 * Lists of resources: page by page, an item at a time, of any length.
 */
#ifndef GCE_LIST_H
#define GCE_LIST_H

#include "base/err.h"
#include "gce/session.h"
#include "json/reader.h"

/*
 * Call each for every item of a collection of the project ("routes", "firewalls").
 *
 * filter  in the API's own syntax; NULL: all
 * each    gets the item, whose texts are gone when it returns; gives 0, or -1 with e set
 *
 * An answer that breaks off is read anew, and its items are not given twice.
 */
int gce_list(struct gce *g, const char *collection, const char *filter,
	     int (*each)(void *context, struct json item, struct err *e), void *context,
	     struct err *e) must_check;

#endif
