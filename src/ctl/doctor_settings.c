/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/doctor.h"
#include "net/local.h"

#define ANSWER_MAX ((size_t)1024 * 1024)
#define NAMES_SIZE 400

static void judge(struct doctor *d, const struct json *j)
{
	char names[NAMES_SIZE] = "", at[64];
	size_t i, n = json_len(j, "changes");
	bool restart = false;
	size_t len = 0;

	for (i = 0; i < n; i++) {
		(void)snprintf(at, sizeof(at), "changes.%zu.live", i);
		restart |= !json_bool(j, at, true);
		(void)snprintf(at, sizeof(at), "changes.%zu.setting", i);
		if (len < sizeof(names))
			len += (size_t)snprintf(names + len,
						sizeof(names) - len, "%s%s",
						i > 0 ? ", " : "",
						json_str(j, at));
	}
	if (n == 0)
		doctor_say(d, DOCTOR_OK, "settings", NULL,
			   "the daemon runs what the file says");
	else
		doctor_say(d, DOCTOR_WARNING, "settings",
			   restart ? "restart the daemon; konstructctl config "
				     "diff tells more"
				   : "konstructctl reload",
			   "the daemon doesn't run what the file says: %s",
			   names);
}

void doctor_settings(struct doctor *d)
{
	struct err e = { 0 };
	struct json *j = NULL;
	struct buf out;

	if (!doctor_status(d))
		return;
	buf_init(&out, ANSWER_MAX);
	if (local_call(doctor_conf(d)->admin_socket, "GET", "/v1/config/diff",
		       NULL, 0, &out, &e) == 200)
		j = json_parse(out.data, out.len, ANSWER_MAX, &e);
	if (j)
		judge(d, j);
	json_free(j);
	buf_release(&out);
}
