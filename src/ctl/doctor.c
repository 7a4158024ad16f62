/* SPDX-License-Identifier: ISC */
#include "ctl/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyring.h"
#include "base/log.h"
#include "base/secret.h"
#include "ctl/exit.h"
#include "ctl/here.h"
#include "ctl/plain.h"
#include "net/local.h"
#include "net/probe.h"
#include "store/keys.h"
#include "store/store.h"

#define REPORT_MAX ((size_t)4 * 1024 * 1024)

/* A certificate is renewed some weeks before it ends. */
#define EXPIRES_SOON_S (7 * 24 * 3600)

struct doctor {
	const struct conf *conf;
	bool json;
	bool by_root;   /* who has become the daemon's user since */
	struct buf out; /* the report as JSON */
	struct jwrite w;
	enum doctor_result worst;
	struct json *status;
};

static const char *const names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_FAILURE] = "failure",
};

static void print_line(enum doctor_result r, const char *what, const char *seen,
		       const char *todo)
{
	printf("%-8s ", names[r]);
	plain_put(what, false, stdout);
	fputs(": ", stdout);
	plain_put(seen, false, stdout);
	putchar('\n');
	if (todo)
		plain_printf(stdout, "         -> %s\n", todo);
	fflush(stdout);
}

void doctor_say(struct doctor *d, enum doctor_result r, const char *what,
		const char *todo, const char *fmt, ...)
{
	char seen[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	if (r > d->worst)
		d->worst = r;
	jw_object(&d->w, NULL);
	jw_str(&d->w, "result", names[r]);
	jw_str(&d->w, "check", what);
	jw_str(&d->w, "seen", seen);
	jw_str(&d->w, "do", todo);
	jw_object_end(&d->w);
	if (!d->json)
		print_line(r, what, seen, todo);
}

static const char *const todos[] = {
	[PROBE_OK] = NULL,
	[PROBE_DNS] = "see /etc/resolv.conf; behind a proxy that resolves "
		      "names, set proxy",
	[PROBE_PROXY] = "see proxy, proxy_user, proxy_password_file and "
			"proxy_auth; the proxy must allow CONNECT to port 443",
	[PROBE_CONNECT] = "open the firewall (docs/firewall.md), or set "
			  "proxy; if this is the proxy: is it up?",
	[PROBE_TLS] = "a proxy that reads along? give its CA as ca_file "
		      "(docs/firewall.md); is the clock right?",
	[PROBE_UPGRADE] =
		"a proxy that reads along has to let WebSockets pass, "
		"or leave *.slack.com alone (docs/firewall.md)",
	[PROBE_OTHER] = "does something between here and there cut it off?",
};

static bool expires_soon(const struct probe *p)
{
	return p->expires_s > 0 &&
	       p->expires_s < (int64_t)time(NULL) + EXPIRES_SOON_S;
}

bool doctor_probed(struct doctor *d, const char *what, const struct probe *p)
{
	char signer[320] = "no TLS";

	if (p->issuer[0])
		(void)snprintf(signer, sizeof(signer), "signed by %s",
			       p->issuer);
	if (p->fault != PROBE_OK)
		doctor_say(d, DOCTOR_FAILURE, what, todos[p->fault], "%s%s%s",
			   p->msg, p->issuer[0] ? "; " : "",
			   p->issuer[0] ? signer : "");
	else if (expires_soon(p))
		doctor_say(d, DOCTOR_WARNING, what,
			   "the certificate ends within a week", "%s", signer);
	else
		doctor_say(d, DOCTOR_OK, what, NULL, "%s %s, %s, %lld ms",
			   p->proxy_status ? "through the proxy" : "from",
			   p->addr, signer, (long long)p->ms);
	return p->fault == PROBE_OK;
}

const struct conf *doctor_conf(const struct doctor *d)
{
	return d->conf;
}

const char *doctor_elsewhere(const struct doctor *d)
{
	if (!d->status && local_pid(d->conf->admin_socket) == 0)
		return "systemctl start konstructd, then sudo konstructctl "
		       "doctor: root may read what the unit of a daemon that "
		       "runs is given";
	if (d->by_root)
		return "is it in LoadCredential= or LoadCredentialEncrypted= "
		       "of the unit? systemctl cat konstructd; after a change "
		       "of it: systemctl restart konstructd";
	return "as root, who may read what the unit is given: sudo "
	       "konstructctl doctor";
}

const struct json *doctor_status(const struct doctor *d)
{
	return d->status;
}

static void ask_daemon(struct doctor *d)
{
	struct err e = { 0 };
	struct buf out;
	int status;

	buf_init(&out, REPORT_MAX);
	status = local_call(d->conf->admin_socket, "GET", "/v1/status", NULL, 0,
			    &out, &e);
	if (status == 200)
		d->status = json_parse(out.data, out.len, REPORT_MAX, &e);
	buf_release(&out);
}

/* For models whose keys are in the store. */
static char *stored_secret(const char *name, void *arg, struct err *e)
{
	struct store *s = arg;

	return s->ops->keys->get(s, name, e);
}

static void examine(struct doctor *d, const char *tenant)
{
	struct keyring *keyring = NULL;
	struct store *s;

	ask_daemon(d);
	s = doctor_machine(d, &keyring);
	if (s)
		secret_set_source(stored_secret, s);
	doctor_settings(d);
	doctor_tenants(d, s, tenant);
	doctor_tokens(d, s, tenant);
	doctor_canaries(d, s, tenant);
	doctor_slack(d, s, tenant);
	doctor_models(d);
	secret_set_source(NULL, NULL);
	if (s)
		s->ops->close(s);
	keyring_free(keyring);
	json_free(d->status);
}

int doctor_run(const struct conf *conf, const char *tenant, bool json)
{
	struct doctor d = { .conf = conf,
			    .json = json,
			    .by_root = geteuid() == 0 };
	struct err e = { 0 };

	here_find_credentials(conf);
	if (here_become_daemon(conf, &e) < 0)
		return exit_say(DOCTOR_FAILURE, e.msg);
	log_set_level(LOG_LEVEL_ERROR);
	buf_init(&d.out, REPORT_MAX);
	jw_init(&d.w, &d.out);
	jw_object(&d.w, NULL);
	jw_array(&d.w, "checks");
	examine(&d, tenant);
	jw_array_end(&d.w);
	jw_str(&d.w, "result", names[d.worst]);
	jw_object_end(&d.w);
	if (json && !d.out.failed)
		printf("%s\n", d.out.data);
	buf_release(&d.out);
	return (int)d.worst;
}
