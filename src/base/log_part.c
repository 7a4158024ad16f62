/* SPDX-License-Identifier: ISC */
#include <stdatomic.h>
#include <string.h>

#include "base/log_in.h"

/* As the folders of src; what is in none of them belongs to "main". */
static const char *const names[LOG_PARTS] = {
	"main",  "base",  "net",  "slack", "llm",   "store",
	"state", "route", "turn", "link",  "admin",
};

/* A part's own level plus one, 0: the common one. */
static atomic_int own[LOG_PARTS];
static atomic_int common = LOG_LEVEL_INFO;
static atomic_int highest = LOG_LEVEL_INFO;

const char *log_part_name(int part)
{
	return names[part];
}

int log_part_find(const char *name)
{
	int i;

	for (i = 0; i < LOG_PARTS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static void find_highest(void)
{
	int i, n = atomic_load(&common);

	for (i = 0; i < LOG_PARTS; i++)
		if (atomic_load(&own[i]) - 1 > n)
			n = atomic_load(&own[i]) - 1;
	atomic_store(&highest, n);
}

void log_set_level(enum log_level max)
{
	atomic_store(&common, (int)max);
	find_highest();
}

void log_set_part(int part, enum log_level max)
{
	atomic_store(&own[part], (int)max + 1);
	find_highest();
}

void log_reset_part(int part)
{
	atomic_store(&own[part], 0);
	find_highest();
}

enum log_level log_level_of(int part, bool *is_own)
{
	int n = part < 0 ? 0 : atomic_load(&own[part]);

	*is_own = n > 0;
	return (enum log_level)(n > 0 ? n - 1 : atomic_load(&common));
}

/* "../../src/turn/close.c" is of turn. */
static int part_of(const char *file)
{
	const char *end = strrchr(file, '/');
	const char *begin;
	int i;

	if (!end)
		return 0;
	for (begin = end; begin > file && begin[-1] != '/'; begin--)
		;
	for (i = 1; i < LOG_PARTS; i++)
		if (strlen(names[i]) == (size_t)(end - begin) &&
		    memcmp(names[i], begin, (size_t)(end - begin)) == 0)
			return i;
	return 0;
}

bool log_part_wants(enum log_level level, const char *file)
{
	bool is_own;

	if ((int)level > atomic_load(&highest))
		return false;
	return level <= log_level_of(part_of(file), &is_own);
}
