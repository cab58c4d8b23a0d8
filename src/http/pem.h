/*
 * PEM (RFC 7468): objects between "-----BEGIN LABEL-----" and "-----END LABEL-----", from a stream of
 * any length; text around them is skipped. Only one object is held at a time.
 */
#ifndef HTTP_PEM_H
#define HTTP_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define PEM_OBJECT_MAX                                                                             \
	8192 /* bytes of an object: certificates and keys of 4096 bits have 2 to 3 KiB */
#define PEM_LABEL_MAX 31

struct pem {
	/* An object, when pem_feed has said so: */
	char label[PEM_LABEL_MAX + 1]; /* "CERTIFICATE" */
	bool bad;		       /* it is not Base64, too long, encrypted, or its end lacks */
	unsigned char der[PEM_OBJECT_MAX];
	size_t len;

	/* Where the reader is. */
	enum { PEM_TEXT, PEM_BODY } state;
	unsigned held, bits; /* Base64 that does not make a byte yet */
	unsigned padding;
	char line[PEM_LABEL_MAX + 20]; /* beginning of this line: of BEGIN and END, all of it */
	size_t column;
};

/* Begin. Any struct pem is wiped by this, too. */
void pem_begin(struct pem *p);

/*
 * Take bytes up to the end of the next object or of the n. *whole: an object is in p now, until the
 * next call. Gives how many were taken; there is an end of line to every file for it, so that the
 * last line counts: feed "\n" after the last byte.
 */
size_t pem_feed(struct pem *p, const char *bytes, size_t n, bool *whole);

/* The file at path, object by object. */
struct pem_file {
	struct pem pem;
	int fd;
	char chunk[4096];
	size_t at, end;
	bool ended;
};

/* Open it. Gives 0, or -1 with errno set. Close it with pem_close, which wipes, in any case. */
int pem_open(struct pem_file *f, const char *path) must_check;

/* The next object into f->pem: 1; 0 at the end; -1 with errno set. */
int pem_next(struct pem_file *f) must_check;

void pem_close(struct pem_file *f);

#endif
