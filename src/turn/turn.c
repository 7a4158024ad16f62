/* SPDX-License-Identifier: ISC */
#include "turn/turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/live.h"
#include "base/log.h"
#include "base/suspect.h"
#include "net/http.h"
#include "net/retry.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/markdown.h"
#include "slack/words.h"
#include "turn/attach.h"
#include "turn/prompt.h"

#define TRIES_QUICK 5  /* with retry_call's delays; then */
#define TRIES_SLOW  35 /* every 30 s, for a quarter of an hour; then */
#define SLOW_MS     30000
#define LAZY_MS     120000    /* until Slack answers */
#define REMARK_MAX  3072      /* room for what we say below an answer */
#define FAILED      "failed:" /* a verdict, with the sentence's name */
#define DEAD_TOKEN  "dead:token"

static void enter_placing(struct turn *t);
static void enter_waiting(struct turn *t);

#define TO(s) (1U << TURN_##s)

/* Each state, where it may lead, and what it begins with. */
static const struct {
	const char *name;
	unsigned int next;
	void (*enter)(struct turn *t);
} states[TURN_STATES] = {
	[TURN_NEW] = { "new", TO(WAITING), NULL },
	[TURN_WAITING] = { "waiting",
			   TO(PLACING) | TO(CLEARING) | TO(HEALING) |
				   TO(CLOSING),
			   enter_waiting },
	[TURN_PLACING] = { "placing",
			   TO(READING) | TO(WRITING) | TO(CLEARING) |
				   TO(HEALING) | TO(CLOSING),
			   enter_placing },
	[TURN_READING] = { "reading",
			   TO(ASKING) | TO(READING) | TO(WRITING) |
				   TO(HEALING) | TO(CLEARING) | TO(CLOSING),
			   read_start },
	[TURN_ASKING] = { "asking",
			  TO(STREAMING) | TO(WRITING) | TO(READING) |
				  TO(CLEARING) | TO(HEALING) | TO(CLOSING),
			  NULL },
	[TURN_STREAMING] = { "streaming",
			     TO(WRITING) | TO(READING) | TO(CLEARING) |
				     TO(HEALING) | TO(CLOSING),
			     NULL },
	[TURN_CLEARING] = { "clearing", TO(WRITING) | TO(HEALING) | TO(CLOSING),
			    stop_clear },
	[TURN_WRITING] = { "writing", TO(HEALING) | TO(CLOSING), write_start },
	[TURN_HEALING] = { "healing", TO(CLOSING), heal_start },
	[TURN_CLOSING] = { "closing", 0, close_start },
};

const char *turn_state_name(enum turn_state s)
{
	return (size_t)s < TURN_STATES ? states[s].name : "?";
}

void turn_enter(const struct turn *t)
{
	suspect_enter(t->job->entry.id, states[t->state].name);
}

void turn_step(struct turn *t, const char *name, const char *detail)
{
	entry_step(t->steps, sizeof(t->steps), &t->job->entry, clock_wall_ms(),
		   name, detail);
}

void turn_set(struct turn *t, enum turn_state s)
{
	log_debug(LOG_FIELDS({ "entry", t->job->entry.id }), "turn: %s -> %s",
		  states[t->state].name, states[s].name);
	assert(states[t->state].next & 1U << s);
	turn_stop_timer(t);
	t->state = s;
	t->tries = 0;
	turn_enter(t);
	if (states[s].enter)
		states[s].enter(t);
}

static void on_timer(void *arg)
{
	struct turn *t = arg;
	void (*fn)(struct turn * t) = t->on_timer;

	turn_enter(t);
	t->on_timer = NULL;
	if (fn)
		fn(t);
}

void turn_after(struct turn *t, int64_t ms, void (*fn)(struct turn *t))
{
	t->on_timer = fn;
	loop_timer_set(t->timer, ms);
}

void turn_stop_timer(struct turn *t)
{
	t->on_timer = NULL;
	loop_timer_stop(t->timer);
}

size_t turn_nmessages(const struct turn *t)
{
	return t->job->nmore + (t->gone ? 0 : 1);
}

struct message *turn_message(const struct turn *t, size_t i)
{
	if (t->gone)
		i++;
	return i > 0 ? t->job->more[i - 1] : t->job->msg;
}

int64_t turn_retry_ms(struct turn *t, const struct slack_result *r)
{
	if (r->fault == SLACK_RATE)
		return r->retry_ms;
	if (++t->tries > TRIES_SLOW)
		return LAZY_MS;
	if (t->tries > TRIES_QUICK)
		return SLOW_MS;
	return retry_delay_ms(&retry_call, t->tries - 1, r->retry_ms);
}

