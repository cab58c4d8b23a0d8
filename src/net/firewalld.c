#include "net/firewalld.h"

#include <string.h>

#define NAME "org.fedoraproject.FirewallD1"

int firewalld_find(struct firewalld *f, bool demanded, struct err *e)
{
	static const struct dbus_call has_owner = {DBUS_ITSELF, "NameHasOwner", {NAME}};
	struct dbus_message answer;

	if (dbus_open(&f->bus, e) == 0 && dbus_call(&f->bus, &has_owner, &answer, e) == 0) {
		f->runs = answer.yes;
		f->bus.until = deadline_in(FIREWALLD_TIMEOUT_MS);
	}
	if (e->code == ERR_STATE && !demanded)
		err_clear(e); /* no bus, or none for this process */
	if (demanded && !f->runs)
		err_set(e, ERR_STATE, NULL, "firewalld does not run");
	return e->code ? -1 : 0;
}

void firewalld_close(struct firewalld *f)
{
	dbus_close(&f->bus);
}

int firewalld_ask(struct firewalld *f, enum firewalld_method method, const struct ip *ip,
		  struct err *e)
{
	static const char members[][16] = {"addSource", "removeSource", "querySource"};
	static const char *const words[] = {"add", NULL, "find"}, *const where[] = {"to", NULL,
										    "in"};
	char source[PREFIX_TEXT], text[IP_TEXT];
	struct prefix p = {.ip = *ip, .len = (uint8_t)(8 * ip_size(ip))};
	struct dbus_call c = {NAME,
			      "/org/fedoraproject/FirewallD1",
			      NAME ".zone",
			      members[method],
			      {f->zone, prefix_format(source, &p)}};
	struct dbus_message answer;

	if (dbus_call(&f->bus, &c, &answer, e))
		return -1;
	if (method == FIREWALLD_REMOVE || strstr(answer.text, "ZONE_ALREADY_SET") ||
	    (answer.type != DBUS_ERROR && (answer.yes || method == FIREWALLD_ADD)))
		return 0;
	return err_set(e, ERR_STATE, NULL, "failed to %s the address %s %s %s zone: %s",
		       words[method], ip_format(text, ip), where[method], f->zone,
		       *answer.text    ? answer.text
		       : *answer.error ? answer.error
				       : "it is not there");
}
