/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/*
 * usage: hold THREAD
 *
 * Stops one thread of a process, by its id, until that is killed: the other
 * threads don't notice, as if it were stuck.
 */
int main(int argc, char **argv)
{
	pid_t thread = argc == 2 ? (pid_t)atoi(argv[1]) : 0;
	int status;

	if (thread <= 0 || ptrace(PTRACE_SEIZE, thread, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) < 0) {
		perror("hold");
		return 1;
	}
	/* First it stops. Without this its process couldn't end. */
	while (waitpid(thread, &status, __WALL) == thread)
		if (!WIFSTOPPED(status))
			return 0;
	return 1;
}