int64_t turn_doubt_left(const struct turn *t)
{
	int64_t most = t->conf->slack_timeout_s * INT64_C(1000);
	int64_t left;

	/* What is in doubt may have been sent before a reload. */
	if (slack_longest_ms() > most)
		most = slack_longest_ms();
	left = t->doubt_ms + most - clock_ms();

	return t->doubt_ms > 0 && left > 0 ? left : 0;
}

/* There is no placeholder, and without hope none is made. */
static void end_unseen(struct turn *t)
{
	t->end_state = ENTRY_DEAD;
	(void)snprintf(t->verdict, sizeof(t->verdict), FAILED "%s",
		       sentence_name(sentence_of_hope(t->job->hope)));
	turn_set(t, TURN_CLOSING);
}

static void give_up(struct turn *t)
{
	t->end_state = ENTRY_DEAD;
	t->answered = false;
	buf_reset(&t->answer);
	turn_fail(t, sentence_of_hope(t->job->hope), "given up");
}

static void work(struct turn *t)
{
	if (t->w->draining || stop_pending(t))
		return;
	if (flow_clean(t, work))
		return;
	session_begin(t);
	/* An answer that is there is no worse than a sentence. */
	if (t->resumed && t->job->hope != JOB_CRASHES)
		turn_set(t, TURN_WRITING);
	else if (t->job->hope != JOB_HOPE)
		give_up(t);
	else
		turn_set(t, TURN_READING);
}

static void on_placed(struct turn *t, const struct slack_result *r)
{
	if (r) {
		turn_refused(t, r);
		return;
	}
	if (t->parts[0][0] == '\0') {
		end_unseen(t);
		return;
	}
	turn_step(t, "placed", NULL);
	t->placed_ms = clock_ms() - t->began_ms;
	work(t);
}

void turn_placed(struct turn *t)
{
	on_placed(t, NULL);
}

static void on_posted(struct turn *t, const struct slack_result *r)
{
	if (!r)
		token_taken(t->w, &t->job->connection);
	else if (swap_back(t, r->fault))
		return;
	on_placed(t, r);
}

const char *turn_placeholder(const struct turn *t)
{
	const char *text = t->job->agent.placeholder;

	if (text && text[0] != '\0')
		return text;
	return words_get(WORDS_THINKING, t->job->agent.locale);
}

static void place(struct turn *t)
{
	const char *text = turn_placeholder(t);
	struct shape s;

	if (t->w->draining) {
		text = words_get(WORDS_PARKED, t->job->agent.locale);
		t->parked = true;
	}
	if (shape_say(&s, text, !t->conn->no_blocks) < 0) {
		turn_after(t, SLOW_MS, place);
		return;
	}
	if (!t->parked)
		controls_stop(t, &s);
	post_part(t, 0, &s, !t->job->again || t->unposted, on_posted);
}

static void enter_placing(struct turn *t)
{
	const struct job *j = t->job;

	/* What has a placeholder tries, so that it doesn't stand for ever. */
	if (t->parts[0][0] == '\0' && token_is_held(t->w, &j->connection)) {
		t->end_state = ENTRY_DEAD;
		(void)snprintf(t->verdict, sizeof(t->verdict), DEAD_TOKEN);
		turn_set(t, TURN_CLOSING);
		return;
	}
	if (j->hope == JOB_HOPE)
		read_names(t);
	if (t->parts[0][0] != '\0' || (whisper_is(t) && j->hope != JOB_HOPE))
		on_placed(t, NULL);
	else if (whisper_is(t))
		whisper_place(t);
	else
		place(t);
}

static void enter_waiting(struct turn *t)
{
	bool head = lane_is_head(&t->seat);

	/* It says then that its answer comes later. */
	if (head && t->w->draining)
		turn_set(t, TURN_PLACING);
	else if (head)
		gather_start(t);
	else if (t->parts[0][0] == '\0' && t->job->hope == JOB_HOPE &&
		 !whisper_is(t))
		eyes_show(t);
}

void turn_go(struct turn *t)
{
	if (t->state != TURN_WAITING || t->w->draining || t->abandoned)
		return;
	t->began_ms = clock_ms();       /* what took long was somebody else's */
	turn_after(t, 0, gather_start); /* not here, as it frees others */
}

