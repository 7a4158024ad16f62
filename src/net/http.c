/* SPDX-License-Identifier: ISC */
#include "net/http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <uv.h>

#include "base/conf.h"
#include "base/err.h"
#include "net/call.h"
#include "net/loop.h"
#include "net/mux.h"
#include "net/origin.h"
#include "net/way.h"

/* libcurl looks through all connections for one that is free, so few of them
 * that are busy are faster than many. */
#define AT_ONCE          32
#define CONNECTIONS_KEPT 4096
#define SPARE_MAX        64 /* calls kept for reuse */

struct http {
	struct mux *mux;
	CURLSH *share; /* TLS sessions: easy handles keep their own else */
	struct way_box *way;
	struct way_box *own_way; /* made by us */
	struct origin *origins;
	unsigned int at_once;
	bool closing;
	struct http_call *active;
	struct http_call *later; /* what mux_inside() put off, oldest first */
	struct http_call **later_tail;
	struct http_call *spare;
	size_t nspare;
	uv_loop_t *uv;
};

static void begin(struct http_call *c);

/* Its easy handle isn't added any more. */
static void recycle(struct http_call *c)
{
	struct http *h = c->http;
	struct origin *o = origin_leave(c);
	struct http_call *next;

	while (o && !h->closing && (next = origin_next(o)) != NULL)
		begin(next);
	uv_timer_stop(&c->timer);
	call_clear(c);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	if (h->nspare >= SPARE_MAX) {
		call_free(c);
		return;
	}
	c->next = h->spare;
	h->spare = c;
	h->nspare++;
}

static void finish(struct http_call *c, CURLcode rc)
{
	struct http_result r;
	long version = 0;

	suspect_resume(&c->who);
	call_result(c, rc, &r);
	curl_easy_getinfo(c->easy, CURLINFO_HTTP_VERSION, &version);
	if (version == CURL_HTTP_VERSION_2_0)
		origin_shares(c);
	if (c->added)
		curl_multi_remove_handle(mux_multi(c->http->mux), c->easy);
	uv_timer_stop(&c->timer);
	c->on_done(&r, c->arg);
	suspect_leave();
	recycle(c);
}

static void on_ended(CURL *easy, CURLcode rc, void *arg)
{
	void *c;

	(void)arg;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
	finish(c, rc);
}

static void put_off(struct http_call *c)
{
	if (c->put_off)
		return;
	c->put_off = true;
	c->later = NULL;
	*c->http->later_tail = c;
	c->http->later_tail = &c->later;
}

static void remove_call(struct http_call *c)
{
	if (c->added)
		curl_multi_remove_handle(mux_multi(c->http->mux), c->easy);
	recycle(c);
}

static int add_call(struct http_call *c)
{
	if (curl_multi_add_handle(mux_multi(c->http->mux), c->easy) != CURLM_OK)
		return -1;
	c->added = true;
	return 0;
}

static void on_failed(uv_timer_t *t)
{
	finish(t->data, CURLE_OUT_OF_MEMORY);
}

static void on_rested(void *arg)
{
	struct http *h = arg;
	struct http_call *c;

	while (h->later) {
		c = h->later;
		h->later = c->later;
		if (!h->later)
			h->later_tail = &h->later;
		c->put_off = false;
		if (c->cancelled)
			remove_call(c);
		else if (add_call(c) < 0)
			uv_timer_start(&c->timer, on_failed, 0, 0);
	}
}

static const struct mux_ops mux_ops = { on_rested, on_ended };

/* When to end the call if nothing comes before; UINT64_MAX: never. */
static uint64_t deadline(const struct http_call *c, const char **why)
{
	uint64_t at = UINT64_MAX;
	uint64_t t = UINT64_MAX;

	if (c->total_ms > 0) {
		at = c->started + c->total_ms;
		*why = "not finished in time";
	}
	if (c->got == 0 && c->first_byte_ms > 0)
		t = c->started + c->first_byte_ms;
	else if (c->got > 0 && c->idle_ms > 0)
		t = c->heard + c->idle_ms;
	if (t < at) {
		at = t;
		*why = c->got == 0 ? "no answer in time"
				   : "the answer stopped coming";
	}
	return at;
}

