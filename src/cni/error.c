#include "cni/error.h"

#include "json/reader.h"
#include "json/writer.h"

long cni_error_write(const struct err *e, enum cni_version v, char *buf, size_t size)
{
	struct err own = {0};
	struct out w;

	out_begin(&w, buf, size);
	out_object(&w, NULL) {
		out_str(&w, "cniVersion", cni_version_text(v));
		out_u64(&w, "code", e->code);
		out_str(&w, "msg", e->msg);
		if (*e->details)
			out_str(&w, "details", e->details);
	}
	return out_end(&w, &own) ? -1 : (long)w.len;
}

bool cni_error_read(struct err *e, const char *text, size_t len)
{
	struct err own = {0};
	struct json object = json_open(text, len, "error", &own);
	const char *msg = json_str(json_get(object, "msg"), "");
	const char *details = json_str(json_get(object, "details"), "");
	uint32_t code = json_u32(json_get(object, "code"), ERR_INTERNAL, UINT32_MAX);

	if (own.code || json_type(object) != JSON_OBJECT || !*msg)
		return false;
	err_set(e, (enum err_code)(code ? code : ERR_INTERNAL), NULL, "%s", msg);
	if (*details)
		err_hint(e, "%s", details);
	return true;
}
