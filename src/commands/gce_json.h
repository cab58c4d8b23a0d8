/*
 * A JSON value as gcloud prints it: members by their names, two blanks for each level.
 */
#ifndef COMMANDS_GCE_JSON_H
#define COMMANDS_GCE_JSON_H

#include "json/reader.h"

/* The member whose name comes next behind `after`, which may be NULL: in order, each once. */
struct json gce_json_next(struct json obj, const char *after);

/* To standard output, its lines but the first indented by so many blanks; no newline behind it. */
void gce_json_say(struct json v, unsigned indent);

#endif
