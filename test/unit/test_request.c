/* cni/request, cni/version: what a runtime may ask, in the words of the Go library. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/file.h"
#include "cni/request.h"

static struct cni_request rq;
static struct err e;

/* The environment of a good ADD. */
static int reset(void **state)
{
	(void)state;
	arena_reset();
	err_clear(&e);
	rq = (struct cni_request){0};
	setenv("CNI_COMMAND", "ADD", 1);
	setenv("CNI_CONTAINERID", "c0ffee", 1);
	setenv("CNI_NETNS", "/var/run/netns/pod", 1);
	setenv("CNI_IFNAME", "eth0", 1);
	setenv("CNI_PATH", "/opt/cni/bin", 1);
	unsetenv("CNI_ARGS");
	return 0;
}

static void test_environment(void **state)
{
	(void)state;
	setenv("CNI_ARGS", "A=1", 1);
	assert_int_equal(cni_request_env(&rq, &e), 0);
	assert_int_equal(rq.verb, CNI_ADD);
	assert_string_equal(rq.verb_text, "ADD");
	assert_string_equal(rq.container_id, "c0ffee");
	assert_string_equal(rq.netns, "/var/run/netns/pod");
	assert_string_equal(rq.ifname, "eth0");
	assert_string_equal(rq.args, "A=1");
	assert_string_equal(rq.path, "/opt/cni/bin");
	unsetenv("CNI_ARGS");
	assert_int_equal(cni_request_env(&rq, &e), 0);
	assert_string_equal(rq.args, "");
}

/* Which variables each verb requires: taken away one by one, then emptied. */
static void test_required_variables(void **state)
{
	static const char *const names[] = {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME",
					    "CNI_PATH"};
	static const struct {
		const char *verb;
		bool requires[ARRAY_SIZE(names)];
	} cases[] = {
		{"ADD", {true, true, true, true}},	 {"DEL", {true, false, true, true}},
		{"CHECK", {true, true, true, true}},	 {"GC", {false, false, false, true}},
		{"STATUS", {false, false, false, true}}, {"VERSION", {false, false, false, false}}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			for (int empty = 0; empty < 2; empty++) {
				char want[128];

				reset(NULL);
				setenv("CNI_COMMAND", cases[i].verb, 1);
				if (empty)
					setenv(names[n], "", 1);
				else
					unsetenv(names[n]);
				assert_int_equal(cni_request_env(&rq, &e),
						 cases[i].requires[n] ? -1 : 0);
				if (!cases[i].requires[n])
					continue;
				snprintf(want, sizeof(want), "required env variables [%s] missing",
					 names[n]);
				assert_string_equal(e.msg, want);
				assert_int_equal(e.code, ERR_ENV);
			}
		}
	}
}

static void test_all_missing_are_named_together(void **state)
{
	(void)state;
	unsetenv("CNI_CONTAINERID");
	unsetenv("CNI_NETNS");
	unsetenv("CNI_IFNAME");
	unsetenv("CNI_PATH");
	assert_int_equal(cni_request_env(&rq, &e), -1);
	assert_string_equal(
		e.msg,
		"required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH] missing");
	err_clear(&e);
	setenv("CNI_COMMAND", "DEL", 1);
	assert_int_equal(cni_request_env(&rq, &e), -1);
	assert_string_equal(e.msg,
			    "required env variables [CNI_CONTAINERID,CNI_IFNAME,CNI_PATH] missing");
}

static void test_unknown_verbs(void **state)
{
	static const char *const verbs[] = {"", "add", "ADD ", "GET", "VERSIO", "VERSIONS"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		char want[64];

		reset(NULL);
		setenv("CNI_COMMAND", verbs[i], 1);
		assert_int_equal(cni_request_env(&rq, &e), -1);
		assert_int_equal(e.code, ERR_ENV);
		snprintf(want, sizeof(want), "unknown CNI_COMMAND: %s", verbs[i]);
		assert_string_equal(e.msg, want);
	}
}

