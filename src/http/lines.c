#include "http/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

void lines_open(struct lines *l, const char *path)
{
	l->fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	l->at = l->end = 0;
}

/* One byte; -1 at the end. */
static int next_byte(struct lines *l)
{
	if (l->at == l->end) {
		ssize_t n;

		do
			n = read(l->fd, l->chunk, sizeof(l->chunk));
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return -1;
		l->at = 0;
		l->end = (size_t)n;
	}
	return (unsigned char)l->chunk[l->at++];
}

bool lines_next(struct lines *l)
{
	size_t n = 0;
	int c = l->fd < 0 ? -1 : next_byte(l);

	if (c < 0) {
		file_close(&l->fd);
		return false;
	}
	for (; c >= 0 && c != '\n'; c = next_byte(l))
		if (n < sizeof(l->text) - 1)
			l->text[n++] = (char)c;
	l->text[n] = '\0';
	return true;
}

char *next_word(char **at)
{
	static const char blanks[] = " \t\r\v\f";
	char *word = *at + strspn(*at, blanks);
	char *end = word + strcspn(word, blanks);

	if (!*word || *word == '#' || *word == ';')
		return NULL;
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}
