/*
 * Requests URLs with http/http and says what came, for test/system/test_http*.py and test_tls.py.
 *
 *	http_get [OPTION]... URL...
 *
 *	--ca-file, --cert, --key FILE, --server-name NAME
 *	--method WORD, --body TEXT, --header 'NAME: VALUE', --field NAME	of every request
 *	--timeout, --connect MS, --direct, --repeatable, --print
 *	--at-once	send all requests before the first answer is read
 *	--pause MS	between requests
 *	--resolve	say the addresses of the URLs' hosts, and request nothing
 *
 * A line for each URL, "200 BYTES" or "error CODE: MESSAGE | HINT"; fields behind it as "NAME: VALUE";
 * with --print the body. Then "handshakes N". Exit status 1 if a request has failed.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/say.h"
#include "http/http.h"
#include "http/resolve.h"
#include "http/url.h"

#define HEADERS_MAX 8
#define FIELDS_MAX  4

static struct http_options options;
static struct http_request request = {.method = "GET"};
static struct http_header headers[HEADERS_MAX + 1];
static struct http_field fields[FIELDS_MAX];
static unsigned header_count, field_count, pause_ms;
static bool print_body, at_once, only_resolve;
static int status;

static unsigned number(const char *text)
{
	uint32_t n;

	if (!number_parse(&n, text, UINT32_MAX))
		exit(2);
	return n;
}

static void add_header(char *text)
{
	char *value = strstr(text, ": ");

	if (!value || header_count == HEADERS_MAX)
		exit(2);
	*value = '\0';
	headers[header_count++] = (struct http_header){text, value + 2};
	request.headers = headers;
}

/* Whether word is an option without a value. */
static bool take_switch(const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} known[] = {{"--print", &print_body},
		     {"--at-once", &at_once},
		     {"--direct", &request.direct},
		     {"--repeatable", &request.repeatable},
		     {"--resolve", &only_resolve}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(word, known[i].name) == 0)
			return *known[i].flag = true;
	return false;
}

static void take_option(const char *word, char *value)
{
	const struct {
		const char *name, **text;
	} texts[] = {{"--ca-file", &options.ca_file}, {"--cert", &options.client_cert},
		     {"--key", &options.client_key},  {"--server-name", &options.server_name},
		     {"--method", &request.method},   {"--body", &request.body}};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(word, texts[i].name) == 0) {
			*texts[i].text = value;
			return;
		}
	if (strcmp(word, "--header") == 0)
		add_header(value);
	else if (strcmp(word, "--field") == 0 && field_count < FIELDS_MAX)
		fields[field_count++].name = value;
	else if (strcmp(word, "--timeout") == 0)
		request.timeout_ms = number(value);
	else if (strcmp(word, "--connect") == 0)
		request.connect_ms = number(value);
	else if (strcmp(word, "--pause") == 0)
		pause_ms = number(value);
	else
		exit(2);
}

static void tell(const struct err *e)
{
	say("error %d: %s | %s\n", e->code, e->msg, e->details);
	status = 1;
}

struct taken {
	size_t n;
	char *text;
	size_t size;
};

static int take_body(void *context, const char *bytes, size_t n, struct err *e)
{
	struct taken *t = context;

	(void)e;
	for (size_t i = 0; print_body && i < n && t->n + i < t->size - 1; i++)
		t->text[t->n + i] = bytes[i];
	t->n += n;
	return 0;
}

static void receive(struct http_call *call)
{
	static char text[65536];
	struct taken t = {.text = text, .size = sizeof(text)};
	struct http_response rs = {
		.fields = fields, .field_count = field_count, .sink = take_body, .context = &t};
	struct err e = {0};

	if (http_receive(call, &rs, &e)) {
		tell(&e);
		return;
	}
	say("%u %zu\n", rs.status, t.n);
	for (unsigned i = 0; i < field_count; i++)
		say("%s: %s\n", fields[i].name, fields[i].value);
	if (print_body) {
		text[t.n < sizeof(text) ? t.n : sizeof(text) - 1] = '\0';
		say_text(text);
		say("\n");
	}
}

static void get_all(struct http *h, char **urls)
{
	struct http_request requests[2 * HTTP_CALLS];
	struct http_call *calls[2 * HTTP_CALLS];
	unsigned sent = 0;

	for (; *urls; urls++) {
		struct http_request *rq = &requests[at_once ? sent : 0];
		struct err e = {0};
		struct http_call *call;

		*rq = request;
		rq->url = *urls;
		call = http_send(h, rq, &e);
		if (!call)
			tell(&e);
		else if (at_once)
			calls[sent++] = call;
		else
			receive(call);
		if (pause_ms && urls[1])
			poll(NULL, 0, (int)pause_ms);
	}
	for (unsigned i = 0; i < sent; i++)
		receive(calls[i]);
}

static void resolve_all(char **urls)
{
	for (; *urls; urls++) {
		struct ip ip[RESOLVE_MAX];
		struct err e = {0};
		struct url u;
		char text[IP_TEXT];
		int n = url_parse(&u, *urls, strlen(*urls), &e);

		if (n == 0)
			n = resolve(ip, u.host,
				    deadline_in(request.connect_ms ? request.connect_ms
								   : HTTP_CONNECT_MS),
				    &e);
		if (n < 0)
			tell(&e);
		for (int i = 0; i < n; i++)
			say("%s%s", i ? " " : "", ip_format(text, &ip[i]));
		if (n > 0)
			say("\n");
	}
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct http *h;

	(void)argc;
	for (argv++; *argv && strncmp(*argv, "--", 2) == 0; argv++) {
		if (take_switch(*argv))
			continue;
		if (!argv[1])
			return 2;
		take_option(argv[0], argv[1]);
		argv++;
	}
	request.body_len = request.body ? strlen(request.body) : 0;
	if (only_resolve) {
		resolve_all(argv);
		return say_end() ? 1 : status;
	}
	h = http_open(&options, &e);
	if (!h)
		return 1;
	get_all(h, argv);
	say("handshakes %u\n", http_handshakes(h));
	http_close(h);
	return say_end() ? 1 : status;
}
