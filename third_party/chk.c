/*
 * Debian 12 builds libbearssl.a with -D_FORTIFY_SOURCE=2 for glibc, so it calls these three, which
 * musl does not have. They check as glibc's do and stop the process when a copy would overflow.
 */
#include <stddef.h>
#include <string.h>

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__memset_chk(void *to, int byte, size_t n, size_t room);

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
	if (n > room)
		__builtin_trap();
	return memcpy(to, from, n);
}

void *__memmove_chk(void *to, const void *from, size_t n, size_t room)
{
	if (n > room)
		__builtin_trap();
	return memmove(to, from, n);
}

void *__memset_chk(void *to, int byte, size_t n, size_t room)
{
	if (n > room)
		__builtin_trap();
	return memset(to, byte, n);
}
