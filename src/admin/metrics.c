/* SPDX-License-Identifier: ISC */
#include "admin/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/health.h"
#include "admin/metrics_process.h"
#include "admin/metrics_text.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/live.h"
#include "base/metric.h"
#include "config.h"
#include "link/canaries.h"
#include "link/hub.h"
#include "link/renew.h"
#include "llm/llm.h"
#include "route/ledger.h"
#include "route/router.h"
#include "route/verdict.h"
#include "state/quarantine.h"
#include "store/journal.h"
#include "turn/worker.h"

/* Four budgets of each tenant that has counters of its own. */
#define RATIOS_MAX (4 * METRIC_NAMES)

static void add_loss(const char *name, const uint64_t n[METRIC_COLUMNS],
		     void *arg)
{
	metrics_with(arg, "konstruct_link_losses_total", "reason", name, n[0]);
}

static void add_limited(const char *name, const uint64_t n[METRIC_COLUMNS],
			void *arg)
{
	metrics_with(arg, "konstruct_slack_limited_calls_total", "method", name,
		     n[0]);
}

static void add_links(struct buf *b, struct hub *hub)
{
	struct hub_stats hs = { 0 };
	int i;

	hub_stats(hub, &hs);
	metrics_one(b, "konstruct_apps", "gauge", "Slack apps that are known.",
		    hs.apps);
	metrics_one(b, "konstruct_apps_live", "gauge",
		    "Apps with a live link of this process.", hs.live_apps);
	metrics_one(b, "konstruct_apps_placed", "gauge",
		    "Apps that are to be linked by this process.", hs.placed);
	metrics_head(b, "konstruct_links", "gauge", "Links by state.");
	for (i = 0; i < LINK_STATES; i++)
		metrics_with(b, "konstruct_links", "state",
			     link_state_name((enum link_state)i), hs.links[i]);
	metrics_one(b, "konstruct_link_reconnects_total", "counter",
		    "Links that went live again.", hs.reconnects);
	metrics_head(b, "konstruct_link_losses_total", "counter",
		     "Links and attempts at one that ended, by why.");
	metric_each(METRIC_LOSSES, add_loss, b);
	metrics_one(b, "konstruct_envelopes_total", "counter",
		    "Envelopes from Slack.", hs.envelopes);
	metrics_one(b, "konstruct_acks_total", "counter", "Envelopes acked.",
		    hs.acks);
	metrics_one(b, "konstruct_unacked_total", "counter",
		    "Envelopes left to Slack to deliver again.", hs.unacked);
	metrics_one(b, "konstruct_malformed_total", "counter",
		    "Frames that are no envelopes.",
		    hs.malformed + hs.binary + hs.oversized);
	metrics_one(b, "konstruct_replies_held", "gauge",
		    "Replies that wait for their mention.", hs.held);
}

static void add_journal(struct buf *b, struct journal *j)
{
	struct journal_stats js = { 0 };

	journal_stats(j, &js);
	metrics_one(b, "konstruct_journal_queued", "gauge",
		    "Requests that wait for a commit.", js.queued);
	metrics_one(b, "konstruct_journal_unfinished", "gauge",
		    "Entries without an end.", js.unfinished);
	metrics_one(b, "konstruct_journal_spilled", "gauge",
		    "Entries in the spill, as the database is away.",
		    js.spilled);
	metrics_one(b, "konstruct_journal_failing", "gauge",
		    "1 while the journal can't be written.", js.failing);
	metrics_one(b, "konstruct_journal_commits_total", "counter", "Batches.",
		    js.commits);
	metrics_one(b, "konstruct_journal_rows_total", "counter",
		    "Requests in committed batches.", js.rows);
}

static void add_file(const char *name, const uint64_t n[METRIC_COLUMNS],
		     void *arg)
{
	metrics_with(arg, "konstruct_files_total", "outcome", name, n[0]);
}

