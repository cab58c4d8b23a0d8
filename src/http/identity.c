#include "http/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "http/certificate.h"
#include "http/pem.h"

#define DOING "read client certificate"

static int read_key(struct key *key, const char *path, struct err *e)
{
	char text[KEY_PEM_MAX];
	cleanup_fd int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : file_read_all(fd, text, sizeof(text));
	int sys = errno, failed;

	if (n < 0)
		return err_sys(e, ERR_IO, "read private key", sys, "%s", path);
	failed = key_parse(key, text, (size_t)n, path, e);
	explicit_bzero(text, sizeof(text));
	return failed;
}

/* Behind those before it. Gives false if it does not fit. */
static bool add(struct identity *id, const struct pem *pem)
{
	size_t used = 0;
	br_x509_certificate *to = &id->chain[id->chain_len];

	for (size_t i = 0; i < id->chain_len; i++)
		used += id->chain[i].data_len;
	if (id->chain_len == IDENTITY_CHAIN || pem->len > sizeof(id->der) - used)
		return false;
	to->data = memcpy(id->der + used, pem->der, pem->len);
	to->data_len = pem->len;
	id->chain_len++;
	return true;
}

static int read_chain(struct identity *id, struct pem_file *f, const char *path, struct err *e)
{
	struct certificate c;
	int got;

	if (pem_open(f, path))
		return err_sys(e, ERR_IO, DOING, errno, "%s", path);
	while ((got = pem_next(f)) > 0) {
		if (strcmp(f->pem.label, "CERTIFICATE") != 0)
			continue;
		if (f->pem.bad || !certificate_parse(&c, f->pem.der, f->pem.len))
			return err_set(e, ERR_FIELD, DOING, "%s: a certificate in it is damaged",
				       path);
		if (!add(id, &f->pem))
			return err_set(e, ERR_FIELD, DOING,
				       "%s: more than %d certificates or %d bytes of them", path,
				       IDENTITY_CHAIN, IDENTITY_BYTES);
	}
	if (got < 0)
		return err_sys(e, ERR_IO, DOING, errno, "%s", path);
	if (id->chain_len == 0)
		return err_set(e, ERR_FIELD, DOING, "%s: there is no certificate in PEM in it",
			       path);
	return 0;
}

int identity_read(struct identity *id, const char *cert_file, const char *key_file, struct err *e)
{
	static struct pem_file file;
	int failed;

	id->chain_len = 0;
	failed = read_chain(id, &file, cert_file, e) ||
		 read_key(&id->key, key_file ? key_file : cert_file, e);
	pem_close(&file);
	return failed ? -1 : 0;
}
