/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/secret.h"
#include "ctl/doctor.h"
#include "llm/llm.h"
#include "net/http.h"
#include "net/loop.h"

struct talk {
	struct doctor *d;
	struct loop *loop;
	const char *what;
	size_t pieces;
};

static void on_text(const char *p, size_t n, void *arg)
{
	struct talk *t = arg;

	(void)p;
	(void)n;
	t->pieces++;
}

static const char *todo_of(enum llm_end end)
{
	switch (end) {
	case LLM_REFUSED:
		return "see api_key_file";
	case LLM_BROKEN:
	case LLM_TIMEOUT:
		return "see url, proxy and ca_file of this llm, and the "
		       "firewall";
	case LLM_BUSY:
		return "try again; is the account out of money?";
	case LLM_ERROR:
		return "see model and url of this llm, which goes up to /v1";
	case LLM_DONE:
	case LLM_LENGTH:
	case LLM_FILTERED:
	case LLM_EMPTY:
	case LLM_TOO_LONG:
	case LLM_OFF:
		break;
	}
	return "try another question";
}

static void on_done(const struct llm_result *r, void *arg)
{
	struct talk *t = arg;

	if (r->end != LLM_DONE && r->end != LLM_LENGTH)
		doctor_say(t->d, DOCTOR_FAILURE, t->what, todo_of(r->end),
			   "%s: %s%s%s", llm_end_name(r->end), r->msg,
			   r->said[0] != '\0' ? ": " : "", r->said);
	else if (t->pieces > 1)
		doctor_say(t->d, DOCTOR_OK, t->what, NULL,
			   "answers and streams, first words after %lld ms",
			   (long long)r->first_token_ms);
	else
		doctor_say(t->d, DOCTOR_WARNING, t->what,
			   "does something on the way hold the answer back?",
			   "answers, in one piece");
	loop_stop(t->loop);
}

static void ask(struct doctor *d, struct llm *m, const char *model)
{
	static const struct llm_msg msg = {
		.role = LLM_USER,
		.text = "Count from one to twenty in words.",
	};
	const struct llm_question q = { model, "", &msg, 1 };
	const struct http_opts o = { 0 };
	struct err e = { 0 };
	char what[160];
	struct talk t = { .d = d, .what = what };
	struct http *h = NULL;

	(void)snprintf(what, sizeof(what), "model \"%s\"", model);
	t.loop = loop_create("doctor", &e);
	if (t.loop)
		h = http_create(t.loop, &o, &e);
	if (h && llm_ask(m, h, t.loop, &q, on_text, on_done, &t, &e))
		loop_run_here(t.loop);
	else
		doctor_say(d, DOCTOR_FAILURE, what, NULL, "%s", e.msg);
	http_free(h);
	loop_free(t.loop);
}

/* Only its unit is given its key, or its proxy's password. */
static bool is_elsewhere(const struct conf_model *m)
{
	return secret_is_elsewhere(m->api_key_file) ||
	       secret_is_elsewhere(m->way.proxy_password_file);
}

/* By itself, so that a key that can't be read hides no other model. */
static void try_model(struct doctor *d, const struct conf_model *model)
{
	struct conf c = *doctor_conf(d);
	struct err e = { 0 };
	char what[160];
	struct llm *m;

	c.models[0] = *model;
	c.models[0].is_default = true;
	c.nmodels = 1;
	m = llm_create(&c, &e);
	(void)snprintf(what, sizeof(what), "model \"%s\"", model->name);
	if (m)
		ask(d, m, model->name);
	else if (is_elsewhere(model))
		doctor_say(d, DOCTOR_WARNING, what, doctor_elsewhere(d),
			   "not tried: %s", e.msg);
	else
		doctor_say(d, DOCTOR_FAILURE, what,
			   "the daemon's user has to read the file: chgrp "
			   "konstruct, chmod 640",
			   "%s", e.msg);
	llm_free(m);
}

void doctor_models(struct doctor *d)
{
	const struct conf *c = doctor_conf(d);
	size_t i;

	for (i = 0; i < c->nmodels; i++)
		try_model(d, &c->models[i]);
}