static void add_turns(struct buf *b, struct workers *workers)
{
	struct worker_stats ws = { 0 };

	workers_stats(workers, &ws);
	metrics_one(b, "konstruct_turns_in_flight", "gauge",
		    "Answers that are being made.", ws.turns);
	metrics_head(b, "konstruct_turns_total", "counter",
		     "Turns that ended, by outcome.");
	metrics_with(b, "konstruct_turns_total", "outcome", "answered",
		     ws.answers);
	metrics_with(b, "konstruct_turns_total", "outcome", "failed",
		     ws.failures);
	metrics_with(b, "konstruct_turns_total", "outcome", "stopped",
		     ws.stopped);
	metrics_one(b, "konstruct_notices_total", "counter",
		    "Refusals that were told.", ws.notices);
	metrics_one(b, "konstruct_edits_total", "counter", "Edits of answers.",
		    ws.edits);
	metrics_one(b, "konstruct_slack_limited_total", "counter",
		    "Replies of Slack with status 429.", ws.limited);
	metrics_head(b, "konstruct_slack_limited_calls_total", "counter",
		     "Calls that Slack limited, by method.");
	metric_each(METRIC_LIMITED, add_limited, b);
	metrics_one(b, "konstruct_files_held_bytes", "gauge",
		    "Attached files that are held in memory.", ws.file_bytes);
	metrics_head(b, "konstruct_files_total", "counter",
		     "Attached files, read or why not.");
	metric_each(METRIC_FILES, add_file, b);
}

static void add_decision(const char *stage, enum verdict v, uint64_t n,
			 void *arg)
{
	static const char *const keys[] = { "stage", "verdict" };

	metrics_with2(arg, "konstruct_decisions_total", keys, stage,
		      verdict_name(v), n);
}

static void add_busy(const struct llm_view *v, void *arg)
{
	metrics_with(arg, "konstruct_model_busy", "model", v->name,
		     (uint64_t)v->busy);
}

static void add_waiting(const struct llm_view *v, void *arg)
{
	metrics_with(arg, "konstruct_model_waiting", "model", v->name,
		     v->waiting);
}

static void add_failing(const struct llm_view *v, void *arg)
{
	metrics_with(arg, "konstruct_model_failing", "model", v->name,
		     strcmp(v->state, "ok") != 0);
}

static void add_ends(const char *name, const uint64_t n[METRIC_COLUMNS],
		     void *arg)
{
	static const char *const keys[] = { "model", "end" };
	int i;

	_Static_assert(LLM_OFF < METRIC_COLUMNS, "a column for each end");
	for (i = 0; i <= LLM_OFF; i++)
		metrics_with2(arg, "konstruct_model_calls_total", keys, name,
			      llm_end_name((enum llm_end)i), n[i]);
}

static void add_models(struct buf *b, struct llm *llm)
{
	metrics_head(b, "konstruct_model_busy", "gauge", "Calls under way.");
	llm_each(llm, add_busy, b);
	metrics_head(b, "konstruct_model_waiting", "gauge", "Calls that wait.");
	llm_each(llm, add_waiting, b);
	metrics_head(
		b, "konstruct_model_failing", "gauge",
		"1 while a model isn't asked, or only tried, as it keeps failing.");
	llm_each(llm, add_failing, b);
	metrics_head(b, "konstruct_model_calls_total", "counter",
		     "Calls of a model, by how they ended.");
	metric_each(METRIC_MODELS, add_ends, b);
}

static void add_outcomes(const char *name, const uint64_t n[METRIC_COLUMNS],
			 void *arg)
{
	static const char *const keys[] = { "tenant", "outcome" };

	metrics_with2(arg, "konstruct_tenant_turns_total", keys, name,
		      "answered", n[METRIC_ANSWERED]);
	metrics_with2(arg, "konstruct_tenant_turns_total", keys, name, "failed",
		      n[METRIC_FAILED]);
	metrics_with2(arg, "konstruct_tenant_turns_total", keys, name,
		      "stopped", n[METRIC_STOPPED]);
}

static void add_feedback(const char *name, const uint64_t n[METRIC_COLUMNS],
			 void *arg)
{
	static const char *const keys[] = { "tenant", "feedback" };

	metrics_with2(arg, "konstruct_tenant_feedback_total", keys, name, "up",
		      n[METRIC_LIKED]);
	metrics_with2(arg, "konstruct_tenant_feedback_total", keys, name,
		      "down", n[METRIC_DISLIKED]);
}

