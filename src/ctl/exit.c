/* SPDX-License-Identifier: ISC */
#include "ctl/exit.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/err.h"
#include "ctl/plain.h"

int exit_say(int code, const char *msg)
{
	fputs("konstructctl: ", stderr);
	plain_put(msg, true, stderr);
	fputc('\n', stderr);
	return code;
}

int exit_of_err(const struct err *e, int fatal)
{
	switch (e->kind) {
	case ERR_INPUT:
		return EX_DATAERR;
	case ERR_RETRY:
	case ERR_LIMIT:
		return EX_UNAVAILABLE;
	case ERR_FATAL:
		return fatal;
	case ERR_NONE:
		break;
	}
	return EX_SOFTWARE;
}

int exit_of_status(int status)
{
	if (status < 400)
		return EX_OK;
	if (status == 403)
		return EX_NOPERM;
	if (status == 404)
		return EX_NOINPUT;
	if (status < 500)
		return EX_DATAERR;
	return status == 500 ? EX_SOFTWARE : EX_UNAVAILABLE;
}
