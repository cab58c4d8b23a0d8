/* net/netstat: a counter of /proc/net/netstat by its name. */
#include "unit.h"

#include "net/netstat.h"

static uint32_t find(const char *text, const char *group, const char *name)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", text);
	return netstat_find(copy, group, name);
}

static void test_find(void **state)
{
	static const char text[] = "TcpExt: SyncookiesSent IPReversePathFilter Last\n"
				   "TcpExt: 1 23 456\n"
				   "IpExt: InNoRoutes IPReversePathFilter\n"
				   "IpExt: 7 8\n";

	(void)state;
	assert_int_equal(find(text, "TcpExt", "IPReversePathFilter"), 23);
	assert_int_equal(find(text, "TcpExt", "SyncookiesSent"), 1);
	assert_int_equal(find(text, "TcpExt", "Last"), 456);
	assert_int_equal(find(text, "IpExt", "IPReversePathFilter"), 8);
	assert_int_equal(find(text, "Tcp", "SyncookiesSent"), 0);
	assert_int_equal(find(text, "TcpExt", "Syncookies"), 0);
	assert_int_equal(find(text, "MPTcpExt", "Last"), 0);
}

static void test_odd_files(void **state)
{
	(void)state;
	assert_int_equal(find("", "TcpExt", "Last"), 0);
	assert_int_equal(find("TcpExt: Last\n", "TcpExt", "Last"), 0);
	assert_int_equal(find("TcpExt: Last\nTcpExt: 5", "TcpExt", "Last"), 0);
	assert_int_equal(find("TcpExt: First Last\nTcpExt: 5\n", "TcpExt", "Last"), 0);
	assert_int_equal(find("TcpExt: Last\nTcpExt: x\n", "TcpExt", "Last"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_odd_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
