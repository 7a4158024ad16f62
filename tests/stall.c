/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Runs a command while threads of what it starts are held, each for a moment,
 * as on a machine that is too busy, or whose disk is: what depends on who is
 * first goes wrong then. They are held by ptrace(2) rather than by SIGSTOP,
 * which is for a whole process, and which tests use themselves.
 */

#define SLOTS    64
#define ROOM     4096
#define TICK_MS  5
#define EACH_MS  3000 /* a process is held so often */
#define HOLD_MIN 8    /* ms; twice that, and so on, */
#define DOUBLES  9    /* so many times at most: 4 s */
#define WHOLE    3    /* of so many times once all threads of a process */

struct slot {
	pid_t tid; /* 0: free */
	bool held;
	int64_t until; /* ms */
};

struct process {
	pid_t pid, parent;
	bool ours;
};

static struct slot slots[SLOTS];
static uint64_t seed;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static unsigned int dice(unsigned int n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned int)(seed >> 33) % n;
}

/* Who only waits for others, or makes what is tested. */
static bool is_dull(const char *name)
{
	static const char *const dull[] = { "make",   "sh",  "bash",
					    "ccache", "cc1", "gcc",
					    "ld",     "as",  "stall" };
	size_t i;

	for (i = 0; i < sizeof(dull) / sizeof(dull[0]); i++)
		if (strcmp(name, dull[i]) == 0)
			return true;
	return false;
}

static bool read_process(const char *id, struct process *p, bool *dull)
{
	char path[64], line[512], *name, *end;
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/stat", id);
	f = fopen(path, "r");
	if (!f)
		return false;
	ok = fgets(line, sizeof(line), f) != NULL;
	(void)fclose(f);
	name = ok ? strchr(line, '(') : NULL;
	end = ok ? strrchr(line, ')') : NULL;
	if (!name || !end || end[1] != ' ' || end[3] != ' ')
		return false;
	*end = '\0';
	*dull = is_dull(name + 1);
	p->pid = (pid_t)strtol(line, NULL, 10);
	p->parent = (pid_t)strtol(end + 4, NULL, 10);
	p->ours = p->parent == getpid();
	return true;
}

/* Those below us that may be held. */
static size_t descendants(pid_t out[ROOM])
{
	static struct process all[ROOM];
	static bool dull[ROOM];
	DIR *d = opendir("/proc");
	struct dirent *f;
	size_t i, j, n = 0, found = 0;
	bool more = true;

	while (d && n < ROOM && (f = readdir(d)))
		if (isdigit((unsigned char)f->d_name[0]) &&
		    read_process(f->d_name, &all[n], &dull[n]))
			n++;
	if (d)
		(void)closedir(d);
	while (more) {
		more = false;
		for (i = 0; i < n; i++)
			for (j = 0; !all[i].ours && j < n; j++)
				if (all[j].ours && all[j].pid == all[i].parent)
					more = all[i].ours = true;
	}
	for (i = 0; i < n; i++)
		if (all[i].ours && !dull[i])
			out[found++] = all[i].pid;
	return found;
}

static size_t threads(pid_t pid, pid_t out[ROOM])
{
	char path[64];
	struct dirent *f;
	size_t n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && n < ROOM && (f = readdir(d)))
		if (isdigit((unsigned char)f->d_name[0]))
			out[n++] = (pid_t)strtol(f->d_name, NULL, 10);
	if (d)
		(void)closedir(d);
	return n;
}

static void hold(pid_t tid, int64_t until)
{
	struct slot *s = NULL;
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		if (slots[i].tid == tid)
			return;
		if (slots[i].tid == 0)
			s = &slots[i];
	}
	if (!s || ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return;
	*s = (struct slot){ .tid = tid, .until = until };
	(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
}

/* Until when nothing more is to be held. */
static int64_t decide(void)
{
	static pid_t all[ROOM];
	int64_t now = now_ms(), until = now + (HOLD_MIN << dice(DOUBLES + 1));
	size_t i, n = descendants(all);
	int64_t next = now + EACH_MS / (int64_t)(n + 1);
	pid_t pid;

	if (n == 0)
		return next;
	pid = all[dice((unsigned int)n)];
	n = threads(pid, all);
	if (n > 0 && dice(WHOLE) > 0) {
		hold(all[dice((unsigned int)n)], until);
		return next;
	}
	for (i = 0; i < n; i++)
		hold(all[i], until);
	return next;
}

static void release_due(int64_t now)
{
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		struct slot *s = &slots[i];

		if (s->tid != 0 && s->held && s->until <= now) {
			(void)ptrace(PTRACE_DETACH, s->tid, NULL, NULL);
			s->tid = 0;
		}
	}
}

static struct slot *slot_of(pid_t tid)
{
	size_t i;

	for (i = 0; i < SLOTS; i++)
		if (slots[i].tid == tid)
			return &slots[i];
	return NULL;
}

/* False: the command has ended, with *code. */
static bool reap(pid_t command, int *code)
{
	struct slot *s;
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		s = slot_of(tid);
		if (WIFSTOPPED(status)) {
			if (status >> 16 == PTRACE_EVENT_STOP && s)
				s->held = true;
			else
				(void)ptrace(PTRACE_CONT, tid, NULL,
					     WSTOPSIG(status));
			continue;
		}
		if (s)
			s->tid = 0;
		if (tid == command) {
			*code = WIFEXITED(status) ? WEXITSTATUS(status)
						  : 128 + WTERMSIG(status);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	int64_t next = 0, now;
	int code = EXIT_FAILURE;
	pid_t command;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: stall SEED COMMAND [ARG...]\n");
		return 64;
	}
	seed = strtoull(argv[1], NULL, 10);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	command = fork();
	if (command < 0) {
		perror("stall: cannot fork");
		return EXIT_FAILURE;
	}
	if (command == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	while (reap(command, &code)) {
		now = now_ms();
		release_due(now);
		if (now >= next)
			next = decide();
		(void)poll(NULL, 0, TICK_MS);
	}
	return code;
}
