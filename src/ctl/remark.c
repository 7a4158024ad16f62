/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/here.h"
#include "store/store.h"

#define ANSWER_MAX ((size_t)64 * 1024)

/* Opening it to write would bring it up to date, which isn't our business. */
static int check_store(const struct conf *conf, struct err *e)
{
	const struct store_ops *ops = store_find(conf->store_url, e);
	struct store *s = NULL;

	if (ops)
		s = ops->open(conf->store_url, NULL, false, e);
	if (s)
		ops->close(s);
	return s ? 0 : -1;
}

static int send(struct ctl *c, const struct buf *body, struct err *e)
{
	struct buf out;
	int status;

	buf_init(&out, ANSWER_MAX);
	status = ctl_request(c, "POST", "/v1/remarks", body->data, body->len,
			     &out, e);
	buf_release(&out);
	if (status >= 400)
		return err_set(e, ERR_INPUT, "the daemon refused it");
	return status < 0 ? -1 : 0;
}

static int send_offline(const struct conf *conf, const struct buf *body,
			struct err *e)
{
	struct ctl c = { 0 };
	int rc = -1;

	log_set_level(LOG_LEVEL_WARN);
	if (here_become_daemon(conf, e) == 0 && check_store(conf, e) == 0)
		c.offline = offline_open(conf, e);
	if (c.offline)
		rc = send(&c, body, e);
	offline_close(c.offline);
	return rc;
}

void remark(struct ctl *c, const struct conf *conf, const char *command,
	    const char *about)
{
	struct err e = { 0 };
	struct buf body;
	struct jwrite w;
	int rc;

	buf_init(&body, ANSWER_MAX);
	jw_init(&w, &body);
	jw_object(&w, NULL);
	jw_str(&w, "command", command);
	jw_str(&w, "about", about);
	jw_object_end(&w);
	rc = send(c, &body, &e);
	if (rc < 0 && e.kind == ERR_RETRY && !c->offline)
		rc = send_offline(conf, &body, &e);
	if (rc < 0)
		fprintf(stderr, "konstructctl: not in the audit trail: %s\n",
			e.msg);
	buf_release(&body);
}
