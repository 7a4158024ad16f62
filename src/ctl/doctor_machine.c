/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyring.h"
#include "base/secret.h"
#include "ctl/doctor.h"
#include "ctl/here.h"
#include "net/local.h"
#include "store/keys.h"
#include "store/store.h"

#define DISK_LOW  (1024LL * 1024 * 1024)
#define DISK_FULL (100LL * 1024 * 1024)

/* Two links of an app at once, with four files each behind a proxy, and what
 * stands beside. */
#define FILES_OF_AN_APP 8
#define FILES_BESIDE    1024

static int count(const struct app *a, void *arg)
{
	(void)a;
	++*(long long *)arg;
	return 0;
}

static void check_disk(struct doctor *d)
{
	const char *dir = doctor_conf(d)->state_dir;
	struct statvfs v;
	long long left;

	if (statvfs(dir, &v) < 0) {
		doctor_say(d, DOCTOR_FAILURE, "disk space",
			   "the unit makes this directory at its first start",
			   "cannot look at '%s': %s", dir, strerror(errno));
		return;
	}
	left = (long long)v.f_bavail * (long long)v.f_frsize;
	doctor_say(d,
		   left < DISK_FULL  ? DOCTOR_FAILURE
		   : left < DISK_LOW ? DOCTOR_WARNING
				     : DOCTOR_OK,
		   "disk space",
		   left < DISK_LOW ? "make room: with a full disk nothing is "
				     "acked"
				   : NULL,
		   "%lld MB left in '%s'", left >> 20, dir);
}

/* The number behind a word of a file of /proc/PID; -1: none. */
static long long proc_number(long pid, const char *file, const char *word)
{
	char path[64], line[256];
	size_t len = strlen(word);
	long long n = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", pid, file);
	f = fopen(path, "r");
	while (f && n < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, word, len) == 0)
			n = strtoll(line + len, NULL, 10);
	}
	if (f)
		(void)fclose(f);
	return n;
}

static void check_files(struct doctor *d, long pid, long long apps)
{
	long long want = FILES_OF_AN_APP * apps + FILES_BESIDE;
	long long have = proc_number(pid, "limits", "Max open files");

	if (have < 0)
		doctor_say(d, DOCTOR_WARNING, "open files",
			   "run this as root or as the daemon's user",
			   "the daemon's limit can't be read");
	else if (have < want)
		doctor_say(d, DOCTOR_WARNING, "open files",
			   "raise LimitNOFILE= of the unit",
			   "%lld are allowed, %lld may be needed", have, want);
	else
		doctor_say(d, DOCTOR_OK, "open files", NULL, "%lld are allowed",
			   have);
}

static void check_sandbox(struct doctor *d, long pid)
{
	long long fresh = proc_number(pid, "status", "NoNewPrivs:");
	long long filter = proc_number(pid, "status", "Seccomp:");

	if (fresh == 1 && filter == 2)
		doctor_say(d, DOCTOR_OK, "sandbox", NULL,
			   "system calls are filtered, no new privileges");
	else
		doctor_say(d, DOCTOR_WARNING, "sandbox",
			   "start it by its unit, without drop-ins that "
			   "loosen it",
			   "the daemon runs without that of its unit");
}

static void check_daemon(struct doctor *d, long long apps)
{
	const struct json *j = doctor_status(d);
	long pid = local_pid(doctor_conf(d)->admin_socket);
	const char *reason = json_str(j, "reason");

	if (!j) {
		doctor_say(
			d, DOCTOR_WARNING, "daemon",
			"systemctl start konstructd; or run this as its user",
			"none answers at '%s'", doctor_conf(d)->admin_socket);
		return;
	}
	doctor_say(d, reason ? DOCTOR_FAILURE : DOCTOR_OK, "daemon",
		   reason ? "see its log: journalctl -u konstructd" : NULL,
		   "version %s, %s", json_str(j, "version"),
		   reason ? reason : "well; it writes store and state");
	check_files(d, pid, apps);
	check_sandbox(d, pid);
}

/* Was there no first start yet? */
static bool is_bare(const char *url)
{
	return strncmp(url, "sqlite:", 7) == 0 && access(url + 7, F_OK) < 0 &&
	       errno == ENOENT;
}

