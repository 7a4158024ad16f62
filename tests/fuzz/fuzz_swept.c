/* SPDX-License-Identifier: ISC */
/* A message of Slack's history: made an envelope of, which is read again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "route/envelope.h"
#include "route/message.h"
#include "route/screen.h"
#include "route/swept.h"
#include "state/engaged.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What we write ourselves can be read. */
static void judge(const struct buf *frame)
{
	static struct engaged *engaged;
	struct screening s = { 0 };
	struct envelope env;
	struct err e = { 0 };
	const char *stage;

	if (!engaged) {
		log_set_level(LOG_LEVEL_ERROR);
		engaged = engaged_create(1000);
	}
	if (envelope_parse(&env, frame->data, frame->len, &e) < 0)
		abort();
	s.env = &env;
	s.engaged = engaged;
	(void)screen_run(&s, &stage);
	message_free(s.msg);
	envelope_release(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct connection c = {
		.app_id = (char *)"A1",
		.workspace_id = (char *)"T1",
		.bot_user_id = (char *)"UBOT",
	};
	struct err e = { 0 };
	struct buf frame;
	struct json *m;

	m = json_parse((const char *)data, size, 1 << 20, &e);
	if (!m)
		return 0;
	buf_init(&frame, 2 << 20);
	if (swept_frame(&c, "C1", m, &frame, &e) == 0)
		judge(&frame);
	buf_release(&frame);
	json_free(m);
	return 0;
}
