/* SPDX-License-Identifier: ISC */
#include "store/postgres_journal.h"
#include "store/uninstall.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/backend.h"

static struct postgres_journal *of(struct journal_db *db)
{
	return (struct postgres_journal *)db;
}

static void postgres_journal_close(struct journal_db *db)
{
	if (!db)
		return;
	store_postgres.close(&of(db)->s->base);
	free(of(db)->sent);
	free(of(db)->ids);
	free(db);
}

static struct journal_db *postgres_journal_open(const char *url,
						const struct keyring *k,
						const struct journal_node *node,
						struct err *e)
{
	struct postgres_journal *p = calloc(1, sizeof(*p));

	if (!p) {
		err_set(e, ERR_RETRY, "cannot open journal: no memory");
		return NULL;
	}
	p->base.ops = &journal_postgres;
	p->s = postgres_open_as(url, k, POSTGRES_WRITE, node ? node->id : NULL,
				e);
	if (!p->s) {
		free(p);
		return NULL;
	}
	return &p->base;
}

static bool several(const struct postgres_journal *p)
{
	return p->s->node[0] != '\0';
}

/* What an earlier batch left in doubt. */
static int forget(struct postgres_journal *p, struct err *e)
{
	enum postgres_query q = several(p) ? PQ_WORK_LET_GO : PQ_FORGET;
	const char *params[] = { NULL, p->s->node };
	size_t i;

	for (i = 0; p->doubt && i < p->nids; i++) {
		params[0] = p->ids[i];
		if (postgres_batch_send(p, q, params, NULL, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static int postgres_journal_begin(struct journal_db *db, struct err *e)
{
	struct postgres_journal *p = of(db);

	if (postgres_batch_begin(p, e) == 0 && forget(p, e) == 0) {
		p->request = 0;
		p->tenant[0] = '\0';
		p->claims = false;
		return 0;
	}
	postgres_batch_abandon(p);
	return -1;
}

/* What is claimed must be known before it is ours, for a commit in doubt. */
static int hear_claims(struct postgres_journal *p, size_t *bad, struct err *e)
{
	if (!p->claims)
		return 0;
	if (postgres_batch_sync(p, bad, e) < 0)
		return -1;
	return postgres_batch_resume(p, e);
}

static int postgres_journal_commit(struct journal_db *db, size_t *bad,
				   struct err *e)
{
	struct postgres_journal *p = of(db);

	if (hear_claims(p, bad, e) < 0)
		return -1;
	p->request = SIZE_MAX; /* nobody's */
	if (postgres_batch_send(p, PQ_COMMIT, NULL, NULL, NULL, e) < 0 ||
	    postgres_batch_sync(p, bad, e) < 0) {
		if (e->kind != ERR_INPUT)
			p->doubt = true;
		return -1;
	}
	p->s->in_batch = false;
	p->nids = 0;
	p->doubt = false;
	return 0;
}

static void postgres_journal_rollback(struct journal_db *db)
{
	struct postgres_journal *p = of(db);

	postgres_batch_abandon(p);
	if (!p->doubt)
		p->nids = 0;
}

int postgres_batch_keep(struct postgres_journal *p, const char *id,
			struct err *e)
{
	char(*bigger)[ID_SIZE];
	size_t size;

	if (p->nids == p->ids_size) {
		size = p->ids_size ? p->ids_size * 2 : 64;
		bigger = reallocarray(p->ids, size, sizeof(*bigger));
		if (!bigger)
			return err_set(e, ERR_RETRY,
				       "cannot append: no memory");
		p->ids = bigger;
		p->ids_size = size;
	}
	(void)snprintf(p->ids[p->nids++], ID_SIZE, "%s", id);
	return 0;
}

static int send_append(struct postgres_journal *p, struct journal_req *r,
		       struct err *e)
{
	const struct postgres_sent alone = { .duplicate = &r->duplicate };
	const struct postgres_sent one = { .placed = r };
	const struct entry *en = r->entry;
	char received[POSTGRES_NUMBER], held[POSTGRES_NUMBER];
	const char *const params[] = {
		en->id,
		en->app_id,
		en->event_id,
		postgres_number(received, en->received_ms),
		postgres_number(held, en->epoch),
		r->news,
	};

	if (several(p))
		return postgres_batch_send(p, PQ_WORK_APPEND, params, en, &one,
					   e);
	return postgres_batch_send(p, PQ_APPEND, params, en, &alone, e);
}

static int postgres_journal_append(struct journal_db *db, struct journal_req *r,
				   struct err *e)
{
	struct postgres_journal *p = of(db);

	if (postgres_batch_keep(p, r->entry->id, e) < 0 ||
	    send_append(p, r, e) < 0)
		return -1;
	p->request++;
	return 0;
}

/* As r has it, but for n. */
static int send_note(struct postgres_journal *p, struct journal_req *r,
		     const struct note *n, struct err *e)
{
	const struct postgres_sent kept = { .lost = &r->lost };
	char part[POSTGRES_NUMBER], at[POSTGRES_NUMBER], held[POSTGRES_NUMBER];
	const char *const params[] = {
		r->entry_id,
		n->state == ENTRY_NEW ? NULL : entry_state_name(n->state),
		n->verdict,
		n->claim,
		n->tenant_id,
		postgres_number(part, n->part),
		n->part_ts,
		n->answer,
		n->engaged,
		postgres_number(at, n->engaged_ms),
		n->steps,
		n->post,
		postgres_number(held, r->epoch),
	};

	assert(n->part >= 0 && n->part < PARTS_MAX);
	if (several(p))
		return postgres_batch_send(p, PQ_WORK_NOTE, params, NULL, &kept,
					   e);
	return postgres_batch_send(p, PQ_NOTE, params, NULL, NULL, e);
}

static int send_covers(struct postgres_journal *p, struct journal_req *r,
		       struct err *e)
{
	const struct postgres_sent kept = { .lost = &r->lost };
	char at[POSTGRES_NUMBER], held[POSTGRES_NUMBER];
	const char *const params[] = {
		r->entry_id,
		r->note.covers,
		postgres_number(at, r->note.covers_ms),
		postgres_number(held, r->epoch),
	};

	return postgres_batch_send(p, several(p) ? PQ_WORK_COVER : PQ_COVER,
				   params, NULL, &kept, e);
}

static int postgres_journal_note(struct journal_db *db, struct journal_req *r,
				 struct err *e)
{
	if (send_note(of(db), r, &r->note, e) < 0)
		return -1;
	if (r->note.covers && send_covers(of(db), r, e) < 0)
		return -1;
	of(db)->request++;
	return 0;
}

static int set_tenant(struct postgres_journal *p, const char *id, struct err *e)
{
	if (strcmp(p->tenant, id) == 0)
		return 0;
	(void)snprintf(p->tenant, sizeof(p->tenant), "%s", id);
	return postgres_batch_send(p, PQ_TENANT, &id, NULL, NULL, e);
}

static int add_line(struct postgres_journal *p, const struct journal_req *r,
		    const struct line_new *l, struct err *e)
{
	char held[POSTGRES_NUMBER], edited[POSTGRES_NUMBER];
	const char *const params[] = {
		l->tenant_id,
		l->channel,
		l->thread,
		l->line.ts,
		l->line.ours ? "t" : "f",
		l->line.user_id,
		l->line.name,
		l->line.text ? l->line.text : "",
		l->agent_id,
		postgres_number(edited, l->line.edited_ms),
		r->entry_id,
		postgres_number(held, r->epoch),
	};

	if (set_tenant(p, l->tenant_id, e) < 0)
		return -1;
	return postgres_batch_send(p, several(p) ? PQ_WORK_LINE : PQ_DONE_LINE,
				   params, NULL, NULL, e);
}

/* Of channel and person. */
static int add_usage_by(struct postgres_journal *p, const struct journal_req *r,
			int64_t now_ms, struct err *e)
{
	char now[POSTGRES_NUMBER], in[POSTGRES_NUMBER], out[POSTGRES_NUMBER];
	char held[POSTGRES_NUMBER];
	const struct usage_new *u = r->usage;
	const char *const params[] = {
		u->tenant_id,
		postgres_number(now, now_ms),
		u->model ? u->model : "",
		postgres_number(in, u->prompt_tokens),
		postgres_number(out, u->completion_tokens),
		u->channel ? u->channel : "",
		u->user ? u->user : "",
		r->entry_id,
		postgres_number(held, r->epoch),
	};

	return postgres_batch_send(
		p, several(p) ? PQ_WORK_USAGE_BY : PQ_DONE_USAGE_BY, params,
		NULL, NULL, e);
}

static int add_usage(struct postgres_journal *p, const struct journal_req *r,
		     int64_t now_ms, struct err *e)
{
	char now[POSTGRES_NUMBER], in[POSTGRES_NUMBER], out[POSTGRES_NUMBER];
	char held[POSTGRES_NUMBER];
	const struct usage_new *u = r->usage;
	const char *const params[] = {
		u->tenant_id,
		postgres_number(now, now_ms),
		u->model ? u->model : "",
		postgres_number(in, u->prompt_tokens),
		postgres_number(out, u->completion_tokens),
		r->entry_id,
		postgres_number(held, r->epoch),
	};

	if (set_tenant(p, u->tenant_id, e) < 0)
		return -1;
	if (postgres_batch_send(p, several(p) ? PQ_WORK_USAGE : PQ_DONE_USAGE,
				params, NULL, NULL, e) < 0)
		return -1;
	return add_usage_by(p, r, now_ms, e);
}

static int add_home(struct postgres_journal *p, const struct home_new *h,
		    int64_t now_ms, struct err *e)
{
	char now[POSTGRES_NUMBER];
	const char *const params[] = {
		h->tenant_id,
		h->app_id,
		h->workspace_id,
		postgres_number(now, now_ms),
		h->channel ? h->channel : "",
		h->user ? h->user : "",
	};

	if (set_tenant(p, h->tenant_id, e) < 0)
		return -1;
	return postgres_batch_send(p, several(p) ? PQ_WORK_HOME : PQ_HOME,
				   params, NULL, NULL, e);
}

/* What a turn adds, as its tenant; then nobody is. */
static int add_record(struct postgres_journal *p, const struct journal_req *r,
		      int64_t now_ms, struct err *e)
{
	size_t i;

	for (i = 0; i < r->nlines; i++) {
		if (add_line(p, r, &r->lines[i], e) < 0)
			return -1;
	}
	if (r->home && add_home(p, r->home, now_ms, e) < 0)
		return -1;
	if (r->usage && add_usage(p, r, now_ms, e) < 0)
		return -1;
	return r->usage || r->home || r->nlines > 0 ? set_tenant(p, "", e) : 0;
}

static int postgres_journal_done(struct journal_db *db, struct journal_req *r,
				 int64_t now_ms, size_t *finished,
				 struct err *e)
{
	struct postgres_journal *p = of(db);
	const struct postgres_sent kept = {
		.finished = finished,
		.expected = r->doubt ? r->ncovered + 1 : 0,
	};
	struct note n = r->note;
	char now[POSTGRES_NUMBER], held[POSTGRES_NUMBER];
	const char *const params[] = { r->entry_id,
				       postgres_number(now, now_ms),
				       n.state == ENTRY_DEAD ? "t" : "f",
				       postgres_number(held, r->epoch) };

	if (n.state == ENTRY_NEW)
		n.state = ENTRY_DONE;
	if (send_note(p, r, &n, e) < 0 || add_record(p, r, now_ms, e) < 0 ||
	    postgres_batch_send(p, several(p) ? PQ_WORK_DONE : PQ_DONE, params,
				NULL, &kept, e) < 0)
		return -1;
	p->request++;
	return 0;
}

/* A savepoint around it; 1 or 0 as write has it, -1: the batch is lost. */
static int write_one(struct postgres *s, const struct journal_req *r,
		     struct err *e)
{
	const char *nobody = "";
	struct err second = { 0 };
	int rc;

	if (postgres_do(s, PQ_SAVEPOINT, NULL, NULL, e) < 0)
		return -1;
	rc = r->write(&s->base, r->arg, e);
	if (rc < 0 && postgres_do(s, PQ_ROLLBACK_TO, NULL, NULL, &second) < 0)
		return -1;
	if (postgres_do(s, PQ_RELEASE, NULL, NULL, rc < 0 ? &second : e) < 0 ||
	    postgres_do(s, PQ_TENANT, NULL, &nobody, rc < 0 ? &second : e) < 0)
		return -1;
	return rc < 0 ? 0 : 1;
}

static int postgres_journal_write(struct journal_db *db,
				  const struct journal_req *r, struct err *e)
{
	struct postgres_journal *p = of(db);
	int rc;

	if (postgres_batch_pause(p, e) < 0)
		return -1;
	rc = write_one(p->s, r, e);
	if (rc < 0 || postgres_batch_resume(p, e) < 0)
		return -1;
	p->request++;
	return rc;
}

static int expire_before(struct postgres *s, enum postgres_query q,
			 int64_t before, int max, struct err *e)
{
	char at[POSTGRES_NUMBER], most[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(at, before),
				       postgres_number(most, max) };
	PGresult *r = postgres_run(s, q, NULL, params, e);
	int n = r ? (int)postgres_int(r, 0, 0) : -1;

	PQclear(r);
	return n;
}

static int postgres_journal_expire(struct journal_db *db, int64_t now_ms,
				   int64_t kept_ms, int max, struct err *e)
{
	struct postgres *s = of(db)->s;
	const struct {
		enum postgres_query q;
		int64_t kept_ms;
	} rows[] = {
		{ PQ_EXPIRE_JOURNAL, kept_ms },
		{ PQ_EXPIRE_ENGAGED, ENGAGED_KEPT_MS },
		{ PQ_EXPIRE_LEAVING, LEAVING_KEPT_MS },
	};
	int sum = 0;
	size_t i;
	int n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && sum < max; i++) {
		n = expire_before(s, rows[i].q, now_ms - rows[i].kept_ms,
				  max - sum, e);
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

static void postgres_journal_rest(struct journal_db *db, bool idle)
{
	(void)idle;
	postgres_audit_bind(of(db));
}

static struct store *postgres_journal_store(struct journal_db *db)
{
	return &of(db)->s->base;
}

const struct journal_ops journal_postgres = {
	.name = "postgresql",
	.remote = true,
	.open = postgres_journal_open,
	.close = postgres_journal_close,
	.begin = postgres_journal_begin,
	.commit = postgres_journal_commit,
	.rollback = postgres_journal_rollback,
	.append = postgres_journal_append,
	.note = postgres_journal_note,
	.done = postgres_journal_done,
	.audit = postgres_journal_audit,
	.claim = postgres_journal_claim,
	.write = postgres_journal_write,
	.count = postgres_journal_count,
	.unfinished = postgres_journal_unfinished,
	.entry = postgres_journal_entry,
	.expire = postgres_journal_expire,
	.erase = postgres_journal_erase,
	.store = postgres_journal_store,
	.rest = postgres_journal_rest,
};
