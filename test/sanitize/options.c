/*
 * Linked into the program that the sanitizers are in: what they are to do, as tests clear the
 * environment. Nothing is allocated that could leak, and a finding must not look like a plugin's own
 * error, which is exit status 1. findings.py reads what is found.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

#define REPORTS "log_path=/mnt/reports/sanitizer"

const char *__asan_default_options(void)
{
	return REPORTS ":detect_leaks=0:abort_on_error=1:handle_segv=1:allocator_may_return_null=1";
}

const char *__ubsan_default_options(void)
{
	return REPORTS ":print_stacktrace=1:abort_on_error=1";
}