void turn_fail(struct turn *t, enum sentence s, const char *why)
{
	log_warn(LOG_FIELDS({ "entry", t->job->entry.id }, { "ref", t->ref },
			    { "reason", sentence_name(s) }, { "detail", why }),
		 "no answer");
	(void)snprintf(t->verdict, sizeof(t->verdict), FAILED "%s",
		       sentence_name(s));
	turn_step(t, "failed", sentence_name(s));
	if (t->answer.len > 0) {
		mrkdwn_close(&t->answer);
		(void)buf_adds(&t->answer, "\n\n");
	}
	sentence_write(s, t->job->agent.locale, t->job->entry.id, &t->answer);
	turn_set(t, TURN_WRITING);
}

/* Where the others couldn't see the question it stands above the answer. */
static void say_asked(struct turn *t)
{
	const char *question = t->job->msg->content.unseen;
	struct buf whole;

	if (!question || read_asked(t) < 0)
		return;
	buf_init(&whole, t->answer.len + 4 * strlen(question) + REMARK_MAX);
	reply_asked(t->asked[0].name, question, &whole);
	(void)buf_add(&whole, t->answer.data, t->answer.len);
	if (whole.failed) {
		buf_release(&whole);
		return;
	}
	buf_release(&t->answer);
	t->answer = whole;
}

/* The model has ended, or we ended it; what is to be said below its answer
 * follows, if anything is. */
static void answered(struct turn *t, const char *remark)
{
	bool unread = t->files && attach_unread(t->files);

	if (remark || unread)
		mrkdwn_close(&t->answer);
	if (remark)
		(void)buf_addf(&t->answer, "\n\n%s", remark);
	if (unread)
		attach_remark(t->files, t->job->agent.locale, &t->answer);
	say_asked(t);
	t->answered = true;
	turn_step(t, "answered", NULL);
	turn_set(t, TURN_WRITING);
}

static void answered_in_part(struct turn *t, enum words why)
{
	answered(t, words_get(why, t->job->agent.locale));
}

static void cut(struct turn *t)
{
	llm_cancel(t->llm);
	t->llm = NULL;
	answered_in_part(t, WORDS_CUT_BY_US);
}

/* No more than we show, and no half character at the end. */
static void add_text(struct turn *t, const char *p, size_t n)
{
	size_t room = (size_t)t->conf->answer_max_bytes - t->answer.len;

	if (n > room) {
		t->cut = true;
		n = room;
		while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80)
			n--;
	}
	(void)buf_add(&t->answer, p, n);
}

static void on_text(const char *p, size_t n, void *arg)
{
	struct turn *t = arg;

	if (t->cut)
		return;
	t->said = true;
	if (t->state == TURN_ASKING) {
		t->first_ms = clock_ms() - t->began_ms;
		turn_step(t, "first_text", NULL);
		turn_set(t, TURN_STREAMING);
		if (t->files)
			attach_drop(t->files);
	}
	add_text(t, p, n);
	killpoint("streaming");
	if (t->cut)
		turn_after(t, 0, cut);
	else if (!flow_text(t))
		edit_interim(t);
}

static bool is_blank(const struct buf *b)
{
	return b->len == 0 || strspn(b->data, " \t\r\n") == b->len;
}

static void on_llm_done(const struct llm_result *r, void *arg)
{
	struct turn *t = arg;

	t->llm = NULL;
	t->usage.prompt_tokens = r->usage.prompt_tokens;
	t->usage.completion_tokens = r->usage.completion_tokens;
	t->usage_known = r->usage.known;
	if (r->model)
		(void)snprintf(t->model, sizeof(t->model), "%s", r->model);
	if (r->end == LLM_TOO_LONG && t->answer.len == 0 && read_trim(t))
		return;
	if (t->cut)
		answered_in_part(t, WORDS_CUT_BY_US);
	else if (is_blank(&t->answer) ||
		 (r->end != LLM_DONE && r->end != LLM_LENGTH))
		turn_fail(t, sentence_of(r->end), r->msg);
	else if (r->end == LLM_LENGTH)
		answered_in_part(t, WORDS_CUT_BY_MODEL);
	else
		answered(t, NULL);
}

void turn_ask(struct turn *t, const struct prompt *p)
{
	struct worker *w = t->w;
	const char *model = t->job->agent.model;
	const struct llm_question q = {
		.model = model,
		.tenant = t->job->msg->tenant_id,
		.msgs = p->msgs,
		.nmsgs = p->n,
	};
	struct err e = { 0 };

	killpoint("asking");
	(void)snprintf(t->model, sizeof(t->model), "%s",
		       conf_model(t->conf, model)->name);
	t->llm = llm_ask(w->llm, w->http, w->loop, &q, on_text, on_llm_done, t,
			 &e);
	turn_step(t, "asked", t->model);
	if (!t->llm) {
		turn_fail(t, SENTENCE_ERROR, e.msg);
		return;
	}
	turn_set(t, TURN_ASKING);
	backlog_watch(t);
}

