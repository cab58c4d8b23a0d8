#include "net/firewalld.h"

#include <string.h>

#define NAME "org.fedoraproject.FirewallD1"

int firewalld_find(struct firewalld *f, bool demanded, struct err *e)
{
	static const char *const has_owner[] = {"NameHasOwner", NAME, NULL};
	struct dbus_message answer;

	if (dbus_open(&f->bus, e) == 0 &&
	    dbus_call(&f->bus, &dbus_itself, has_owner, &answer, e) == 0)
		f->runs = answer.yes;
	if (e->code == ERR_STATE && !demanded)
		err_clear(e); /* no bus, or none for this process */
	if (demanded && !f->runs)
		err_set(e, ERR_STATE, NULL, "firewalld does not run");
	return e->code ? -1 : 0;
}

int firewalld_ask(struct firewalld *f, enum firewalld_method method, const struct ip *ip,
		  struct err *e)
{
	static const struct dbus_object zone = {NAME, "/org/fedoraproject/FirewallD1",
						NAME ".zone"};
	static const char methods[][13] = {"addSource", "removeSource", "querySource"};
	char source[PREFIX_TEXT];
	struct prefix p = {.ip = *ip, .len = (uint8_t)(8 * ip_size(ip))};
	const char *words[] = {methods[method], f->zone, prefix_format(source, &p), NULL};
	bool add = method == FIREWALLD_ADD;
	struct dbus_message answer;

	f->bus.until = deadline_in(FIREWALLD_TIMEOUT_MS);
	if (dbus_call(&f->bus, &zone, words, &answer, e))
		return -1;
	if (method == FIREWALLD_REMOVE || strstr(answer.text, "ZONE_ALREADY_SET") ||
	    (answer.type == DBUS_RETURN && (add || answer.yes)))
		return 0;
	return err_set(e, ERR_STATE, NULL, "failed to %s the address %s %s %s zone: %s",
		       add ? "add" : "find", source, add ? "to" : "in", f->zone,
		       *answer.text    ? answer.text
		       : *answer.error ? answer.error
				       : "it is not there");
}
