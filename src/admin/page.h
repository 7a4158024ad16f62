/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_PAGE_H
#define ADMIN_PAGE_H

#include <stdbool.h>
#include <stdint.h>

struct admin_opts;
struct err;
struct web_request;
struct web_view;

/*
 * The status page of the loopback port: one HTML file (page.html) without
 * anything from elsewhere, and what it shows as JSON. For reading, without a
 * secret: no token, no text of anybody's. Admin thread.
 */
struct page;

/* o is borrowed; its loop doesn't run yet. */
struct page *page_create(const struct admin_opts *o, int64_t started_ms,
			 struct err *e);
void page_free(struct page *p); /* after the loop stopped; NULL is allowed */

/*
 * Answers a request of the TCP listener: / is the HTML, with a
 * Content-Security-Policy that lets its own script and style run and nothing
 * else; /page.json is what GET /v1/top begins with, then
 *
 *   "now_ms", "hour": see hour.h, "tenants": see roster.h,
 *   "errors": [{"level": "warn", "at_ms", "times": 2, "msg", "where"}]
 */
void page_serve(struct page *p, struct web_request *r,
		const struct web_view *v);

/*
 * Is this the Host of who means us by an address, or as localhost? Whoever has
 * a name of their own lead here could let a browser read what it is shown (DNS
 * rebinding). host may have a port.
 */
bool page_host_ok(const char *host);

#endif
