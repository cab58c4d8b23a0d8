#include "http/tls.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/ip.h"
#include "http/chain.h"
#include "http/identity.h"

#define DOING	   "speak TLS"
#define SEED_BYTES 32

/* Of the handshake that is under way: one at a time, as tls_start waits for its end. */
static struct chain chain;
static struct identity identity;

struct tls {
	br_ssl_client_context client;
	/*
	 * One buffer for both ways: a request is sent before its answer is read. Of full size, as
	 * Google's servers ignore a client's wish for smaller records.
	 */
	unsigned char records[BR_SSL_BUFSIZE_MONO];
	int fd;
	const char *name;
};

struct tls *tls_new(struct err *e)
{
	return arena_take(sizeof(struct tls), e);
}

static void set_algorithms(br_ssl_engine_context *engine)
{
	static const uint16_t suites[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	};

	br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(engine, suites, ARRAY_SIZE(suites));
	br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(engine, br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(engine, br_tls12_sha384_prf);
	br_ssl_engine_set_ec(engine, &br_ec_prime_i31);
	br_ssl_engine_set_ecdsa(engine, br_ecdsa_i31_vrfy_asn1);
	br_ssl_engine_set_rsavrfy(engine, br_rsa_i31_pkcs1_vrfy);
	br_ssl_engine_set_gcm(engine, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
	br_ssl_engine_set_aes_ctr(engine, &br_aes_ct64_ctr_vtable);
	br_ssl_engine_set_ghash(engine, br_ghash_ctmul64);
	br_ssl_engine_set_chapol(engine, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
	br_ssl_engine_set_chacha20(engine, br_chacha20_ct_run);
	br_ssl_engine_set_poly1305(engine, br_poly1305_ctmul_run);
}

static int seed(br_ssl_engine_context *engine, struct err *e)
{
	unsigned char bytes[SEED_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_sys(e, ERR_KERNEL, DOING, errno, "get random bytes");
	br_ssl_engine_inject_entropy(engine, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static void set_identity(struct tls *t)
{
	const struct identity *id = &identity;

	if (id->key.type == BR_KEYTYPE_RSA)
		br_ssl_client_set_single_rsa(&t->client, id->chain, id->chain_len, &id->key.rsa,
					     br_rsa_i31_pkcs1_sign);
	else if (id->key.type == BR_KEYTYPE_EC)
		br_ssl_client_set_single_ec(&t->client, id->chain, id->chain_len, &id->key.ec,
					    BR_KEYTYPE_SIGN, id->issuer_key_type, &br_ec_prime_i31,
					    br_ecdsa_i31_sign_asn1);
}

/* What the engine failed for, in words. Gives -1. */
static int engine_failed(struct tls *t, struct err *e)
{
	unsigned reason = (unsigned)br_ssl_engine_last_error(&t->client.eng);

	if (reason && reason == chain.fault)
		return chain_explain(&chain, reason, e);
	return tls_explain(reason, e);
}

static int io_failed(const struct tls *t, int sys, struct err *e)
{
	return err_sys(e, ERR_TRY_AGAIN, DOING, sys, "with %s", t->name);
}

/*
 * A server that refuses while the client still sends closes the connection behind its alert; what it
 * said is then there to be read, in clear until it has changed its cipher. Gives the alert, or 0.
 */
static unsigned last_words(int fd)
{
	enum { ALERT = 21 };
	unsigned char record[7];

	if (recv(fd, record, sizeof(record), MSG_DONTWAIT) != sizeof(record) ||
	    record[0] != ALERT || record[3] != 0 || record[4] != 2)
		return 0;
	return record[6];
}

static int send_failed(const struct tls *t, int sys, struct err *e)
{
	unsigned alert = sys == EPIPE || sys == ECONNRESET ? last_words(t->fd) : 0;

	return alert ? tls_explain(BR_ERR_RECV_FATAL_ALERT + alert, e) : io_failed(t, sys, e);
}

/* Send what the engine has to send, or receive what it waits for: one step. */
static int move(struct tls *t, unsigned state, struct deadline until, struct err *e)
{
	br_ssl_engine_context *engine = &t->client.eng;
	bool out = state & BR_SSL_SENDREC;
	unsigned char *buf;
	size_t room;
	ssize_t n;

	buf = out ? br_ssl_engine_sendrec_buf(engine, &room)
		  : br_ssl_engine_recvrec_buf(engine, &room);
	n = out ? send(t->fd, buf, room, MSG_NOSIGNAL) : recv(t->fd, buf, room, 0);
	if (n > 0) {
		if (out)
			br_ssl_engine_sendrec_ack(engine, (size_t)n);
		else
			br_ssl_engine_recvrec_ack(engine, (size_t)n);
		return 0;
	}
	if (n == 0)
		return err_set(e, ERR_TRY_AGAIN, DOING,
			       "%s has closed the connection without saying so, as if it was cut",
			       t->name);
	if (errno != EAGAIN && errno != EINTR)
		return out ? send_failed(t, errno, e) : io_failed(t, errno, e);
	if (!deadline_wait(until, t->fd, out ? POLLOUT : POLLIN))
		return io_failed(t, errno, e);
	return 0;
}

/*
 * Go on until the engine is in one of the states wanted (BR_SSL_SENDAPP, BR_SSL_RECVAPP). Gives 1;
 * 0 if the server has said goodbye; -1 with e set.
 */
static int run(struct tls *t, unsigned wanted, struct deadline until, struct err *e)
{
	br_ssl_engine_context *engine = &t->client.eng;

	for (;;) {
		unsigned state = br_ssl_engine_current_state(engine);

		if (state & BR_SSL_CLOSED)
			return br_ssl_engine_last_error(engine) ? engine_failed(t, e) : 0;
		if (state & wanted)
			return 1;
		if (!(state & (BR_SSL_SENDREC | BR_SSL_RECVREC)))
			return err_set(e, ERR_STATE, DOING,
				       "%s sends data while it should be listening", t->name);
		if (!deadline_left(until)) /* also for a peer that never lets us wait */
			return io_failed(t, ETIMEDOUT, e);
		if (move(t, state, until, e))
			return -1;
	}
}

static int shake_hands(struct tls *t, const struct tls_options *options, struct deadline until,
		       struct err *e)
{
	br_ssl_engine_context *engine = &t->client.eng;
	struct ip ip;
	int up;

	if (trust_open(&chain.trust, options->ca_file, e) ||
	    (options->client_cert &&
	     identity_read(&identity, options->client_cert, options->client_key, e)))
		return -1;
	chain_begin(&chain, t->name);
	br_ssl_client_zero(&t->client);
	set_algorithms(engine);
	set_identity(t);
	br_ssl_engine_set_x509(engine, &chain.vtable);
	/* An engine without a buffer is closed: tls_stop may be called. */
	if (seed(engine, e))
		return -1;
	br_ssl_engine_set_buffer(engine, t->records, sizeof(t->records), 0);
	/* SNI has no addresses in it (RFC 6066, 3); the chain's check has its own copy of name. */
	if (!br_ssl_client_reset(&t->client, ip_parse(&ip, t->name) ? NULL : t->name, 0))
		return engine_failed(t, e);
	up = run(t, BR_SSL_SENDAPP, until, e);
	if (up == 0)
		return err_set(e, ERR_TRY_AGAIN, DOING, "%s has ended the handshake", t->name);
	return up < 0 ? -1 : 0;
}

int tls_start(struct tls *t, int fd, const char *name, const struct tls_options *options,
	      struct deadline until, struct err *e)
{
	int failed;

	memset(t, 0, sizeof(*t));
	t->fd = fd;
	t->name = name;
	failed = shake_hands(t, options, until, e);
	explicit_bzero(&identity, sizeof(identity));
	explicit_bzero(&chain, sizeof(chain));
	return failed;
}

int tls_write(struct tls *t, const void *bytes, size_t n, struct deadline until, struct err *e)
{
	const char *from = bytes;

	while (n) {
		size_t room;
		unsigned char *buf;
		int up = run(t, BR_SSL_SENDAPP, until, e);

		if (up == 0)
			return err_set(e, ERR_TRY_AGAIN, DOING, "%s has closed the connection",
				       t->name);
		if (up < 0)
			return -1;
		buf = br_ssl_engine_sendapp_buf(&t->client.eng, &room);
		room = n < room ? n : room;
		memcpy(buf, from, room);
		br_ssl_engine_sendapp_ack(&t->client.eng, room);
		from += room;
		n -= room;
	}
	br_ssl_engine_flush(&t->client.eng, 0);
	while (br_ssl_engine_current_state(&t->client.eng) & BR_SSL_SENDREC)
		if (move(t, BR_SSL_SENDREC, until, e))
			return -1;
	return 0;
}

ssize_t tls_read(struct tls *t, void *bytes, size_t n, struct deadline until, struct err *e)
{
	unsigned char *buf;
	size_t got;
	int up = run(t, BR_SSL_RECVAPP, until, e);

	if (up <= 0)
		return up;
	buf = br_ssl_engine_recvapp_buf(&t->client.eng, &got);
	got = n < got ? n : got;
	memcpy(bytes, buf, got);
	br_ssl_engine_recvapp_ack(&t->client.eng, got);
	return (ssize_t)got;
}

bool tls_has_more(const struct tls *t)
{
	return br_ssl_engine_current_state(&t->client.eng) & BR_SSL_RECVAPP;
}

void tls_stop(struct tls *t)
{
	br_ssl_engine_context *engine = &t->client.eng;
	struct err ignored = {0};

	if (!(br_ssl_engine_current_state(engine) & BR_SSL_CLOSED)) {
		br_ssl_engine_close(engine);
		while (br_ssl_engine_current_state(engine) & BR_SSL_SENDREC)
			if (move(t, BR_SSL_SENDREC, deadline_in(0), &ignored))
				break;
	}
	explicit_bzero(t, sizeof(*t));
}
