/* SPDX-License-Identifier: ISC */
/*
 * What malloc and the like are for the libraries of src/ in tests/alloc.sh:
 * the call number $ALLOC_FAIL_AT of each process fails, and $ALLOC_HIT names a
 * file that is made then. Check runs each test in a process of its own.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *alloc_malloc(size_t size);
void *alloc_calloc(size_t n, size_t size);
void *alloc_realloc(void *p, size_t size);
void *alloc_reallocarray(void *p, size_t n, size_t size);
char *alloc_strdup(const char *s);
char *alloc_strndup(const char *s, size_t n);

static atomic_long calls;
static long fail_at;
static const char *hit;

static void begin(void)
{
	atomic_store(&calls, 0);
}

static void __attribute__((constructor)) read_environment(void)
{
	const char *n = getenv("ALLOC_FAIL_AT");

	fail_at = n ? strtol(n, NULL, 10) : 0;
	hit = getenv("ALLOC_HIT");
	(void)pthread_atfork(NULL, NULL, begin);
}

static bool fails(void)
{
	int fd;

	if (atomic_fetch_add(&calls, 1) + 1 != fail_at)
		return false;
	fd = hit ? open(hit, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd >= 0)
		(void)close(fd);
	return true;
}

void *alloc_malloc(size_t size)
{
	return fails() ? NULL : malloc(size);
}

void *alloc_calloc(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

void *alloc_realloc(void *p, size_t size)
{
	return fails() ? NULL : realloc(p, size);
}

void *alloc_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : reallocarray(p, n, size);
}

char *alloc_strdup(const char *s)
{
	return fails() ? NULL : strdup(s);
}

char *alloc_strndup(const char *s, size_t n)
{
	return fails() ? NULL : strndup(s, n);
}
