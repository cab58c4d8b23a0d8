/*
 * A text file of any size, line by line, for the resolver's two files.
 */
#ifndef HTTP_LINES_H
#define HTTP_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_TEXT 1024 /* of a line that is kept; of a longer one the end is dropped */

struct lines {
	int fd; /* -1: there is no such file, and no line */
	size_t at, end;
	char chunk[4096];
	char text[LINE_TEXT];
};

/* Begin with the file at path. One that cannot be read is one without lines. */
void lines_open(struct lines *l, const char *path);

/* The next line into l->text, NUL-terminated, without its end. Gives false, closed, behind the last. */
bool lines_next(struct lines *l);

/* The next word between blanks at *at, cut off there; NULL at the end and before a comment. */
char *next_word(char **at);

#endif
