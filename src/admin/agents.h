/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_AGENTS_H
#define ADMIN_AGENTS_H

struct api_call;
struct err;
struct jwrite;
struct store;

/*
 * The commands of admin/api.h about a tenant's agents: c->tenant, c->of_tenant
 * (an agent's id; "": the default one) and c->agent say what is wanted, the
 * answer goes to c->out.
 */
int agents_list(struct api_call *c, struct store *s, struct err *e);
int agents_add(struct api_call *c, struct store *s, struct err *e);
int agents_show(struct api_call *c, struct store *s, struct err *e);
int agents_set(struct api_call *c, struct store *s, struct err *e);
int agents_remove(struct api_call *c, struct store *s, struct err *e);

/* As members of a tenant: "agent", the default one, and "agents", all. */
int agents_write(struct jwrite *w, struct store *s, const char *tenant_id,
		 struct err *e);
/* "agents", as admin/apply.h reads them: without their ids. */
int agents_export(struct jwrite *w, struct store *s, const char *tenant_id,
		  struct err *e);
/* "agent", the name of the default one or null, and "agents", how many. */
int agents_write_names(struct jwrite *w, struct store *s, const char *tenant_id,
		       struct err *e);

#endif
