/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "ctl/doctor.h"
#include "net/local.h"

#define CHECK      "admin socket"
#define NAME_SIZE  64
#define GROUPS_MAX 4096

/* A group of the settings, by name or number; that of the socket if none is
 * set there. False: there is no such group. */
static bool group_of(const char *set, gid_t own, gid_t *gid,
		     char name[NAME_SIZE])
{
	const struct group *g;
	char *end = NULL;

	*gid = *set ? (gid_t)strtoul(set, &end, 10) : own;
	g = *set && *end ? getgrnam(set) : getgrgid(*gid);
	if (g)
		*gid = g->gr_gid;
	(void)snprintf(name, NAME_SIZE, "%s", g ? g->gr_name : set);
	if (!g && !*set)
		(void)snprintf(name, NAME_SIZE, "%lu", (unsigned long)own);
	return g || !*set || !*end;
}

/* By what this process has, as the kernel tells the daemon. */
static bool is_in(gid_t gid)
{
	gid_t *list = calloc(GROUPS_MAX, sizeof(*list));
	int i, n = list ? getgroups(GROUPS_MAX, list) : -1;
	bool yes = getegid() == gid;

	for (i = 0; i < n && !yes; i++)
		yes = list[i] == gid;
	free(list);
	return yes;
}

/* And by what the next log-in will have. */
static bool is_listed(const struct passwd *pw, gid_t gid)
{
	gid_t *list = calloc(GROUPS_MAX, sizeof(*list));
	int i, n = GROUPS_MAX;
	bool yes = false;

	if (list && pw && getgrouplist(pw->pw_name, pw->pw_gid, list, &n) >= 0)
		for (i = 0; i < n && !yes; i++)
			yes = list[i] == gid;
	free(list);
	return yes;
}

static void say_not_there(struct doctor *d, const char *path, int no)
{
	bool gone = no == ENOENT;

	doctor_say(d, gone ? DOCTOR_WARNING : DOCTOR_FAILURE, CHECK,
		   gone ? "it is made when the daemon starts: systemctl start "
			  "konstructd; does it run with another admin_socket?"
			: "its directory must let all pass: chmod 755, which "
			  "the unit does (RuntimeDirectoryMode=)",
		   "cannot look at '%s': %s", path, strerror(no));
}

/* Neither root nor the daemon's user: may he? */
static bool check_caller(struct doctor *d, const char *path, gid_t gid,
			 const char *group)
{
	const struct passwd *pw = getpwuid(getuid());
	bool listed = is_listed(pw, gid);
	char todo[200];

	if (is_in(gid))
		return true;
	if (listed)
		(void)snprintf(todo, sizeof(todo), "log in anew, or: newgrp %s",
			       group);
	else if (pw)
		(void)snprintf(todo, sizeof(todo),
			       "sudo adduser %s %s, then log in anew",
			       pw->pw_name, group);
	doctor_say(d, DOCTOR_WARNING, CHECK,
		   pw ? todo : "use it as root, or as a member of that group",
		   "'%s' is for root and members of group '%s'; uid %ld %s",
		   path, group, (long)getuid(),
		   listed ? "came into it after this log-in" : "is not in it");
	return false;
}

static void say_who_may(struct doctor *d, const struct stat *st,
			const char *admins, const char *readers)
{
	const struct passwd *pw = getpwuid(st->st_uid);
	char owner[NAME_SIZE], more[NAME_SIZE + 40] = "";

	(void)snprintf(owner, sizeof(owner), "%s", pw ? pw->pw_name : "?");
	if (*readers)
		(void)snprintf(more, sizeof(more), "; group '%s' may look",
			       readers);
	doctor_say(d, DOCTOR_OK, CHECK, NULL,
		   "'%s', mode %04o: root, user '%s' (uid %ld) and group '%s' "
		   "may do all%s",
		   doctor_conf(d)->admin_socket, st->st_mode & 07777, owner,
		   (long)st->st_uid, admins, more);
}

void doctor_socket(struct doctor *d)
{
	const struct conf *c = doctor_conf(d);
	const char *path = c->admin_socket;
	char admins[NAME_SIZE], readers[NAME_SIZE] = "";
	const char *lacks = NULL;
	gid_t admin, reader = 0;
	struct stat st;

	if (lstat(path, &st) < 0) {
		say_not_there(d, path, errno);
		return;
	}
	if (!group_of(c->admin_group, st.st_gid, &admin, admins))
		lacks = c->admin_group;
	else if (*c->read_group &&
		 !group_of(c->read_group, 0, &reader, readers))
		lacks = c->read_group;
	if (!S_ISSOCK(st.st_mode))
		doctor_say(d, DOCTOR_FAILURE, CHECK,
			   "take it away, or set another admin_socket",
			   "'%s' is no socket", path);
	else if (lacks)
		doctor_say(d, DOCTOR_FAILURE, CHECK,
			   "addgroup --system GROUP, or see admin_group and "
			   "read_group",
			   "there is no group '%s'", lacks);
	else if (geteuid() == 0 || geteuid() == st.st_uid ||
		 (*readers && is_in(reader)) ||
		 check_caller(d, path, admin, admins))
		say_who_may(d, &st, admins, readers);
}
