/* SPDX-License-Identifier: ISC */
#include "promtext.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 1024

static char complaint[LINE + 80];

/* The family that is being read. */
struct family {
	char name[128];
	bool histogram;
	bool helped, typed;
	double last, count; /* of a histogram's buckets; -1: none yet */
	bool infinite;
};

static const char *complain(const char *what, const char *line)
{
	(void)snprintf(complaint, sizeof(complaint), "%s: %s", what, line);
	return complaint;
}

static size_t name_len(const char *s)
{
	size_t n = 0;

	while (isalpha((unsigned char)s[n]) || s[n] == '_' ||
	       (n > 0 && isdigit((unsigned char)s[n])))
		n++;
	return n;
}

/* Past {a="b",c="d"}; NULL when it is none. */
static const char *past_labels(const char *s)
{
	size_t n;

	do {
		s++;
		n = name_len(s);
		if (n == 0 || strncmp(s + n, "=\"", 2) != 0)
			return NULL;
		for (s += n + 2; *s && *s != '"'; s++) {
			if (*s != '\\')
				continue;
			s++;
			if (*s != 'n' && *s != '"' && *s != '\\')
				return NULL;
		}
		if (*s != '"')
			return NULL;
		s++;
	} while (*s == ',');
	return *s == '}' ? s + 1 : NULL;
}

static bool ends_in(const char *s, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && strncmp(s + n - k, end, k) == 0;
}

static const char *comment(struct family *f, const char *page, const char *line)
{
	char what[8], name[128], rest[LINE], again[160];

	if (sscanf(line, "# %7s %127s %1023[^\n]", what, name, rest) != 3)
		return complain("no name or no text", line);
	if (strcmp(what, "HELP") == 0) {
		memset(f, 0, sizeof(*f));
		(void)snprintf(f->name, sizeof(f->name), "%s", name);
		f->last = f->count = -1;
		(void)snprintf(again, sizeof(again), "# HELP %s ", name);
		if (strstr(strstr(page, again) + 1, again))
			return complain("a family twice", line);
		f->helped = true;
		return NULL;
	}
	if (strcmp(what, "TYPE") != 0 || strcmp(name, f->name) != 0)
		return complain("not the type of what was before", line);
	if (strcmp(rest, "counter") != 0 && strcmp(rest, "gauge") != 0 &&
	    strcmp(rest, "histogram") != 0)
		return complain("unknown type", line);
	if (ends_in(name, strlen(name), "_total") !=
	    (strcmp(rest, "counter") == 0))
		return complain("counters end in _total", line);
	f->histogram = strcmp(rest, "histogram") == 0;
	f->typed = true;
	return NULL;
}

static const char *histogram(struct family *f, const char *line,
			     const char *suffix, double v)
{
	if (strncmp(suffix, "_bucket{le=\"", 12) == 0) {
		if (v < f->last)
			return complain("buckets shrink", line);
		f->last = v;
		f->infinite = strncmp(suffix + 12, "+Inf\"", 5) == 0;
		return NULL;
	}
	if (!f->infinite)
		return complain("no bucket +Inf", line);
	if (strncmp(suffix, "_count ", 7) == 0 && v != f->last)
		return complain("count is not that of +Inf", line);
	if (strncmp(suffix, "_count ", 7) != 0 &&
	    strncmp(suffix, "_sum ", 5) != 0)
		return complain("unknown part of a histogram", line);
	return NULL;
}

static const char *sample(struct family *f, const char *line)
{
	size_t n = name_len(line);
	size_t k = strlen(f->name);
	const char *p = line + n;
	char *end;
	double v;

	if (!f->typed || n < k || strncmp(line, f->name, k) != 0)
		return complain("not of the family", line);
	if (*p == '{')
		p = past_labels(p);
	if (!p || *p != ' ')
		return complain("bad labels", line);
	v = strtod(p + 1, &end);
	if (end == p + 1 || *end != '\0' || v < 0)
		return complain("bad value", line);
	if (f->histogram)
		return histogram(f, line, line + k, v);
	return n == k ? NULL : complain("not of the family", line);
}

/* Another line like this one, up to its value. */
static bool is_twice(const char *page, const char *line)
{
	char key[LINE + 2];
	const char *first;

	(void)snprintf(key, sizeof(key), "\n%.*s",
		       (int)(strrchr(line, ' ') - line + 1), line);
	first = strstr(page, key);
	return first && strstr(first + 1, key);
}

const char *promtext_check(const char *page)
{
	struct family f = { 0 };
	const char *wrong, *end;
	char line[LINE];

	for (; *page; page = end + 1) {
		end = strchr(page, '\n');
		if (!end || end - page >= LINE || end == page)
			return complain("a line without end, long or empty",
					"");
		(void)snprintf(line, sizeof(line), "%.*s", (int)(end - page),
			       page);
		wrong = line[0] == '#' ? comment(&f, page, line)
				       : sample(&f, line);
		if (wrong)
			return wrong;
		if (line[0] != '#' && is_twice(page - 1, line))
			return complain("a sample twice", line);
	}
	return NULL;
}

double promtext_value(const char *page, const char *sample_name)
{
	char key[256];
	const char *p;

	(void)snprintf(key, sizeof(key), "\n%s ", sample_name);
	p = strstr(page, key);
	return p ? strtod(p + strlen(key), NULL) : -1;
}

static bool has(const char *page, const char *name, size_t n)
{
	char key[256];

	(void)snprintf(key, sizeof(key), "\n# TYPE %.*s ", (int)n, name);
	return strstr(page, key) != NULL;
}

bool promtext_has(const char *page, const char *name)
{
	static const char *const parts[] = { "_bucket", "_sum", "_count" };
	size_t n = strlen(name);
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (ends_in(name, n, parts[i]) &&
		    has(page, name, n - strlen(parts[i])))
			return true;
	return has(page, name, n);
}
