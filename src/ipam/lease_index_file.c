/*
 * Where an index comes from: its file, if that is true; else the store's directory.
 */
#include "ipam/lease_index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "config.h"

#define NAME_START "leases-"
#define NAME_BYTES 48
#define ROOM_MIN   512 /* what a /24 holds, twice: the usual share of a node */

static size_t size_for(uint32_t room)
{
	return sizeof(struct lease_index) + room * (2 * sizeof(uint32_t) + sizeof(struct lease));
}

static void name_of(char name[static NAME_BYTES], const struct stat *dir)
{
	snprintf(name, NAME_BYTES, NAME_START "%llx-%llx", (unsigned long long)dir->st_dev,
		 (unsigned long long)dir->st_ino);
}

/* The file of a store's index; -1 if there is none, or none can be made. */
static int open_file(const struct stat *dir, bool make)
{
	char path[sizeof(RUN_DIR) + NAME_BYTES] = RUN_DIR "/";

	if (!HAS_MEMORY)
		return -1;
	name_of(path + sizeof(RUN_DIR), dir);
	return run_file_open(path, O_RDWR | (make ? O_CREAT : 0));
}

/* Nobody else's, nor one that has another name elsewhere. */
static bool is_own(const struct stat *file)
{
	return S_ISREG(file->st_mode) && file->st_uid == 0 && file->st_nlink == 1;
}

bool lease_index_is_true(const struct lease_index *x, size_t size, const struct stat *dir)
{
	return x->room && !(x->room & (x->room - 1)) && x->used <= x->room &&
	       x->unused <= x->used && x->magic == INDEX_MAGIC && size == size_for(x->room) &&
	       x->stamp[0] == dir->st_mtim.tv_sec && x->stamp[1] == dir->st_mtim.tv_nsec &&
	       x->filled + LEASE_TAKE_MAX <= x->room && !x->changed;
}

void lease_index_find(struct lease_store *s)
{
	struct stat dir, file;
	cleanup_fd int fd = -1;
	struct lease_index *x;

	if (s->index || fstat(s->dir, &dir))
		return;
	fd = open_file(&dir, false);
	if (fd < 0 || fstat(fd, &file) || !is_own(&file) || (size_t)file.st_size < size_for(0))
		return;
	x = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (x == MAP_FAILED)
		return;
	if (lease_index_is_true(x, (size_t)file.st_size, &dir))
		s->index = x;
	else
		munmap(x, (size_t)file.st_size);
}

/* An empty index: in its file or, where that cannot be had, in memory. NULL with e set. */
static struct lease_index *make_index(const struct lease_store *s, uint32_t room, struct err *e)
{
	size_t size = size_for(room);
	struct lease_index *x = MAP_FAILED;
	cleanup_fd int fd = -1;
	struct stat dir, file;
	bool shared;

