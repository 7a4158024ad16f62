/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "route/job.h"
#include "route/message.h"
#include "route/trail.h"
#include "turn/read.h"
#include "turn/show.h"
#include "turn/turn.h"

/* The last thing of a turn: one transaction that says all that came of it. */

static void add_line(struct turn *t, size_t *n, const struct line *line)
{
	const struct message *m = t->job->msg;
	struct line_new *l = &t->lines[(*n)++];

	l->tenant_id = m->tenant_id;
	l->channel = m->channel.channel_id;
	l->thread = m->thread_id;
	l->line = *line;
}

static void add_asked(struct turn *t, size_t *n, const struct message *m,
		      struct asked *as)
{
	struct line q = { .user_id = m->sender.user_id,
			  .name = as->name,
			  .ts = m->channel.ts,
			  .text = as->text,
			  .edited_ms = m->edited_ms };

	add_line(t, n, &q);
}

/* What the model was told of an older thread, the question, the answer. */
static size_t make_lines(struct turn *t)
{
	struct line a = { .ours = true,
			  .name = t->job->agent.name,
			  .ts = t->parts[0] };
	size_t i, n = 0;

	if (t->withdrawn || t->parts[0][0] == '\0' || read_asked(t) < 0)
		return 0;
	t->lines = calloc(t->nbackfill + t->job->nmore + 2, sizeof(*t->lines));
	if (!t->lines)
		return 0;
	for (i = 0; i < t->nbackfill; i++)
		add_line(t, &n, &t->history.lines[i]);
	for (i = 0; i < t->nasked; i++)
		add_asked(t, &n, turn_message(t, i), &t->asked[i]);
	t->written = t->answered ? people_bare(t) : NULL;
	if (t->written) {
		a.text = t->written;
		add_line(t, &n, &a);
		t->lines[n - 1].agent_id = t->job->agent.id;
	}
	return n;
}

/* Where the people are of whom something is stored now. */
static void note_home(struct turn *t, struct journal_req *r)
{
	const struct message *m = t->job->msg;

	if (r->nlines == 0 && !r->usage)
		return;
	t->home = (struct home_new){
		.tenant_id = m->tenant_id,
		.app_id = m->channel.app_id,
		.workspace_id = m->channel.workspace_id,
		.channel = m->channel.channel_id,
		.user = m->sender.user_id,
	};
	r->home = &t->home;
}

static const char *last_ts(const struct turn *t)
{
	size_t i = t->nparts;

	while (i > 0 && t->parts[i - 1][0] == '\0')
		i--;
	return i > 0 ? t->parts[i - 1] : "";
}

/* By this process; or by an earlier one that had this entry: what was engaged
 * until then is in the store, and was read at the start. */
static bool was_sent_out(const struct turn *t)
{
	struct engaged *g = t->w->engaged;
	int64_t at_ms = t->job->msg->timestamp_ms;

	return engaged_ended_since(g, t->key, at_ms) ||
	       (t->job->intended && !engaged_known(g, t->key) &&
		at_ms >= clock_wall_ms() - engaged_window_ms(g));
}

/* An answer renews the thread, unless we were sent out of it meanwhile; a
 * direct message needs no engagement. */
static void engage(struct turn *t, struct note *n)
{
	if (!t->answered || message_is_direct(t->job->msg) || was_sent_out(t))
		return;
	n->engaged = t->key;
	n->engaged_ms = ts_ms(last_ts(t));
	engaged_answered(t->w->engaged, t->job->msg->tenant_id, t->key,
			 n->engaged_ms);
}

static void print_ms(char out[24], int64_t ms)
{
	out[0] = '\0';
	if (ms >= 0)
		(void)snprintf(out, 24, "%" PRId64, ms);
}

static const char *known(const char *s)
{
	return s[0] != '\0' ? s : NULL;
}

static const char *decision(const struct turn *t)
{
	if (t->withdrawn)
		return "withdrawn";
	if (t->stopped)
		return "stopped";
	if (t->answered)
		return "answered";
	return t->verdict[0] != '\0' ? t->verdict : "ended";
}

