#include "json/unescape.h"

#include <stdint.h>
#include <string.h>

/* UTF-8 of code point u into out (at most 4 bytes); gives the count. */
static size_t put_utf8(char *out, uint32_t u)
{
	static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
	size_t more = u < 0x80 ? 0 : u < 0x800 ? 1 : u < 0x10000 ? 2 : 3;

	out[0] = (char)(lead[more] | u >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (u >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

static uint32_t hex4(const char *s)
{
	uint32_t u = 0;

	for (int i = 0; i < 4; i++)
		u = u << 4 | (uint32_t)(s[i] <= '9' ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	return u;
}

/* One \u escape, or a surrogate pair of two, at s; *used is what it took. A lone half is U+FFFD. */
static uint32_t unescape_u(const char *s, const char *end, size_t *used)
{
	uint32_t u = hex4(s + 2);
	uint32_t low;

	*used = 6;
	if (u < 0xd800 || u > 0xdfff)
		return u;
	if (u > 0xdbff || end - s < 12 || s[6] != '\\' || s[7] != 'u')
		return 0xfffd;
	low = hex4(s + 8);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*used = 12;
	return 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
}

size_t json_unescape(char *out, const char *s, const char *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t n = 0;

	while (s < end) {
		size_t used = 2;

		if (*s != '\\') {
			out[n++] = *s++;
			continue;
		}
		if (s[1] == 'u')
			n += put_utf8(out + n, unescape_u(s, end, &used));
		else
			out[n++] = to[strchr(from, s[1]) - from];
		s += used;
	}
	out[n] = '\0';
	return n;
}
