/* net/dbus: messages as GLib writes them, in both byte orders, whole, in pieces and broken. */
#include "unit.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "net/dbus.h"

/* golden/record-dbus.py made them. */
static const char *const names[] = {"yes", "zone", "nothing", "list", "refusal", "greeting"};

static uint8_t bytes[1024];

static size_t load(const char *order, const char *name)
{
	char path[128];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "test/fuzz/corpus/dbus/%s%s", order, name);
	f = fopen(path, "re");
	assert_non_null(f);
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_in_range(len, 16, sizeof(bytes) / 2);
	return len;
}

static void each_message(void (*take)(size_t n))
{
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		take(load("", names[i]));
		take(load("big-", names[i]));
	}
}

/* The first n bytes alone on the heap, so that a sanitizer sees what is read beyond them. */
static ssize_t read_alone(size_t n)
{
	struct dbus_message m;
	uint8_t *copy = malloc(n + !n);
	ssize_t len;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	len = dbus_read(&m, copy, n);
	if (len > 0)
		assert_in_range(strlen(m.error) + strlen(m.text), 0, n);
	free(copy);
	return len;
}

static void expect(const char *name, struct dbus_message want)
{
	static const char *const orders[] = {"", "big-"};

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		size_t n = load(orders[i], name);
		struct dbus_message m;

		assert_int_equal(dbus_read(&m, bytes, n), n);
		assert_int_equal(m.type, want.type);
		assert_int_equal(m.reply_to, want.reply_to);
		assert_int_equal(m.yes, want.yes);
		assert_string_equal(m.text, want.text);
		assert_string_equal(m.error, want.error);
	}
}

static void test_answers(void **state)
{
	const uint32_t serial = 0x01020304;

	(void)state;
	expect("yes", (struct dbus_message){DBUS_RETURN, serial, "", "", true});
	expect("zone", (struct dbus_message){DBUS_RETURN, serial, "", "trusted", false});
	expect("nothing", (struct dbus_message){DBUS_RETURN, serial, "", "", false});
	expect("list", (struct dbus_message){DBUS_RETURN, serial, "", "", false});
	expect("refusal",
	       (struct dbus_message){DBUS_ERROR, serial, "org.fedoraproject.FirewallD1.Exception",
				     "INVALID_ZONE: zz", false});
	expect("greeting", (struct dbus_message){4, 0, "", ":1.7", false});
}

/* Until the last byte is there it is no message yet; what comes behind it is not its own. */
static void in_pieces(size_t n)
{
	for (size_t part = 0; part < n; part++)
		assert_int_equal(read_alone(part), 0);
	assert_int_equal(read_alone(n), n);
	memcpy(bytes + n, bytes, n);
	assert_int_equal(read_alone(2 * n), n);
}

/* Whatever becomes of a byte, nothing beyond the message is read. */
static void broken(size_t n)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

	for (size_t at = 0; at < n; at++) {
		uint8_t was = bytes[at];

		for (unsigned v = 0; v < ARRAY_SIZE(values); v++) {
			bytes[at] = values[v];
			assert_true(read_alone(n) <= (ssize_t)n);
		}
		bytes[at] = was;
	}
}

static void test_in_pieces(void **state)
{
	(void)state;
	each_message(in_pieces);
}

static void test_broken(void **state)
{
	(void)state;
	each_message(broken);
}

static void refused(size_t at, uint8_t value)
{
	size_t n = load("", "refusal");

	bytes[at] = value;
	assert_int_equal(read_alone(n), -1);
}

static void test_what_is_none(void **state)
{
	(void)state;
	refused(0, 'x');  /* byte order */
	refused(3, 2);	  /* version */
	refused(5, 0x10); /* body of more than there is room for */
	refused(14, 1);	  /* fields, likewise */
	refused(17, 9);	  /* a signature without its end */
	refused(18, 'a'); /* of a type that no field has */
	refused(20, 200); /* a text that is longer than the fields */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