/* Bytes that came since the timer was set have moved the deadline. */
static void on_deadline(uv_timer_t *t)
{
	struct http_call *c = t->data;
	uint64_t now = uv_now(t->loop);
	const char *why = NULL;
	uint64_t at;

	at = deadline(c, &why);
	if (at > now) {
		uv_timer_start(t, on_deadline, at - now, 0);
		return;
	}
	c->fail = why;
	c->timeout = true;
	finish(c, CURLE_OPERATION_TIMEDOUT);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* Too early is harmless, and spares setting it again for each byte. */
static void arm(struct http_call *c)
{
	unsigned int first = least(c->first_byte_ms, c->idle_ms);
	unsigned int ms = least(first, c->total_ms);

	if (ms > 0)
		uv_timer_start(&c->timer, on_deadline, ms, 0);
}

static struct http_call *take_call(struct http *h)
{
	struct http_call *c = h->spare;

	if (c) {
		h->spare = c->next;
		h->nspare--;
	} else {
		c = call_create(h, h->uv, h->share);
		if (!c)
			return NULL;
	}
	c->next = h->active;
	c->link = &h->active;
	if (c->next)
		c->next->link = &c->next;
	h->active = c;
	return c;
}

/* Its turn has come: from now on its deadlines run. */
static void begin(struct http_call *c)
{
	uv_update_time(c->http->uv);
	c->started = uv_now(c->http->uv);
	arm(c);
	put_off(c);
	if (!mux_inside(c->http->mux))
		on_rested(c->http);
}

static int set(struct http_call *c, const struct http_request *r)
{
	struct way_box *box = c->http->way;
	const struct way *w;
	int rc;

	if (r->way)
		return call_set(c, r, r->way);
	w = way_box_take(box);
	rc = call_set(c, r, w);
	way_box_drop(box, w);
	return rc;
}

struct http_call *http_start(struct http *h, const struct http_request *r,
			     struct err *e)
{
	struct http_call *c;
	int rc;

	c = take_call(h);
	if (!c) {
		err_set(e, ERR_RETRY, "cannot start request: no memory");
		return NULL;
	}
	rc = set(c, r);
	if (rc == 0)
		rc = origin_join(&h->origins, r->url,
				 r->at_once > 0 ? r->at_once : h->at_once, c);
	if (rc < 0) {
		err_set(e, ERR_RETRY, "cannot start request: no memory");
		recycle(c);
		return NULL;
	}
	if (rc > 0)
		begin(c);
	return c;
}

void http_cancel(struct http_call *c)
{
	if (!c)
		return;
	c->cancelled = true;
	if (mux_inside(c->http->mux))
		put_off(c);
	if (!c->put_off)
		remove_call(c);
}

static CURLSH *make_share(void)
{
	CURLSH *s = curl_share_init();

	if (s)
		curl_share_setopt(s, CURLSHOPT_SHARE,
				  CURL_LOCK_DATA_SSL_SESSION);
	return s;
}

static int make_way(struct http *h, const struct http_opts *o, struct err *e)
{
	static const struct conf_way nothing;
	struct way *w;

	h->way = o->box;
	if (h->way)
		return 0;
	w = way_create(o->way ? o->way : &nothing, e);
	if (!w)
		return -1;
	h->own_way = way_box_create(w, e);
	h->way = h->own_way;
	if (h->way)
		return 0;
	way_free(w);
	return -1;
}

struct http *http_create(struct loop *l, const struct http_opts *o,
			 struct err *e)
{
	struct http *h;

	h = calloc(1, sizeof(*h));
	if (!h)
		goto fail;
	h->uv = loop_uv(l);
	h->at_once = o->at_once > 0 ? o->at_once : AT_ONCE;
	h->later_tail = &h->later;
	h->share = make_share();
	if (!h->share)
		goto fail;
	if (make_way(h, o, e) < 0) {
		http_free(h);
		return NULL;
	}
	h->mux = mux_create(h->uv, &mux_ops, h, e);
	if (!h->mux) {
		http_free(h);
		return NULL;
	}
	curl_multi_setopt(mux_multi(h->mux), CURLMOPT_MAXCONNECTS,
			  (long)CONNECTIONS_KEPT);
	return h;
fail:
	http_free(h);
	err_set(e, ERR_RETRY, "cannot make HTTP client: no memory");
	return NULL;
}

void http_free(struct http *h)
{
	struct http_call *c;

	if (!h)
		return;
	h->closing = true;
	while (h->active)
		remove_call(h->active);
	while (h->spare) {
		c = h->spare;
		h->spare = c->next;
		call_free(c);
	}
	mux_free(h->mux);
	curl_share_cleanup(h->share);
	origin_free_all(h->origins);
	way_box_free(h->own_way);
	free(h);
}
