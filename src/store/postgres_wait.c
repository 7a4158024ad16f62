/* SPDX-License-Identifier: ISC */
#include <poll.h>

#include "base/clock.h"
#include "store/postgres.h"

int postgres_patience = 1;

int64_t postgres_until(int ms)
{
	return clock_ms() + ms * (int64_t)postgres_patience;
}

/* Until the server can take or give something; -1: it is too late. */
static int wait_for(PGconn *c, short events, int64_t until_ms)
{
	struct pollfd p = { .fd = PQsocket(c), .events = events };
	int64_t left = until_ms - clock_ms();

	if (left <= 0)
		return -1;
	(void)poll(&p, 1, (int)left);
	return 0;
}

/* 0: it has a result, or is lost; -1: it is too late. */
static int await(PGconn *c, int64_t until_ms)
{
	while (PQisBusy(c)) {
		if (wait_for(c, POLLIN, until_ms) < 0)
			return -1;
		/* PQgetResult() tells of a connection that is lost. */
		if (PQconsumeInput(c) != 1)
			return 0;
	}
	return 0;
}

int postgres_flush(PGconn *c, int64_t until_ms)
{
	int left;

	for (left = PQflush(c); left == 1; left = PQflush(c)) {
		if (wait_for(c, POLLIN | POLLOUT, until_ms) < 0)
			return -1;
		/* It may be waiting for us to read. */
		if (PQconsumeInput(c) != 1)
			return 0;
	}
	return 0;
}

PGresult *postgres_last(PGconn *c, int64_t until_ms)
{
	PGresult *keep = NULL;
	PGresult *r;

	while (await(c, until_ms) == 0) {
		r = PQgetResult(c);
		if (!r)
			return keep;
		PQclear(keep);
		keep = r;
	}
	PQclear(keep);
	return NULL;
}

PGresult *postgres_ask(PGconn *c, const char *sql, const char *param,
		       int64_t until_ms)
{
	int sent = param ? PQsendQueryParams(c, sql, 1, NULL, &param, NULL,
					     NULL, 0)
			 : PQsendQuery(c, sql);

	return sent == 1 ? postgres_last(c, until_ms) : NULL;
}

PGresult *postgres_next(PGconn *c, int64_t until_ms)
{
	PGresult *r = NULL;
	int i;

	/* NULL stands between the results of two statements. */
	for (i = 0; !r && i < 2; i++) {
		if (await(c, until_ms) < 0)
			return NULL;
		r = PQgetResult(c);
	}
	if (PQresultStatus(r) != PGRES_PIPELINE_SYNC)
		return r;
	PQclear(r);
	return NULL;
}
