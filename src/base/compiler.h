/*
 * Words for what C has no keyword for.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define must_check	   __attribute__((warn_unused_result))
#define print_format(f, a) __attribute__((format(__printf__, f, a)))
#define on_scope_exit(f)   __attribute__((cleanup(f)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A name that no other line of the file can clash with, for block macros. */
#define UNIQUE_2(name, line) name##line
#define UNIQUE_1(name, line) UNIQUE_2(name, line)
#define UNIQUE(name)	     UNIQUE_1(name, __LINE__)

/* A build for tests, with clang's sanitizers in it, which make system calls of their own. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

#endif