static void test_container_ids(void **state)
{
	static const char *const good[] = {"a", "0", "Z9_.-", "a..b",
					   "cnitool-77383ca0a0715733ca6f"};
	static const char *const bad[] = {"_a",	 ".a",	"-a",  "..",	   "../../etc", "a/b",
					  "a b", "a\n", "a:b", "\xc3\xa4", "a\xff",	"a\\b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		reset(NULL);
		setenv("CNI_CONTAINERID", good[i], 1);
		assert_int_equal(cni_request_env(&rq, &e), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		reset(NULL);
		setenv("CNI_CONTAINERID", bad[i], 1);
		assert_int_equal(cni_request_env(&rq, &e), -1);
		assert_int_equal(e.code, ERR_ENV);
		assert_true(strstr(e.msg, "invalid characters in containerID") == e.msg);
		assert_non_null(strstr(e.msg, bad[i]));
	}
}

static void test_interface_names(void **state)
{
	static const char *const good[] = {"e",	  "eth0",    "123456789012345", "a.b",
					   "...", "a@b-c_d", "\xc3\xa4"};
	static const struct {
		const char *name, *msg;
	} bad[] = {{"1234567890123456", "interface name is too long"},
		   {".", "interface name is . or .."},
		   {"..", "interface name is . or .."},
		   {"a/b", "interface name contains / or : or whitespace characters"},
		   {"../x", "interface name contains / or : or whitespace characters"},
		   {"eth0:1", "interface name contains / or : or whitespace characters"},
		   {"eth 0", "interface name contains / or : or whitespace characters"},
		   {"eth0\n", "interface name contains / or : or whitespace characters"},
		   {"\teth0", "interface name contains / or : or whitespace characters"},
		   {"a\vb", "interface name contains / or : or whitespace characters"},
		   {"a\xc2\xa0", "interface name contains / or : or whitespace characters"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		reset(NULL);
		setenv("CNI_IFNAME", good[i], 1);
		assert_int_equal(cni_request_env(&rq, &e), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		reset(NULL);
		setenv("CNI_IFNAME", bad[i].name, 1);
		assert_int_equal(cni_request_env(&rq, &e), -1);
		assert_int_equal(e.code, ERR_ENV);
		if (strstr(e.msg, bad[i].msg) != e.msg)
			fail_msg("%s: %s", bad[i].name, e.msg);
	}
	err_clear(&e);
	assert_int_equal(cni_ifname_check("", &e), -1);
	assert_string_equal(e.msg, "interface name is empty");
}

/* GC and STATUS have no attachment: what is in these variables is not looked at. */
static void test_unused_variables_may_be_garbage(void **state)
{
	static const char *const verbs[] = {"GC", "STATUS", "VERSION"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		reset(NULL);
		setenv("CNI_COMMAND", verbs[i], 1);
		setenv("CNI_CONTAINERID", "../..", 1);
		setenv("CNI_IFNAME", "../..", 1);
		assert_int_equal(cni_request_env(&rq, &e), 0);
	}
}

/* Read conf as standard input of that verb; gives what cni_request_conf gives. */
static int ask_bytes(const char *verb, const char *conf, size_t n)
{
	char name[] = "/tmp/cnibox-test-XXXXXX";
	cleanup_fd int fd = mkstemp(name);

	reset(NULL);
	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(file_write_all(fd, conf, n), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	setenv("CNI_COMMAND", verb, 1);
	assert_int_equal(cni_request_env(&rq, &e), 0);
	return cni_request_conf(&rq, fd, &e);
}

static int ask(const char *verb, const char *conf)
{
	return ask_bytes(verb, conf, strlen(conf));
}

static void test_configuration(void **state)
{
	static const char text[] =
		"{\"cniVersion\":\"0.3.1\",\"name\":\"mynet\",\"type\":\"bash-cni\"}";

	(void)state;
	assert_int_equal(ask("ADD", text), 0);
	assert_string_equal(rq.network, "mynet");
	assert_int_equal(rq.version, CNI_0_3_1);
	assert_int_equal(rq.text_len, sizeof(text) - 1);
	assert_memory_equal(rq.text, text, sizeof(text));
	assert_string_equal(json_str(json_get(rq.conf, "type"), ""), "bash-cni");
}

static void test_bad_configurations(void **state)
{
	static const struct {
		const char *conf;
		unsigned code;
		const char *says;
	} cases[] = {
		{"", ERR_DECODE, "the text ends too early"},
		{"{", ERR_DECODE, "line 1, column 2"},
		{"{\"name\":\"x\"} trailing", ERR_DECODE, "nothing after the document"},
		{"[]", ERR_DECODE, "want an object, got []"},
		{"null", ERR_DECODE, "want an object, got null"},
		{"1", ERR_DECODE, "want an object, got 1"},
		{"\"x\"", ERR_DECODE, "want an object, got \"x\""},
		{"{}", ERR_CONFIG, "missing network name"},
		{"{\"name\":\"\"}", ERR_CONFIG, "missing network name"},
		{"{\"name\":null}", ERR_CONFIG, "missing network name"},
		{"{\"name\":7}", ERR_CONFIG, "name: want a string, got 7"},
		{"{\"name\":\"../x\"}", ERR_CONFIG, "invalid characters found in network name"},
		{"{\"name\":\"a/b\"}", ERR_CONFIG, "invalid characters found in network name"},
		{"{\"name\":\"a b\"}", ERR_CONFIG, "invalid characters found in network name"},
		{"{\"name\":\"a\\n\"}", ERR_CONFIG, "invalid characters found in network name"},
		{"{\"name\":\"a\\u0000\"}", ERR_CONFIG, "name: want a string without NUL"},
		{"{\"name\":\"x\",\"cniVersion\":1}", ERR_CONFIG,
		 "cniVersion: want a string, got 1"},
		{"{\"name\":\"x\",\"cniVersion\":\"1.1\"}", ERR_VERSION,
		 "incompatible CNI versions"},
		{"{\"name\":\"x\",\"cniVersion\":\"9.9.9\"}", ERR_VERSION, "9.9.9"},
		{"{\"name\":\"x\",\"cniVersion\":\"0.3.1 \"}", ERR_VERSION,
		 "incompatible CNI versions"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(ask("ADD", cases[i].conf), -1);
		if (e.code != cases[i].code || !strstr(e.msg, cases[i].says))
			fail_msg("%s: code %u, %s", cases[i].conf, e.code, e.msg);
	}
	ask("ADD", "{\"name\":\"x\",\"cniVersion\":\"9.9.9\"}");
	assert_string_equal(e.details,
			    "config is \"9.9.9\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" "
			    "\"0.3.1\" \"0.4.0\" \"1.0.0\" \"1.1.0\"]");
}

static void test_size_of_standard_input(void **state)
{
	static char text[JSON_TEXT_MAX + 1];
	static const char begin[] = "{\"name\":\"x\"}";

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, begin, sizeof(begin) - 1);
	assert_int_equal(ask_bytes("ADD", text, JSON_TEXT_MAX), 0);
	assert_int_equal(ask_bytes("ADD", text, JSON_TEXT_MAX + 1), -1);
	assert_int_equal(e.code, ERR_DECODE);
	assert_non_null(strstr(e.msg, "longer than 1048576 bytes"));
}

static void test_unreadable_standard_input(void **state)
{
	cleanup_fd int closed = -1;

	(void)state;
	assert_int_equal(cni_request_env(&rq, &e), 0);
	assert_int_equal(cni_request_conf(&rq, closed, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_true(strstr(e.msg, "error reading from stdin") == e.msg);
}

/* Every version by name, and the first that knows each verb. */
static void test_versions(void **state)
{
	static const char *const versions[] = {"0.1.0", "0.2.0", "0.3.0", "0.3.1",
					       "0.4.0", "1.0.0", "1.1.0"};
	static const struct {
		const char *verb;
		enum cni_version since;
	} verbs[] = {{"ADD", CNI_0_1_0},
		     {"DEL", CNI_0_1_0},
		     {"CHECK", CNI_0_4_0},
		     {"GC", CNI_1_1_0},
		     {"STATUS", CNI_1_1_0}};

	(void)state;
	assert_int_equal(ARRAY_SIZE(versions), CNI_VERSION_COUNT);
	for (unsigned v = 0; v < CNI_VERSION_COUNT; v++) {
		assert_string_equal(cni_version_text((enum cni_version)v), versions[v]);
		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
			char conf[64], want[64];

			snprintf(conf, sizeof(conf), "{\"name\":\"x\",\"cniVersion\":\"%s\"}",
				 versions[v]);
			assert_int_equal(ask(verbs[i].verb, conf), v < verbs[i].since ? -1 : 0);
			assert_int_equal(rq.version, v);
			if (v >= verbs[i].since)
				continue;
			assert_int_equal(e.code, ERR_VERSION);
			snprintf(want, sizeof(want), "config version does not allow %s",
				 verbs[i].verb);
			assert_string_equal(e.msg, want);
		}
	}
	assert_int_equal(ask("ADD", "{\"name\":\"x\"}"), 0);
	assert_int_equal(rq.version, CNI_0_1_0);
	assert_int_equal(ask("ADD", "{\"name\":\"x\",\"cniVersion\":\"\"}"), 0);
	assert_int_equal(rq.version, CNI_0_1_0);
}

static const char *const known[] = {"IP", "MAC", NULL};

static void test_args(void **state)
{
	static const struct {
		const char *args, *want; /* of IP; NULL: not there */
	} cases[] = {
		{"", NULL},
		{"IP=10.0.0.1", "10.0.0.1"},
		{"IP=", ""},
		{"MAC=a;IP=b", "b"},
		{"IP=a;MAC=b", "a"},
		{"MAC=a", NULL},
		{"IP=a;IP=b", "b"},
		{"IgnoreUnknown=1;K8S_POD_NAME=x;IP=a", "a"},
		{"K8S_POD_NAME=x;IP=a;IgnoreUnknown=TRUE", "a"},
		{"IgnoreUnknown=0;IP=a", "a"},
		{"IgnoreUnknown=False;IP=a", "a"},
		{"IgnoreUnknown=1;ip=a", NULL}, /* keys are case-sensitive */
		{"IgnoreUnknown=1;K8S_POD_NAMESPACE=d;K8S_POD_NAME=p;K8S_POD_INFRA_CONTAINER_ID=c;"
		 "K8S_POD_UID=u",
		 NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *value = "unset";

		reset(NULL);
		if (cni_args_get(cases[i].args, known, "IP", &value, &e))
			fail_msg("%s: %s", cases[i].args, e.msg);
		if (cases[i].want)
			assert_string_equal(value, cases[i].want);
		else
			assert_null(value);
	}
}

static void test_bad_args(void **state)
{
	static const struct {
		const char *args, *msg;
	} cases[] = {{"IP", "ARGS: invalid pair \"IP\""},
		     {"IP=a=b", "ARGS: invalid pair \"IP=a=b\""},
		     {"IP=a;", "ARGS: invalid pair \"\""},
		     {";IP=a", "ARGS: invalid pair \"\""},
		     {"MAC;IP=a", "ARGS: invalid pair \"MAC\""},
		     {"FOO=1", "ARGS: unknown args [\"FOO=1\"]"},
		     {"ip=1", "ARGS: unknown args [\"ip=1\"]"},
		     {"FOO=1;IgnoreUnknown=0", "ARGS: unknown args [\"FOO=1\"]"},
		     {"IgnoreUnknown=1;FOO=1;IgnoreUnknown=0", "ARGS: unknown args [\"FOO=1\"]"},
		     {"IgnoreUnknown=yes",
		      "ARGS: error parsing value of pair \"IgnoreUnknown=yes\": boolean "
		      "unmarshal error: invalid input yes"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *value;

		reset(NULL);
		assert_int_equal(cni_args_get(cases[i].args, known, "IP", &value, &e), -1);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.code, ERR_ENV);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_environment),
		TEST(test_required_variables),
		TEST(test_all_missing_are_named_together),
		TEST(test_unknown_verbs),
		TEST(test_container_ids),
		TEST(test_interface_names),
		TEST(test_unused_variables_may_be_garbage),
		TEST(test_configuration),
		TEST(test_bad_configurations),
		TEST(test_size_of_standard_input),
		TEST(test_unreadable_standard_input),
		TEST(test_versions),
		TEST(test_args),
		TEST(test_bad_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
