/* What json/reader has understood, written by json/writer. A string with a NUL, which the reader refuses, is null. */
#ifndef JSON_ECHO_H
#define JSON_ECHO_H

#include "json/reader.h"
#include "json/writer.h"

static inline void echo(struct out *w, const char *key, struct json v, struct err *e)
{
	const char *text;
	size_t len;

	switch (json_type(v)) {
	case JSON_STRING:
		text = json_str(v, NULL);
		err_clear(e);
		if (text)
			out_str(w, key, text);
		else
			out_raw(w, key, "null", 4);
		return;
	case JSON_BOOL:
		out_bool(w, key, json_bool(v, false));
		return;
	case JSON_ARRAY:
		out_array(w, key)
			for (struct json i = json_first(v); i.tok >= 0; i = json_next(i))
				echo(w, NULL, i, e);
		return;
	case JSON_OBJECT:
		out_object(w, key)
			for (struct json i = json_first_member(v); i.tok >= 0;
			     i = json_next_member(i))
				echo(w, json_name(i), i, e);
		return;
	case JSON_NUMBER:
	case JSON_ABSENT:
		text = json_raw(v, &len);
		out_raw(w, key, text, len);
		return;
	}
}

#endif
