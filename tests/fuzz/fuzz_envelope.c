/* SPDX-License-Identifier: ISC */
/* A frame from the link on: parsed, screened, made a message of. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "route/chirp.h"
#include "route/envelope.h"
#include "route/message.h"
#include "route/moved.h"
#include "route/screen.h"
#include "slack/ts.h"
#include "state/engaged.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct message *m)
{
	char key[ENGAGED_KEY_SIZE];

	if (message_claim(m, key, sizeof(key)) < 0 ||
	    message_thread_key(m, key, sizeof(key)) < 0)
		abort();
	if (!ts_valid(m->channel.ts) || !m->content.text || !m->event_id ||
	    !m->sender.user_id || m->tenant_id)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engaged *engaged;
	struct screening s = { 0 };
	struct envelope env;
	struct chirp chirp;
	struct moved moved;
	struct err e = { 0 };
	const char *stage;
	struct buf ack;

	if (!engaged) {
		log_set_level(LOG_LEVEL_ERROR);
		engaged = engaged_create(1000);
	}
	if (envelope_parse(&env, (const char *)data, size, &e) < 0)
		return 0;
	s.env = &env;
	s.engaged = engaged;
	if (moved_read(&env, &moved) && !*moved.new_id)
		abort();
	env.app_id = "A1";
	if (chirp_read(&env, &chirp) &&
	    (strlen(chirp.nonce) != CHIRP_NONCE - 1 || !ts_valid(chirp.ts)))
		abort();
	(void)screen_run(&s, &stage);
	if (s.msg)
		check_message(s.msg);
	message_free(s.msg);
	if (env.id) {
		buf_init(&ack, 1024);
		if (envelope_ack(env.id, &ack) < 0)
			abort();
		buf_release(&ack);
	}
	envelope_release(&env);
	return 0;
}
