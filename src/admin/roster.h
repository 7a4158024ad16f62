/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ROSTER_H
#define ADMIN_ROSTER_H

struct admin_opts;
struct jwrite;

/*
 * The tenants as the status page shows them, by name, with their links of this
 * process and what became of their turns. The store is read again only when
 * what is known of it is some seconds old, and not while it is away. Admin
 * thread.
 */
struct roster;

struct roster *roster_create(void); /* NULL: no memory */
void roster_free(struct roster *r); /* NULL is allowed */

/*
 *   "tenants": [{"name": "acme", "silent": null, "links": 1, "live": 1,
 *	"answers": 7, "failures": 0, "stopped": 1}],
 *   "tenants_left_out": 0
 *
 * Those with turns come first if not all find room.
 */
void roster_write(struct roster *r, const struct admin_opts *o,
		  struct jwrite *w);

#endif
