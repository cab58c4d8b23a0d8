#include "cni/wanted.h"

#include <string.h>

#include "base/arena.h"

static const char bad_arg[] = "ARGS: error parsing value of pair \"%s=%s\": invalid %s address %s";

static struct json in_args(const struct cni_request *rq, const char *key)
{
	return json_get(json_get(json_get(rq->conf, "args"), "cni"), key);
}

static struct json in_runtime_config(const struct cni_request *rq, const char *key)
{
	return json_get(json_get(rq->conf, "runtimeConfig"), key);
}

static unsigned length(struct json array)
{
	unsigned n = 0;

	json_each(v, array)
		n++;
	return n;
}

static bool parse_ip(struct ip *ip, const char *text)
{
	struct prefix p;

	if (!strchr(text, '/'))
		return ip_parse(ip, text);
	if (!prefix_parse(&p, text))
		return false;
	*ip = p.ip;
	return true;
}

static void add_ip(struct cni_wanted_ips *w, const struct ip *ip)
{
	for (unsigned i = 0; i < w->count; i++)
		if (ip_equal(&w->ip[i], ip))
			return;
	w->ip[w->count++] = *ip;
}

static int read_ips(struct cni_wanted_ips *w, struct json ips, struct err *e)
{
	json_each(v, ips) {
		const char *text = json_str(v, "");
		struct ip ip;

		if (e->code)
			return -1;
		if (!parse_ip(&ip, text))
			return err_set(e, ERR_CONFIG, NULL, "%s: invalid IP address %s",
				       json_path(v), text);
		add_ip(w, &ip);
	}
	return e->code ? -1 : 0;
}

int cni_wanted_ips(struct cni_wanted_ips *w, const struct cni_request *rq, const char *const *known,
		   struct err *e)
{
	struct json args = in_args(rq, "ips"), runtime = in_runtime_config(rq, "ips");
	const char *text;
	struct ip ip;

	w->count = 0;
	w->ip = arena_take((length(args) + length(runtime) + 1) * sizeof(*w->ip), e);
	if (!w->ip || e->code || cni_args_get(rq->args, known, "IP", &text, e))
		return -1;
	if (text && *text) {
		if (!parse_ip(&ip, text))
			return err_set(e, ERR_ENV, NULL, bad_arg, "IP", text, "IP", text);
		add_ip(w, &ip);
	}
	return read_ips(w, args, e) || read_ips(w, runtime, e) ? -1 : 0;
}

/* Gives 1, 0 when there is none, -1 with e set. */
static int read_mac(uint8_t mac[static MAC_BYTES], struct json v, struct err *e)
{
	const char *text = json_str(v, "");

	if (e->code)
		return -1;
	if (!*text)
		return 0;
	if (!names_parse_mac(mac, text))
		return err_set(e, ERR_CONFIG, NULL, "%s: invalid MAC address %s", json_path(v),
			       text);
	return 1;
}

int cni_wanted_mac(uint8_t mac[static MAC_BYTES], const struct cni_request *rq,
		   const char *const *known, struct err *e)
{
	const char *text;
	int args, runtime;

	if (cni_args_get(rq->args, known, "MAC", &text, e))
		return -1;
	if (text && *text && !names_parse_mac(mac, text))
		return err_set(e, ERR_ENV, NULL, bad_arg, "MAC", text, "MAC", text);
	args = read_mac(mac, in_args(rq, "mac"), e);
	if (args < 0)
		return -1;
	runtime = read_mac(mac, in_runtime_config(rq, "mac"), e);
	if (runtime < 0)
		return -1;
	return args || runtime || (text && *text);
}
