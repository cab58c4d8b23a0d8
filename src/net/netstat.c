#include "net/netstat.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"

/* Two lines a group, names and numbers: some 5 KiB on Linux 6.18. */
#define FILE_MAX 16384

/* Words are separated by one blank; gives what is behind the first one, which is cut off. */
static char *next_word(char *word)
{
	char *blank = strchr(word, ' ');

	if (!blank)
		return NULL;
	*blank = '\0';
	return blank + 1;
}

static uint32_t find_in_lines(char *names, char *numbers, const char *name)
{
	uint32_t value = 0;

	while (names && numbers) {
		char *more_names = next_word(names), *more_numbers = next_word(numbers);

		/* Numbers beyond 32 bits are of no use here. */
		if (strcmp(names, name) == 0)
			return number_parse(&value, numbers, UINT32_MAX) ? value : 0;
		names = more_names;
		numbers = more_numbers;
	}
	return 0;
}

uint32_t netstat_find(char *text, const char *group, const char *name)
{
	size_t n = strlen(group);
	char *names = NULL;

	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strncmp(line, group, n) != 0 || line[n] != ':')
			continue;
		if (names)
			return find_in_lines(names, line, name);
		names = line;
	}
	return 0;
}

uint32_t netstat_read(const char *group, const char *name)
{
	char text[FILE_MAX];

	if (file_read(AT_FDCWD, "/proc/net/netstat", text, sizeof(text)) < 0)
		return 0;
	return netstat_find(text, group, name);
}
