#include "cni/plugin.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/say.h"
#include "base/version.h"
#include "cni/error.h"
#include "net/confine.h"
#include "json/writer.h"

/* A previous result may have to be printed as it came; one of our own is far smaller. */
#define OUTPUT_MAX (JSON_TEXT_MAX + 2)

static char output[OUTPUT_MAX];

static int print(const char *text, size_t n)
{
	return file_write_all(STDOUT_FILENO, text, n) ? 1 : 0;
}

/* On standard output. */
static int print_error(const struct err *e, enum cni_version v)
{
	long n = cni_error_write(e, v, output, sizeof(output));

	log_line("error %u: %s%s%s", e->code, e->msg, *e->details ? "; " : "", e->details);
	if (n >= 0)
		print(output, (size_t)n);
	return 1;
}

static void put_versions(struct out *w, const char *version, enum cni_version since)
{
	out_object(w, NULL) {
		out_str(w, "cniVersion", version);
		out_array(w, "supportedVersions")
			for (unsigned v = since; v < CNI_VERSION_COUNT; v++)
				out_str(w, NULL, cni_version_text((enum cni_version)v));
	}
}

/* VERSION echoes the version it is asked in; unlike the other verbs it takes any input for that. */
static int print_versions(const struct cni_plugin *p)
{
	static char input[4096];
	enum cni_version v = CNI_1_1_0;
	struct err e = {0};
	struct out w;
	ssize_t n = isatty(STDIN_FILENO) ? -1 : file_read_all(STDIN_FILENO, input, sizeof(input));

	if (n > 0) {
		struct json conf = json_open(input, (size_t)n, "input", &e);
		const char *text = json_str(json_get(conf, "cniVersion"), "1.1.0");

		if (!cni_version_parse(&v, text))
			v = CNI_1_1_0;
	}
	err_clear(&e);
	out_begin(&w, output, sizeof(output));
	w.compact = true;
	put_versions(&w, cni_version_text(v), p->since);
	return out_end(&w, &e) || print(output, w.len) ? 1 : 0;
}

/* Without CNI_COMMAND a person has called, not a runtime. */
static int print_about(const struct cni_plugin *p)
{
	complain("CNI %s plugin (cnibox) %s\nCNI protocol versions supported: ", p->name,
		 CNIBOX_VERSION);
	for (unsigned v = p->since; v < CNI_VERSION_COUNT; v++)
		complain("%s%s", v > p->since ? ", " : "", cni_version_text((enum cni_version)v));
	complain("\nA container runtime calls this; '%s --help' explains it.\n", p->name);
	return 0;
}

static int add(const struct cni_plugin *p, const struct cni_request *rq, struct err *e)
{
	/* What is used of it lies on one page, which is written to before it is read: one fault. */
	static _Alignas(4096) struct cni_result rs;
	long n;
	int sys;

	rs.interface_count = 0;
	if (p->add(rq, &rs, e))
		return -1;
	n = cni_result_write(&rs, rq->version, output, sizeof(output), e);
	if (n >= 0 && print(output, (size_t)n) == 0) {
		log_line("result: %s", output);
		return 0;
	}
	sys = errno;
	/* Nobody has heard of this pod's network: take it down again. */
	if (p->del)
		p->del(rq, &(struct err){0});
	return err_sys(e, ERR_IO, "print result", sys, "standard output");
}

static int call(const struct cni_plugin *p, const struct cni_request *rq, struct err *e)
{
	switch (rq->verb) {
	case CNI_ADD:
		return add(p, rq, e);
	case CNI_DEL:
		return p->del ? p->del(rq, e) : 0;
	case CNI_CHECK:
		return p->check ? p->check(rq, e) : 0;
	case CNI_GC:
		return p->gc ? p->gc(rq, e) : 0;
	case CNI_STATUS:
		return p->status ? p->status(rq, e) : 0;
	case CNI_VERSION:
		break;
	}
	return 0;
}

static int check_since(const struct cni_plugin *p, const struct cni_request *rq, struct err *e)
{
	if (rq->version >= p->since)
		return 0;
	err_set(e, ERR_VERSION, NULL, "incompatible CNI versions: cniVersion is \"%s\"",
		cni_version_text(rq->version));
	err_hint(e, "plugin %s speaks \"%s\" and later", p->name, cni_version_text(p->since));
	return -1;
}

static int refuse_get(struct err *e)
{
	err_set(e, ERR_ENV, NULL, "GET not supported");
	err_hint(e,
		 "GET was never part of a released CNI specification; CHECK is what became of it");
	return print_error(e, CNI_1_1_0);
}

/* A runtime that has gone away is an error of write: add() has to undo its work. */
static void hold_off_sigpipe(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int cni_run(const struct cni_plugin *p)
{
	struct cni_request rq = {.version = CNI_1_1_0};
	const char *command = getenv("CNI_COMMAND");
	struct err e = {0};

	if (!command || !*command)
		return print_about(p);
	hold_off_sigpipe();
	if (!p->executes)
		confine_rights(confine_plugin);
	if (p->log_file)
		log_open(p->log_file, p->name);
	log_line("CNI command: %s", command);
	if (p->refuses_get && strcmp(command, "GET") == 0)
		return refuse_get(&e);
	if (strcmp(command, "VERSION") == 0)
		return print_versions(p);
	if (cni_request_env(&rq, &e))
		return print_error(&e, rq.version);
	if (cni_request_conf(&rq, STDIN_FILENO, &e)) {
		if (rq.text)
			log_line("stdin: %.*s", (int)rq.text_len, rq.text);
		return print_error(&e, rq.version);
	}
	log_line("stdin: %s", rq.text);
	log_line("container %s, interface %s, netns %s", rq.container_id, rq.ifname, rq.netns);
	if (check_since(p, &rq, &e) || call(p, &rq, &e))
		return print_error(&e, rq.version);
	return 0;
}

int cni_attachments_read(struct cni_attachments *valid, const struct cni_request *rq, struct err *e)
{
	struct json list = json_get(rq->conf, "cni.dev/valid-attachments");
	struct cni_attachment *item;
	unsigned n = 0;

	if (json_type(list) != JSON_ARRAY)
		return json_fault(list, ERR_CONFIG, "want an array of attachments");
	json_each(v, list)
		n++;
	item = arena_take(n * sizeof(*item) + 1, e);
	if (!item)
		return -1;
	*valid = (struct cni_attachments){.item = item};
	json_each(v, list) {
		item[valid->count].container_id = json_str(json_get(v, "containerID"), "");
		item[valid->count].ifname = json_str(json_get(v, "ifname"), "");
		if (!*item[valid->count].container_id)
			return json_fault(json_get(v, "containerID"), ERR_CONFIG, "want an ID");
		valid->count++;
	}
	return e->code ? -1 : 0;
}

bool cni_attachments_have(const struct cni_attachments *valid, const char *container_id,
			  const char *ifname)
{
	for (unsigned i = 0; i < valid->count; i++)
		if (strcmp(valid->item[i].container_id, container_id) == 0 &&
		    (!*ifname || strcmp(valid->item[i].ifname, ifname) == 0))
			return true;
	return false;
}
