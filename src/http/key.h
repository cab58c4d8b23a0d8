/*
 * Private keys from PEM, unencrypted: PKCS#8 ("PRIVATE KEY"), PKCS#1 ("RSA PRIVATE KEY"), SEC1 ("EC
 * PRIVATE KEY", with or without "EC PARAMETERS" before it). Other objects in the text are skipped.
 */
#ifndef HTTP_KEY_H
#define HTTP_KEY_H

#include <stddef.h>

#include <bearssl.h>

#include "base/err.h"

#define KEY_PEM_MAX   16384 /* a file with a chain of certificates beside an RSA key of 4096 bits */
#define KEY_BYTES_MAX 2560  /* of the numbers of an RSA key of 4096 bits, five of 256, and more */

struct key {
	int type; /* BR_KEYTYPE_RSA, BR_KEYTYPE_EC; 0: none */
	union {
		br_rsa_private_key rsa; /* numbers in bytes[] */
		br_ec_private_key ec;
	};
	unsigned char bytes[KEY_BYTES_MAX];
};

/*
 * The first private key in n bytes of PEM.
 *
 * what  says where it is from, for errors: a file's name. No error shows a byte of the text.
 *
 * Gives 0; the caller wipes it (and the text) with key_wipe. Or -1 with e set (ERR_FIELD): no key,
 * an encrypted one, a kind or a size that is not supported (RSA 2048 to 4096 bits, EC on P-256,
 * P-384, P-521).
 */
int key_parse(struct key *k, const char *pem, size_t n, const char *what, struct err *e) must_check;

/* Overwrite it. */
void key_wipe(struct key *k);

#define RS256_SIZE 512 /* of a signature by 4096 bits */

/*
 * Sign n bytes by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3: RS256).
 *
 * Gives the signature's length, or 0 with e set (ERR_FIELD) where the key is not RSA's or broken.
 */
size_t key_sign_rs256(unsigned char out[static RS256_SIZE], const struct key *k, const void *bytes,
		      size_t n, struct err *e) must_check;

#endif