static void log_finished(const struct turn *t)
{
	const struct message *m = t->job->msg;
	char placed[24], first[24], whole[24], parts[24];

	print_ms(placed, t->placed_ms);
	print_ms(first, t->first_ms);
	print_ms(whole, clock_ms() - t->began_ms);
	(void)snprintf(parts, sizeof(parts), "%zu", t->reply.n);
	log_info(LOG_FIELDS({ "entry", t->job->entry.id },
			    { "tenant", t->job->connection.tenant.name },
			    { "app", t->job->connection.app_id },
			    { "channel", m->channel.channel_id },
			    { "ts", m->channel.ts },
			    { "model", known(t->model) },
			    { "placeholder_ms", known(placed) },
			    { "first_ms", known(first) }, { "whole_ms", whole },
			    { "parts", parts }, { "outcome", decision(t) }),
		 "turn finished");
}

static enum metric_tenant outcome(const struct turn *t)
{
	if (t->stopped || t->withdrawn)
		return METRIC_STOPPED;
	return t->answered ? METRIC_ANSWERED : METRIC_FAILED;
}

static void count_finished(const struct turn *t)
{
	const char *tenant = usage_tenant(t);

	if (t->placed_ms >= 0)
		metric_took_us(METRIC_PLACEHOLDER, t->placed_ms * 1000);
	if (t->first_ms >= 0)
		metric_took_us(METRIC_FIRST, t->first_ms * 1000);
	if (t->answered)
		metric_took_us(METRIC_ANSWER,
			       (clock_ms() - t->began_ms) * 1000);
	metric_add(METRIC_TENANTS, tenant, outcome(t), 1);
}

static void count_outcome(const struct turn *t, struct counters *c)
{
	if (outcome(t) == METRIC_STOPPED)
		atomic_fetch_add(&c->stopped, 1);
	else
		atomic_fetch_add(t->answered ? &c->answers : &c->failures, 1);
}

static void closed(struct turn *t)
{
	struct worker *w = t->w;
	struct lane_seat *head;

	log_finished(t);
	count_finished(t);
	usage_count(t);
	errands_of(t, true);
	count_outcome(t, w->count);
	head = lane_leave(w->lanes, &t->seat);
	/* What a router still reads for it comes back first. */
	t->abandoned = true;
	(void)turn_reap(t);
	if (head)
		turn_go(head->who);
}

static void audit_one(struct turn *t, struct audit_new *a)
{
	const struct usage_new *u = t->job->req.usage;

	trail_ask(a, t->job->msg, &t->job->agent, decision(t), NULL);
	a->model = t->model;
	a->prompt_tokens = u ? u->prompt_tokens : 0;
	a->completion_tokens = u ? u->completion_tokens : 0;
}

/* Each of those who asked, and what it used once. */
static void make_audit(struct turn *t)
{
	struct job *j = t->job;
	struct audit_new *all = &j->audit;
	size_t i, n = j->nmore - j->nagain;

	if (n > 0)
		all = j->audits = calloc(n + 1, sizeof(*all));
	j->req.audits = all ? all : &j->audit;
	j->req.naudits = all ? n + 1 : 1;
	audit_one(t, all ? all : &j->audit);
	for (i = 0; all && i < n; i++) {
		trail_ask(&all[i + 1], j->more[j->nagain + i], &j->agent,
			  decision(t), NULL);
		all[i + 1].with = j->entry.id;
		all[i + 1].model = t->model;
	}
}

void close_start(struct turn *t)
{
	struct journal_req *r = &t->job->req;
	struct note n = { .state = t->end_state };

	session_end(t);
	if (t->verdict[0] != '\0')
		n.verdict = t->verdict;
	turn_step(t, entry_state_name(t->end_state), known(t->verdict));
	r->nlines = make_lines(t);
	r->lines = t->lines;
	r->usage = usage_settle(t);
	note_home(t, r);
	r->ncovered = t->job->entry.ncovered;
	make_audit(t);
	engage(t, &n);
	note_done(t, &n, closed);
}
