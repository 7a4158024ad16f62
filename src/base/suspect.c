/* SPDX-License-Identifier: ISC */
#include "base/suspect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define MAGIC   UINT64_C(0x4b6e737453757331) /* "KnstSus1" */

/* One thread's. held is set last and cleared first, so that what is read
 * after a death in between is whole or not there. */
struct place {
	atomic_uint held;
	struct suspect who;
};

/* The whole file. */
struct page {
	uint64_t magic;
	atomic_int signal;
	struct place places[SUSPECTS_MAX];
};

static struct page *page; /* NULL: none is kept */
static int fd = -1;
static atomic_size_t taken; /* places that threads have */

static _Thread_local struct place *mine;
static _Thread_local bool none; /* there was no place for this thread */

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
#define NFATAL (sizeof(fatal) / sizeof(fatal[0]))

/* The action is the default one again by now. */
static void on_fatal(int sig)
{
	if (page)
		atomic_store(&page->signal, sig);
	(void)raise(sig);
}

/* Whoever else catches them, as a sanitizer does, keeps them. */
static void catch_fatal(void)
{
	struct sigaction act = { .sa_handler = on_fatal,
				 .sa_flags = SA_RESETHAND | SA_NODEFER };
	struct sigaction old;
	size_t i;

	for (i = 0; i < NFATAL; i++) {
		if (sigaction(fatal[i], NULL, &old) == 0 &&
		    !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
			(void)sigaction(fatal[i], &act, NULL);
	}
}

/* Ended, and of nothing but these. */
static bool is_word(const char *s, size_t size, const char *chars)
{
	size_t n = strnlen(s, size);

	return n > 0 && n < size && strspn(s, chars) == n;
}

static bool is_fatal(int sig)
{
	size_t i;

	for (i = 0; i < NFATAL; i++)
		if (fatal[i] == sig)
			return true;
	return false;
}

/* What stands there goes into the log, and into the record of an entry. */
static bool is_whole(const struct suspect *who)
{
	return is_word(who->id, sizeof(who->id), LETTERS "0123456789") &&
	       is_word(who->stage, sizeof(who->stage), LETTERS);
}

void suspects_read(const void *file, size_t size, struct suspects *left)
{
	const struct page *p = file;
	const struct place *pl;
	int sig;
	size_t i;

	memset(left, 0, sizeof(*left));
	if (size < sizeof(*p) || p->magic != MAGIC)
		return;
	sig = atomic_load(&p->signal);
	left->signal = is_fatal(sig) ? sig : 0;
	for (i = 0; i < SUSPECTS_MAX; i++) {
		pl = &p->places[i];
		if (atomic_load(&pl->held) && is_whole(&pl->who))
			left->who[left->n++] = pl->who;
	}
}

/* With its blocks on disk: a page that finds no room later is a SIGBUS. */
static int map_file(const char *path, struct err *e)
{
	int rc;

	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_FATAL, "cannot open '%s': %s", path,
			       strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_FATAL, "'%s' is another process's", path);
	rc = posix_fallocate(fd, 0, sizeof(*page));
	if (rc != 0)
		return err_set(e, ERR_FATAL, "cannot write '%s': %s", path,
			       strerror(rc));
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	if (page == MAP_FAILED) {
		page = NULL;
		return err_set(e, ERR_FATAL, "cannot map '%s': %s", path,
			       strerror(errno));
	}
	return 0;
}

int suspects_open(const char *path, struct suspects *left, struct err *e)
{
	memset(left, 0, sizeof(*left));
	if (map_file(path, e) < 0) {
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
		return -1;
	}
	suspects_read(page, sizeof(*page), left);
	memset(page, 0, sizeof(*page));
	page->magic = MAGIC;
	catch_fatal();
	return 0;
}

static struct place *place(void)
{
	size_t i;

	if (mine || none || !page)
		return mine;
	i = atomic_fetch_add(&taken, 1);
	none = i >= SUSPECTS_MAX;
	mine = none ? NULL : &page->places[i];
	return mine;
}

static void copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

void suspect_enter(const char *id, const char *stage)
{
	struct place *p = place();

	if (!p)
		return;
	atomic_store_explicit(&p->held, 0, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	copy(p->who.id, sizeof(p->who.id), id);
	copy(p->who.stage, sizeof(p->who.stage), stage);
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&p->held, 1, memory_order_relaxed);
}

void suspect_leave(void)
{
	if (mine)
		atomic_store_explicit(&mine->held, 0, memory_order_relaxed);
}

void suspect_take(struct suspect *out)
{
	out->id[0] = '\0';
	if (mine && atomic_load_explicit(&mine->held, memory_order_relaxed))
		*out = mine->who;
}

void suspect_resume(const struct suspect *s)
{
	if (s->id[0] != '\0')
		suspect_enter(s->id, s->stage);
}
