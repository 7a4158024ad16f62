/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log_in.h"

/*
 * The journal's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram
 * of KEY=value lines. Values here have no line ends: they are escaped, or left
 * out.
 */
#define SOCKET    "/run/systemd/journal/socket"
#define DATAGRAM  8192
#define VALUE_MAX 256

static const struct {
	const char *key;
	const char *field;
} fields[] = {
	{ "tenant", "TENANT" },  { "channel", "CHANNEL" },
	{ "event", "EVENT_ID" }, { "entry", "ENTRY" },
	{ "stage", "STAGE" },    { "link", "LINK" },
	{ "app", "APP" },        { "model", "MODEL" },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int fd = -1;
static struct sockaddr_un there = { AF_UNIX, SOCKET };

void log_journal_at(const char *path)
{
	(void)snprintf(there.sun_path, sizeof(there.sun_path), "%s", path);
}

static void open_socket(void)
{
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static const char *field_of(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].field;
	return NULL;
}

/* Nobody can forge a field: what has control characters is left out. */
static bool is_safe(const char *s)
{
	size_t n = 0;

	for (; *s; s++, n++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return n > 0 && n <= VALUE_MAX;
}

int log_journal_send(int priority, const char *text, size_t len,
		     const struct log_field *f)
{
	char data[DATAGRAM];
	bool any = false;
	const char *name;
	int n;

	(void)pthread_once(&once, open_socket);
	if (fd < 0)
		return -1;
	n = snprintf(
		data, sizeof(data),
		"PRIORITY=%d\nSYSLOG_IDENTIFIER=konstructd\nMESSAGE=%.*s\n",
		priority, (int)len, text);
	for (; f && f->key && n < DATAGRAM - 2 * VALUE_MAX; f++) {
		name = field_of(f->key);
		if (!name || !f->value || !is_safe(f->value))
			continue;
		any = true;
		n += snprintf(data + n, sizeof(data) - (size_t)n, "%s=%s\n",
			      name, f->value);
	}
	if (!any || n < 0 || n >= DATAGRAM)
		return -1;
	return sendto(fd, data, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&there, sizeof(there)) == n
		       ? 0
		       : -1;
}