static bool open_key(struct doctor *d, struct keyring **k)
{
	const struct conf *c = doctor_conf(d);
	bool own = c->key_file[0] == '\0';
	struct err e = { 0 };
	char path[4096];

	if (conf_key_path(c, path, sizeof(path), &e) < 0) {
		doctor_say(d,
			   secret_is_credential(c->key_file) ? DOCTOR_WARNING
							     : DOCTOR_FAILURE,
			   "key", doctor_elsewhere(d),
			   "key, store and tokens are left out: %s", e.msg);
		return false;
	}
	if (own && access(path, F_OK) < 0 && errno == ENOENT &&
	    is_bare(c->store_url)) {
		doctor_say(d, DOCTOR_WARNING, "key", NULL,
			   "'%s' isn't there: it is made at the first start",
			   path);
		return false;
	}
	*k = keyring_open(path, own, &e);
	if (!*k)
		doctor_say(d, DOCTOR_FAILURE, "key",
			   "it must be the daemon's user's alone (chmod 600); "
			   "if it is damaged, put it back from its copy",
			   "%s", e.msg);
	return *k != NULL;
}

/* False: nothing of it can be opened. */
static bool check_key(struct doctor *d, struct store *s,
		      const struct keyring *k)
{
	bool gone = keyring_is_new(k);
	struct err e = { 0 };

	if (keys_check(s, k, &e) < 0)
		doctor_say(d, DOCTOR_FAILURE, "key",
			   gone && doctor_status(d)
				   ? "the daemon that runs has it still: leave "
				     "it running, and put the file back from "
				     "its copy"
				   : "put that key back into the file, from "
				     "its copy",
			   "%s%s", gone ? "the file is gone: " : "", e.msg);
	else if (gone)
		doctor_say(d, DOCTOR_WARNING, "key", NULL,
			   "'%s' isn't there: it is made at the first start",
			   keyring_path(k));
	else
		doctor_say(d, DOCTOR_OK, "key", NULL,
			   "'%s' opens all that is in the store",
			   keyring_path(k));
	return !gone;
}

/* With SQLite: may this user write to the file? */
static bool writable(const char *url)
{
	return strncmp(url, "sqlite:", 7) != 0 || access(url + 7, W_OK) == 0;
}

static struct store *open_store(struct doctor *d, struct keyring *k)
{
	const char *url = doctor_conf(d)->store_url;
	struct err e = { 0 };
	const struct store_ops *ops = store_find(url, &e);
	struct store *s = ops ? ops->open(url, k, false, &e) : NULL;

	if (!s)
		doctor_say(
			d, DOCTOR_FAILURE, "store",
			"is the server up, the user right, the schema there?",
			"%s", e.msg);
	else if (!writable(url))
		doctor_say(d, DOCTOR_FAILURE, "store",
			   "its owner must be the daemon's user",
			   "can be read, but not be written");
	else
		doctor_say(d, DOCTOR_OK, "store", NULL, "%s can be opened",
			   ops->name);
	return s;
}

static void check_state(struct doctor *d)
{
	if (strcmp(doctor_conf(d)->state_url, "local") == 0)
		doctor_say(d, DOCTOR_OK, "state", NULL, "in the daemon itself");
	else if (doctor_status(d))
		doctor_say(d, DOCTOR_OK, "state", NULL,
			   "the daemon looks every second: see its health");
	else
		doctor_say(d, DOCTOR_WARNING, "state",
			   "start the daemon, which tries it",
			   "not tried without a daemon");
}

/* Whoever else may use the socket can't read the daemon's files. */
static bool may_look(struct doctor *d)
{
	uid_t owner;

	if (!here_is_stranger(doctor_conf(d), &owner))
		return true;
	doctor_say(d, DOCTOR_WARNING, "rights",
		   "run it as root: sudo konstructctl doctor",
		   "key, store and tokens are left out: they are for uid %ld, "
		   "this is uid %ld",
		   (long)owner, (long)geteuid());
	return false;
}

struct store *doctor_machine(struct doctor *d, struct keyring **keyring)
{
	bool ours = may_look(d);
	struct store *s = NULL;
	struct err e = { 0 };
	long long apps = 0;

	check_disk(d);
	if (ours && open_key(d, keyring))
		s = open_store(d, *keyring);
	if (s && !check_key(d, s, *keyring)) {
		s->ops->close(s);
		s = NULL;
	}
	if (s)
		(void)s->ops->apps(s, count, &apps, &e);
	check_state(d);
	doctor_socket(d);
	check_daemon(d, apps);
	return s;
}
