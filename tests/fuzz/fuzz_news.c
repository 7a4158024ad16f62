/* SPDX-License-Identifier: ISC */
/* What PostgreSQL tells a node, by whomever it was said: a line each. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/cluster_in.h"
#include "store/leases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void thread(const char *key, int64_t at_ms, void *arg)
{
	(void)arg;
	must(key[0] != '\0' && strlen(key) < 400 && at_ms >= 0);
}

static void ended(const char *key, void *arg)
{
	(void)arg;
	must(key[0] != '\0' && strlen(key) < 400);
}

static void connect_app(const char *app_id, void *arg)
{
	(void)arg;
	must(app_id[0] != '\0' && strlen(app_id) < 400);
}

static struct cluster *make(void)
{
	struct cluster *c = calloc(1, sizeof(*c));

	must(c != NULL);
	c->o.thread = thread;
	c->o.ended = ended;
	c->o.connect = connect_app;
	c->o.arg = c;
	c->o.leases = leases_create();
	must(c->o.leases != NULL && pthread_mutex_init(&c->lock, NULL) == 0 &&
	     pthread_mutex_init(&c->calls, NULL) == 0);
	memcpy(c->node, "0123456789abcdef", sizeof(c->node));
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cluster *c;
	char *text, *line, *end;

	if (!c)
		c = make();
	text = malloc(size + 1);
	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	for (line = text; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		news_hear(line, c);
	}
	free(text);
	return 0;
}
