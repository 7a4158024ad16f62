/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_OWN_H
#define ADMIN_OWN_H

struct admin;
struct route;
struct web_request;
struct web_view;

/* Answers what the daemon knows without the store: pages, its settings, the
 * levels of its log. Admin thread; leads to one web_reply(). */
void own_serve(struct admin *a, const struct route *rt, struct web_request *r,
	       const struct web_view *v);

#endif