static void add_tokens(const char *name, const uint64_t n[METRIC_COLUMNS],
		       void *arg)
{
	static const char *const keys[] = { "tenant", "kind" };

	metrics_with2(arg, "konstruct_tenant_tokens_total", keys, name,
		      "prompt", n[METRIC_TOKENS_IN]);
	metrics_with2(arg, "konstruct_tenant_tokens_total", keys, name,
		      "completion", n[METRIC_TOKENS_OUT]);
}

/* In units of the currency. */
static void add_cost(struct buf *b, const char *name, const char *key,
		     const char *s0, uint64_t nano)
{
	(void)buf_adds(b, name);
	metrics_label(b, '{', key, s0);
	(void)buf_addf(b, "} %" PRIu64 ".%09" PRIu64 "\n", nano / 1000000000,
		       nano % 1000000000);
}

static void add_tenant_cost(const char *name, const uint64_t n[METRIC_COLUMNS],
			    void *arg)
{
	add_cost(arg, "konstruct_tenant_cost_total", "tenant", name,
		 n[METRIC_NANO_COST]);
}

static void add_model_cost(const char *name, const uint64_t n[METRIC_COLUMNS],
			   void *arg)
{
	add_cost(arg, "konstruct_cost_total", "model", name,
		 n[METRIC_MODEL_NANO_COST]);
}

static void add_model_tokens(const char *name, const uint64_t n[METRIC_COLUMNS],
			     void *arg)
{
	static const char *const keys[] = { "model", "kind" };

	metrics_with2(arg, "konstruct_tokens_total", keys, name, "prompt",
		      n[METRIC_MODEL_IN]);
	metrics_with2(arg, "konstruct_tokens_total", keys, name, "completion",
		      n[METRIC_MODEL_OUT]);
}

/* Without prices nothing is told of costs. */
static void add_spent(struct buf *b, const struct admin_opts *o)
{
	const struct conf *c = live_take(o->live, o->conf);
	bool priced = c && conf_has_prices(c);

	live_drop(o->live, c);
	metrics_head(b, "konstruct_tokens_total", "counter",
		     "Tokens of a model, as it tells, else estimated.");
	metric_each(METRIC_TOKENS, add_model_tokens, b);
	if (!priced)
		return;
	metrics_head(
		b, "konstruct_cost_total", "counter",
		"Cost of a model's answers, by its prices in the configuration.");
	metric_each(METRIC_TOKENS, add_model_cost, b);
	metrics_head(b, "konstruct_tenant_cost_total", "counter",
		     "Cost of a tenant's answers, of models with prices.");
	metric_each(METRIC_TENANTS, add_tenant_cost, b);
}

static void add_over(const char *name, const uint64_t n[METRIC_COLUMNS],
		     void *arg)
{
	metrics_with(arg, "konstruct_tenant_over_budget_total", "tenant", name,
		     n[METRIC_OVER_BUDGET]);
}

static void add_near(const char *name, const uint64_t n[METRIC_COLUMNS],
		     void *arg)
{
	metrics_with(arg, "konstruct_tenant_budget_warnings_total", "tenant",
		     name, n[METRIC_NEAR_BUDGET]);
}

/* As many as there are tenants with counters, and only those of tenants. */
struct ratios {
	struct buf *out;
	size_t n;
};

static void add_ratio(const struct ledger_view *v, void *arg)
{
	struct ratios *r = arg;

	if (v->who[0] != '\0' || r->n >= RATIOS_MAX)
		return;
	r->n++;
	(void)buf_adds(r->out, "konstruct_tenant_budget_used_ratio");
	metrics_label(r->out, '{', "tenant", v->tenant);
	metrics_label(r->out, ',', "budget", budget_name(v->item));
	(void)buf_addf(r->out, "} %.4f\n", (double)v->used / (double)v->most);
}

