/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H

struct admin;
struct web_request;
struct web_view;

/*
 * Runs a command of admin/api.h for a request: reads at once; of what writes
 * Slack is asked first where ids are missing, then the journal's thread runs
 * it, and the answer waits for the commit. Admin thread.
 */
void command_serve(struct admin *a, struct web_request *r,
		   const struct web_view *v);

/* After the loop stopped: those that wait for Slack, then, when the journal
 * has given back what it had, all. Clients that are still there are told. */
void command_abandon_asking(struct admin *a);
void command_abandon_all(struct admin *a);

#endif
