/*
 * Names of glibc that Debian's libcmocka.so asks for and musl does not have, so that unit tests run
 * on the C library that cnibox is linked with. The file built from this also bears the name of
 * glibc's loader, which that library wants to have loaded beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"

_Noreturn void __longjmp_chk(jmp_buf env, int value);
int __printf_chk(int flag, const char *fmt, ...) print_format(2, 3);
int __fprintf_chk(FILE *to, int flag, const char *fmt, ...) print_format(3, 4);
int __snprintf_chk(char *out, size_t n, int flag, size_t room, const char *fmt, ...)
	print_format(5, 6);
int __vsnprintf_chk(char *out, size_t n, int flag, size_t room, const char *fmt, va_list ap)
	print_format(5, 0);

void __longjmp_chk(jmp_buf env, int value)
{
	longjmp(env, value);
}

int __printf_chk(int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = vprintf(fmt, ap);
	va_end(ap);
	return n;
}

int __fprintf_chk(FILE *to, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = vfprintf(to, fmt, ap);
	va_end(ap);
	return n;
}

int __vsnprintf_chk(char *out, size_t n, int flag, size_t room, const char *fmt, va_list ap)
{
	(void)flag;
	if (n > room)
		abort();
	return vsnprintf(out, n, fmt, ap);
}

int __snprintf_chk(char *out, size_t n, int flag, size_t room, const char *fmt, ...)
{
	va_list ap;
	int written;

	va_start(ap, fmt);
	written = __vsnprintf_chk(out, n, flag, room, fmt, ap);
	va_end(ap);
	return written;
}
