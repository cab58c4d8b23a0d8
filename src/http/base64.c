#include "http/base64.h"

size_t base64url_encode(char *out, const void *bytes, size_t n)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *in = bytes;
	unsigned held = 0, bits = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		held = held << 8 | in[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[at++] = alphabet[held >> (bits - 6) & 63];
	}
	if (bits)
		out[at++] = alphabet[held << (6 - bits) & 63];
	out[at] = '\0';
	return at;
}

int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}