/* What waits for notes that are on their way must not begin any more. */
void turn_stop(struct turn *t)
{
	size_t i;

	for (i = 0; i < t->nnotes; i++)
		t->notes[i].then = NULL;
	slack_cancel(t->call);
	t->call = NULL;
	llm_cancel(t->llm);
	t->llm = NULL;
	t->naming = false;
	files_release(t);
	post_leave(t);
	edit_leave(t);
	eyes_leave(t);
	flow_leave(t);
	turn_stop_timer(t);
}

/* What is in doubt may still arrive; a reply that was never cut has nothing
 * to compare it with. */
static bool may_heal(const struct turn *t, enum slack_fault fault)
{
	return t->state == TURN_WRITING && t->doubt_ms > 0 && t->reply.n > 0 &&
	       fault != SLACK_DEAD;
}

void turn_refused(struct turn *t, const struct slack_result *r)
{
	const struct log_field f[] = {
		{ "entry", t->job->entry.id },
		{ "tenant", t->job->msg->tenant_id },
		{ "app", t->job->connection.app_id },
		{ "channel", t->where },
		{ "error", r->error },
		{ NULL, NULL },
	};

	turn_stop(t);
	turn_step(t, "slack", r->error);
	if (r->fault == SLACK_DEAD) {
		(void)snprintf(t->verdict, sizeof(t->verdict), DEAD_TOKEN);
		t->end_state = ENTRY_DEAD;
		token_refused(t->w, &t->job->connection, r->error);
		log_warn(f, "Slack refuses the bot token");
	} else {
		(void)snprintf(t->verdict, sizeof(t->verdict), "%s:%s",
			       slack_fault_name(r->fault), r->error);
		log_warn(f, "Slack refuses the reply");
	}
	if (r->fault == SLACK_TRANSIENT)
		t->end_state = ENTRY_DEAD;
	t->answered = false;
	t->refused = true;
	turn_set(t, may_heal(t, r->fault) ? TURN_HEALING : TURN_CLOSING);
}

bool turn_busy(const struct turn *t)
{
	if (t->parked)
		return false;
	if (t->noting || (t->posting && t->call))
		return true;
	return t->state == TURN_ASKING || t->state == TURN_STREAMING ||
	       t->state == TURN_WRITING || t->state == TURN_CLEARING ||
	       t->state == TURN_CLOSING;
}

void turn_abandon(struct turn *t)
{
	turn_stop(t);
	if (t->note_timer)
		loop_timer_stop(t->note_timer);
	t->abandoned = true;
	(void)turn_reap(t);
}

enum lease turn_lease(const struct turn *t)
{
	const struct entry *en = &t->job->entry;

	return lease_check(t->w->leases, en->part, en->epoch);
}

/* All are marked first, so that none begins because another has left. */
void turns_lost(struct worker *w)
{
	struct turn *t, *next;

	for (t = w->turns; t; t = t->next) {
		if (t->abandoned || turn_lease(t) != LEASE_LOST)
			continue;
		log_info(LOG_FIELDS({ "entry", t->job->entry.id }),
			 "put down, as another node has it");
		t->abandoned = true;
	}
	for (t = w->turns; t; t = next) {
		next = t->next;
		if (t->abandoned)
			turn_abandon(t);
	}
}

bool turn_reap(struct turn *t)
{
	if (!t->abandoned)
		return false;
	if (!t->noting && !t->reading)
		turn_free(t);
	return true;
}

static void unlink_turn(struct turn *t)
{
	if (!t->link)
		return;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	atomic_fetch_sub(&t->w->count->turns, 1);
}

void turn_free(struct turn *t)
{
	struct worker *w = t->w;
	struct lane_seat *head = lane_leave(w->lanes, &t->seat);

	if (t->conn)
		eyes_leave(t);
	if (t->conn)
		flow_release(t);
	session_leave(t);
	errands_of(t, false);
	unlink_turn(t);
	channel_put(t->channel);
	conn_put(t->conn);
	loop_timer_free(t->timer);
	loop_timer_free(t->note_timer);
	shape_release(&t->post_shape);
	free(t->parts);
	transcript_release(&t->history);
	files_release(t);
	read_forget(t);
	free(t->people);
	free(t->written);
	free(t->covers);
	buf_release(&t->answer);
	reply_release(&t->reply);
	free(t->lines);
	job_free(t->job);
	live_drop(w->live, t->conf);
	free(t);
	if (head)
		turn_go(head->who);
	worker_emptied(w);
}

