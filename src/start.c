/*
 * What runs before the C library does. The program is loaded wherever the kernel likes, so every
 * pointer in its tables must have that address added. The linker packs where they stand into a few
 * hundred bytes (DT_RELR); musl 1.2.3 does not know that form, whose like in its own form is 20 KiB.
 *
 * Then, with the C library at hand, the tables are made read-only (PT_GNU_RELRO): musl leaves that
 * to a dynamic linker, which a static program has none of.
 *
 * Form: the generic ABI's "Relative Relocations" (gabi.xinuos.com, DT_RELR). Symbols: start.ld.
 */
#include <limits.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINKED extern __attribute__((visibility("hidden")))

LINKED char __ehdr_start[];		      /* linked at 0: where the program is */
LINKED const size_t relr_begin[], relr_end[]; /* even: a place; odd: bits for those behind it */
LINKED char relro_begin[], relro_end[];	      /* what is read-only from then on */
__attribute__((visibility("hidden"))) void relocate(void);

/* The kernel's entry: the stack is as it left it for musl's. */
#ifdef __aarch64__
__asm__(".globl begin\n.hidden begin\nbegin: bl relocate\n\tb _start\n");
#else
__asm__(".globl begin\n.hidden begin\nbegin: call relocate\n\tjmp _start\n");
#endif

__attribute__((no_stack_protector)) void relocate(void)
{
	size_t base = (size_t)__ehdr_start;
	size_t *at = (void *)relro_begin;

	for (const size_t *r = relr_begin; r != relr_end; r++) {
		if (*r & 1) {
			for (size_t bits = *r >> 1; bits; bits &= bits - 1)
				at[__builtin_ctzl(bits)] += base;
			at += sizeof(size_t) * CHAR_BIT - 1;
		} else {
			at = (size_t *)(base + *r);
			*at++ += base;
		}
	}
}

/* A kernel that refuses it has its reasons; the program works without. */
__attribute__((constructor)) static void freeze(void)
{
	size_t page = (size_t)getpagesize();
	size_t from = (size_t)relro_begin & -page;
	size_t to = ((size_t)relro_end + page - 1) & -page;

	(void)!mprotect((void *)from, to - from, PROT_READ);
}
