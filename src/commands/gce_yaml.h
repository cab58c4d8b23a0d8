/*
 * A JSON value as YAML 1.2, in the form in which gcloud describes a resource.
 */
#ifndef COMMANDS_GCE_YAML_H
#define COMMANDS_GCE_YAML_H

#include "json/reader.h"

/* To standard output: an object's members by their names, each on a line. */
void gce_yaml_say(struct json v);

/*
 * Would the text, unquoted, be read as something else than itself: a number, a date, true, or
 * syntax?
 */
bool gce_yaml_wants_quotes(const char *text);

#endif