static void link_turn(struct turn *t)
{
	struct worker *w = t->w;

	t->next = w->turns;
	if (t->next)
		t->next->link = &t->next;
	t->link = &w->turns;
	w->turns = t;
	atomic_fetch_add(&w->count->turns, 1);
}

/* The journaled text is an answer, or a sentence in the place of one. */
static void take_up_verdict(struct turn *t)
{
	const char *verdict = t->job->entry.verdict;

	t->answered = !verdict || strncmp(verdict, FAILED, strlen(FAILED)) != 0;
	if (t->answered)
		return;
	(void)snprintf(t->verdict, sizeof(t->verdict), "%s", verdict);
	if (sentence_of_dead(verdict + strlen(FAILED)))
		t->end_state = ENTRY_DEAD;
}

/* See PART_VOID and PART_CUT. */
static void take_up_marks(struct turn *t)
{
	const struct entry *en = &t->job->entry;
	const char *mark;

	mark = en->nparts > PART_VOID ? en->parts[PART_VOID] : "";
	if (ts_valid(mark)) {
		t->reposted = true;
		(void)snprintf(t->voided, TS_SIZE, "%s", mark);
		if (strcmp(t->parts[0], mark) == 0)
			t->parts[0][0] = '\0';
	}
	if (en->nparts > PART_FLOW)
		flow_take_up(t, en->parts[PART_FLOW]);
	mark = en->nparts > PART_CUT ? en->parts[PART_CUT] : "";
	t->recut = mark[0] != '\0';
	t->cut_at = strtoul(mark, NULL, 10);
	if (t->cut_at >= REPLY_PARTS_MAX)
		t->cut_at = 0;
}

/* What an earlier attempt has left. */
static int take_up(struct turn *t)
{
	const struct entry *en = &t->job->entry;
	size_t n = en->nparts < REPLY_PARTS_MAX ? en->nparts : REPLY_PARTS_MAX;
	size_t i;

	if (post_grow(t, n > 0 ? n : 1) < 0)
		return -1;
	if (t->job->intended) {
		t->doubt_ms = t->began_ms;
		t->stale = true;
	}
	for (i = 0; i < n; i++) {
		if (en->parts[i] && ts_valid(en->parts[i]))
			(void)snprintf(t->parts[i], TS_SIZE, "%s",
				       en->parts[i]);
	}
	take_up_marks(t);
	if (!en->answer)
		return 0;
	t->resumed = true;
	take_up_verdict(t);
	return buf_adds(&t->answer, en->answer);
}

static int set_up(struct turn *t)
{
	struct worker *w = t->w;
	const struct message *m = t->job->msg;
	size_t cap = (size_t)t->conf->answer_max_bytes + REMARK_MAX;

	/* An answer of a run with a larger limit is kept whole. */
	if (t->job->entry.answer)
		cap += strlen(t->job->entry.answer);
	buf_init(&t->answer, cap);
	t->began_ms = clock_ms();
	t->placed_ms = t->first_ms = -1;
	t->end_state = ENTRY_DONE;
	sentence_ref(t->job->entry.id, t->ref);
	if (message_thread_key(m, t->key, sizeof(t->key)) < 0 ||
	    snprintf(t->where, sizeof(t->where), "%s", m->channel.channel_id) >=
		    (int)sizeof(t->where))
		return -1;
	t->timer = loop_timer_create(w->loop, on_timer, t);
	t->conn = conn_get(w, t->job);
	if (!t->timer || !t->conn)
		return -1;
	t->controls = t->conn->controls;
	t->channel = channel_get(t->conn, t->where);
	if (!t->channel || take_up(t) < 0 || gather_name(t) < 0)
		return -1;
	return lane_join(w->lanes, t->key, &t->seat);
}

void turn_start(struct worker *w, struct job *job)
{
	struct turn *t;

	/* The frame has been read, and may be large. */
	free(job->entry.frame);
	job->entry.frame = NULL;
	t = calloc(1, sizeof(*t));
	if (!t) {
		log_error(LOG_FIELDS({ "entry", job->entry.id }),
			  "cannot begin a turn: no memory");
		job_free(job);
		return;
	}
	t->w = w;
	t->conf = live_take(w->live, w->conf);
	t->job = job;
	t->seat.who = t;
	link_turn(t);
	turn_enter(t);
	if (set_up(t) < 0) {
		/* It stays in the journal, for the next start. */
		log_error(LOG_FIELDS({ "entry", job->entry.id }),
			  "cannot begin a turn: no memory");
		turn_free(t);
		return;
	}
	turn_set(t, TURN_WAITING);
}