	if (fstat(s->dir, &dir) == 0)
		fd = open_file(&dir, true);
	/* Emptied first: whoever is killed from here on leaves one that is not true. */
	shared = fd >= 0 && fstat(fd, &file) == 0 && is_own(&file) && ftruncate(fd, 0) == 0 &&
		 posix_fallocate(fd, 0, (off_t)size) == 0;
	if (shared)
		x = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (x == MAP_FAILED) {
		shared = false;
		x = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (x == MAP_FAILED) {
		err_sys(e, ERR_INTERNAL, "read leases", errno, "%s: memory for %u leases", s->path,
			room);
		return NULL;
	}
	*x = (struct lease_index){
		.magic = INDEX_MAGIC, .room = room, .shared = shared, .changed = true};
	if (*s->path == '/' && strlen(s->path) < INDEX_PATH)
		memcpy(x->store, s->path, strlen(s->path) + 1);
	return x;
}

/* Is name that of a lease file, that is, an address as host-local writes it? */
static bool names_lease(struct ip *ip, const char *name)
{
	char canonical[IP_TEXT];

	return ip_parse(ip, name) && strcmp(ip_format(canonical, ip), name) == 0;
}

static void enter(struct lease_index *x, int dir, const struct ip *ip, const char *name)
{
	struct lease_text text;
	enum lease_state state = lease_file_read(dir, name, &text);

	if (state == LEASE_ALIEN && errno != EISDIR)
		x->shared =
			false; /* the next process may be able to read it: this index is not for it */
	if (state != LEASE_GONE)
		lease_index_put_found(x, ip, state, state == LEASE_OWNED ? &text.owner : NULL);
}

struct reading {
	int dir;
	struct lease_index *x; /* NULL: count only */
	uint32_t found;
};

static int take_name(const char *name, void *arg, struct err *e)
{
	struct reading *r = arg;
	struct ip ip;

	(void)e;
	if (!names_lease(&ip, name))
		return 0;
	if (r->x && r->x->filled < r->x->room)
		enter(r->x, r->dir, &ip, name);
	r->found++;
	return 0;
}

/* Go through the directory: count the lease files; those that there is room for go into r->x. */
static int read_directory(const struct lease_store *s, struct reading *r, struct err *e)
{
	if (lseek(r->dir, 0, SEEK_SET) < 0)
		return err_sys(e, ERR_IO, "read directory", errno, "%s", s->path);
	return file_each(r->dir, s->path, take_name, r, e);
}

int lease_index_load(struct lease_store *s, struct err *e)
{
	struct reading r = {.dir = s->dir};
	uint32_t room = ROOM_MIN;

	lease_index_find(s);
	if (s->index)
		return 0;
	if (read_directory(s, &r, e))
		return -1;
	while (room < 2 * (unsigned long)r.found)
		room *= 2;
	r.x = make_index(s, room, e);
	if (!r.x || read_directory(s, &r, e))
		return -1;
	log_trace("%s: read %u leases", s->path, r.x->filled);
	s->index = r.x;
	return 0;
}

void lease_index_close(struct lease_store *s)
{
	struct lease_index *x = s->index;
	struct timespec now[2] = {{.tv_nsec = UTIME_OMIT}};

	if (!x)
		return;
	s->index = NULL;
	if (HAS_MEMORY && x->shared && x->changed) {
		/* Later than any change so far, earlier than any to come; the kernel's own ticks. */
		now[1] = clock_now(CLOCK_REALTIME);
		x->stamp[0] = now[1].tv_sec;
		x->stamp[1] = now[1].tv_nsec;
		x->changed = false;
		if (file_stamp(s->dir, NULL, now))
			log_trace("%s: time not set", s->path);
	}
	munmap(x, size_for(x->room));
}

/* Whose store cannot be told may be in use; whatever else is wrong, it is a copy of what files say. */
static int sweep(const char *name, void *arg, struct err *e)
{
	const int *dir = arg;
	struct lease_index head = {.magic = 0};
	char right[NAME_BYTES] = "";
	struct stat store;
	cleanup_fd int fd = -1;

	if (strncmp(name, NAME_START, strlen(NAME_START)) != 0)
		return 0;
	fd = openat(*dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && read(fd, &head, sizeof(head)) == sizeof(head) && head.magic == INDEX_MAGIC) {
		head.store[INDEX_PATH - 1] = '\0';
		if (!*head.store)
			return 0;
		if (stat(head.store, &store) == 0)
			name_of(right, &store);
	}
	if (strcmp(name, right) == 0)
		return 0;
	if (unlinkat(*dir, name, 0) && errno != ENOENT)
		return err_sys(e, ERR_IO, "remove index", errno, RUN_DIR "/%s", name);
	return 0;
}

int lease_index_sweep(struct err *e)
{
	cleanup_fd int dir = openat(AT_FDCWD, RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? 0 : file_each(dir, RUN_DIR, sweep, &dir, e);
}