static void add_budgets(struct buf *b, struct ledger *l)
{
	struct ratios r = { .out = b };

	metrics_head(b, "konstruct_tenant_over_budget_total", "counter",
		     "Messages refused as a budget was used up.");
	metric_each(METRIC_TENANTS, add_over, b);
	metrics_head(b, "konstruct_tenant_budget_warnings_total", "counter",
		     "Budgets that were nearly used up, once in their period.");
	metric_each(METRIC_TENANTS, add_near, b);
	metrics_head(b, "konstruct_tenant_budget_used_ratio", "gauge",
		     "A tenant's own budget, as last seen by this process.");
	ledger_each(l, clock_wall_ms(), add_ratio, &r);
}

static void add_tenants(struct buf *b)
{
	metrics_head(b, "konstruct_tenant_turns_total", "counter",
		     "Turns of a tenant that ended, by outcome.");
	metric_each(METRIC_TENANTS, add_outcomes, b);
	metrics_head(b, "konstruct_tenant_tokens_total", "counter",
		     "Tokens of a tenant, as the models tell.");
	metric_each(METRIC_TENANTS, add_tokens, b);
	metrics_head(b, "konstruct_tenant_feedback_total", "counter",
		     "What people said of answers, by the buttons below them.");
	metric_each(METRIC_TENANTS, add_feedback, b);
}

static void add_times(struct buf *b)
{
	metrics_time(b, METRIC_ACK, "konstruct_ack_seconds",
		     "From an envelope's arrival to its ack.");
	metrics_time(b, METRIC_COMMIT, "konstruct_journal_commit_seconds",
		     "A batch of the journal.");
	metrics_time(b, METRIC_STORE, "konstruct_store_seconds",
		     "The look-up in the store that each message needs.");
	metrics_time(
		b, METRIC_GATE, "konstruct_state_seconds",
		"The question to the state, Redis or local, of each message.");
	metrics_time(b, METRIC_WAIT, "konstruct_queue_seconds",
		     "From a message's arrival until its turn starts.");
	metrics_time(b, METRIC_PLACEHOLDER, "konstruct_placeholder_seconds",
		     "From the start of a turn until its placeholder stands.");
	metrics_time(
		b, METRIC_FIRST, "konstruct_first_token_seconds",
		"From the start of a turn until the model says something.");
	metrics_time(b, METRIC_ANSWER, "konstruct_answer_seconds",
		     "From the start of a turn until all is written.");
}

static void count_quarantined(const struct quarantine_view *v, void *arg)
{
	uint64_t *n = arg;

	(void)v;
	++*n;
}

static void add_quarantined(struct buf *b, struct quarantine *q)
{
	uint64_t n = 0;

	quarantine_each(q, count_quarantined, &n);
	metrics_one(b, "konstruct_quarantined", "gauge",
		    "Connections whose token Slack refuses.", n);
}

/* When a token is due is a time, so that it is there while it isn't. */
static void add_renewals(struct buf *b, struct renewer *r)
{
	struct renew_stats rs;

	renew_stats(r, &rs);
	metrics_head(b, "konstruct_token_renewals_total", "counter",
		     "Tries of this process to renew a bot token, by outcome.");
	metrics_with(b, "konstruct_token_renewals_total", "outcome", "renewed",
		     rs.renewed);
	metrics_with(b, "konstruct_token_renewals_total", "outcome", "failed",
		     rs.failed);
	metrics_with(b, "konstruct_token_renewals_total", "outcome", "refused",
		     rs.refused);
	if (!rs.known)
		rs.n = 0;
	metrics_one(b, "konstruct_tokens_expiring", "gauge",
		    "Bot tokens that expire and are renewed, of all nodes.",
		    (uint64_t)rs.n);
	metrics_head(b, "konstruct_token_renewal_due_timestamp_seconds",
		     "gauge",
		     "When the first bot token is to be renewed; 0: at once.");
	if (rs.n > 0)
		(void)buf_addf(b,
			       "konstruct_token_renewal_due_timestamp_seconds"
			       " %" PRId64 "\n",
			       rs.renew_ms / 1000);
	metrics_head(b, "konstruct_token_expiry_timestamp_seconds", "gauge",
		     "When the first bot token expires.");
	if (rs.n > 0 && rs.expires_ms > 0)
		(void)buf_addf(b,
			       "konstruct_token_expiry_timestamp_seconds"
			       " %" PRId64 "\n",
			       rs.expires_ms / 1000);
}

