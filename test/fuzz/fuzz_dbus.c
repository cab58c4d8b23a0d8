/* net/dbus: what a bus sends, one message after the other; how much of it is there makes no difference. */
#include "fuzz.h"

#include "net/dbus.h"

static void within(const char *text, const uint8_t *data, size_t n)
{
	const uint8_t *at = (const uint8_t *)text;

	CHECK(!*text || (at >= data && at + strlen(text) < data + n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	for (;;) {
		struct dbus_message m, again;
		ssize_t len = dbus_read(&m, data, n);

		CHECK(len <= DBUS_MESSAGE_MAX && len <= (ssize_t)n);
		if (len <= 0)
			return 0;
		CHECK(len >= 16);
		within(m.error, data, (size_t)len);
		within(m.text, data, (size_t)len);
		CHECK(dbus_read(&again, data, (size_t)len - 1) == 0);
		CHECK(dbus_read(&again, data, (size_t)len) == len);
		CHECK(again.type == m.type && again.reply_to == m.reply_to && again.yes == m.yes);
		CHECK(again.text == m.text || !*m.text);
		data += len;
		n -= (size_t)len;
	}
}
