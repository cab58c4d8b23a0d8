#include "gce/jwt.h"

#include <string.h>

#include "http/base64.h"
#include "http/key.h"
#include "json/writer.h"

#define OLDER_SECONDS	 10
#define LIFETIME_SECONDS 3600 /* the most that is accepted */

/* A part of the token: w's JSON, without the newline that ends it, as base64url behind *at. */
static int put_part(char *out, size_t *at, struct out *w, struct err *e)
{
	size_t n;

	if (out_end(w, e))
		return -1;
	n = strcspn(w->buf, "\n");
	if (*at + BASE64URL_SIZE(n) + BASE64URL_SIZE(RS256_SIZE) + 2 > GCE_JWT_MAX)
		return err_set(e, ERR_CONFIG, "make a token request",
			       "the names in the credentials are too long");
	*at += base64url_encode(out + *at, w->buf, n);
	out[(*at)++] = '.';
	return 0;
}

static int put_claims(char *out, size_t *at, const struct gce_credentials *c, const char *scope,
		      uint64_t now, struct err *e)
{
	char text[GCE_JWT_MAX];
	struct out w;

	out_begin(&w, text, sizeof(text));
	w.compact = true;
	out_object(&w, NULL) {
		out_str(&w, "alg", "RS256");
		out_str(&w, "typ", "JWT");
		out_str(&w, "kid", c->private_key_id);
	}
	if (put_part(out, at, &w, e))
		return -1;
	out_begin(&w, text, sizeof(text));
	w.compact = true;
	out_object(&w, NULL) {
		out_str(&w, "iss", c->client_email);
		out_str(&w, "scope", scope);
		out_str(&w, "aud", c->token_uri);
		out_u64(&w, "iat", now - OLDER_SECONDS);
		out_u64(&w, "exp", now - OLDER_SECONDS + LIFETIME_SECONDS);
	}
	return put_part(out, at, &w, e);
}

int gce_jwt_make(char out[static GCE_JWT_MAX], const struct gce_credentials *c, const char *scope,
		 uint64_t now, struct err *e)
{
	unsigned char signature[RS256_SIZE];
	struct key key = {0};
	size_t at = 0, n = 0;

	if (put_claims(out, &at, c, scope, now, e))
		return -1;
	if (key_parse(&key, c->private_key, strlen(c->private_key),
		      "private_key of the credentials", e) == 0)
		n = key_sign_rs256(signature, &key, out, at - 1, e);
	key_wipe(&key);
	if (n == 0)
		return -1;
	base64url_encode(out + at, signature, n);
	return 0;
}