/* As many as there are tenants with counters. */
struct canary_rows {
	struct buf *out;
	size_t n;
};

static void add_heard(const struct canary_view *v, void *arg)
{
	static const char name[] =
		"konstruct_canary_last_success_timestamp_seconds";
	struct canary_rows *r = arg;

	if (r->n++ < METRIC_NAMES && v->heard_ms > 0)
		metrics_with(r->out, name, "tenant", v->tenant,
			     (uint64_t)v->heard_ms / 1000);
}

static void add_missed(const struct canary_view *v, void *arg)
{
	struct canary_rows *r = arg;

	if (r->n++ < METRIC_NAMES)
		metrics_with(r->out, "konstruct_canary_missed", "tenant",
			     v->tenant, (uint64_t)v->missed);
}

static void add_canaries(struct buf *b, struct canaries *k)
{
	struct canary_rows r = { .out = b };
	size_t n[CANARY_STATES];
	int i;

	canaries_count(k, n);
	metrics_head(b, "konstruct_canaries", "gauge",
		     "Canaries of all nodes, by state.");
	for (i = 0; i < CANARY_STATES; i++)
		metrics_with(b, "konstruct_canaries", "state",
			     canary_state_name((enum canary_state)i), n[i]);
	metrics_head(b, "konstruct_canary_last_success_timestamp_seconds",
		     "gauge", "When a tenant's canary came back last.");
	canaries_each(k, add_heard, &r);
	r.n = 0;
	metrics_head(b, "konstruct_canary_missed", "gauge",
		     "A tenant's canaries that didn't come back, in a row.");
	canaries_each(k, add_missed, &r);
	metrics_time(b, METRIC_CANARY, "konstruct_canary_seconds",
		     "From a canary's edit until its event came here.");
}

static void add_well(struct buf *b, const struct admin_opts *o)
{
	struct health_beat beats[HEALTH_BEATS];
	struct journal_stats js = { 0 };
	size_t n = health_beats(o, beats);

	if (o->journal)
		journal_stats(o->journal, &js);
	metrics_one(b, "konstruct_healthy", "gauge", "1 while /health says so.",
		    health_well(beats, n, &js, o->gate, NULL, 0) &&
			    health_leases(o->cluster, NULL, 0));
}

int metrics_page(const struct admin_opts *o, int64_t started_ms,
		 struct buf *out)
{
	metrics_head(out, "konstruct_build_info", "gauge", "Always 1.");
	metrics_with(out, "konstruct_build_info", "version", PACKAGE_VERSION,
		     1);
	metrics_one(out, "konstruct_uptime_seconds", "gauge",
		    "Since the start.",
		    (uint64_t)(clock_ms() - started_ms) / 1000);
	add_well(out, o);
	if (o->settings_ok)
		metrics_one(
			out, "konstruct_settings_ok", "gauge",
			"0 when the last reload found a mistake in the settings.",
			o->settings_ok(o->arg));
	if (o->hub)
		add_links(out, o->hub);
	if (o->journal)
		add_journal(out, o->journal);
	if (o->router)
		metrics_one(out, "konstruct_routing", "gauge",
			    "Messages that wait for a router.",
			    router_depth(o->router));
	metrics_head(out, "konstruct_decisions_total", "counter",
		     "Decisions, by stage and verdict.");
	verdict_each(add_decision, out);
	if (o->workers)
		add_turns(out, o->workers);
	if (o->llm)
		add_models(out, o->llm);
	if (o->quarantine)
		add_quarantined(out, o->quarantine);
	if (o->renewer)
		add_renewals(out, o->renewer);
	if (o->canaries)
		add_canaries(out, o->canaries);
	add_times(out);
	add_tenants(out);
	add_spent(out, o);
	add_budgets(out, o->ledger);
	metrics_process(out);
	return 200;
}
