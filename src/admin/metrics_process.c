/* SPDX-License-Identifier: ISC */
#include "admin/metrics_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"

static void add(struct buf *b, const char *name, const char *help, uint64_t n)
{
	(void)buf_addf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n",
		       name, help, name, name, n);
}

static void add_cpu(struct buf *b)
{
	static const char name[] = "process_cpu_seconds_total";
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) < 0)
		return;
	(void)buf_addf(
		b,
		"# HELP %s User and system time.\n# TYPE %s counter\n"
		"%s %.2f\n",
		name, name, name,
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) /
				1e6);
}

static void add_memory(struct buf *b)
{
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t virt, res;

	if (!f)
		return;
	if (fscanf(f, "%" SCNu64 " %" SCNu64, &virt, &res) == 2) {
		uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

		add(b, "process_virtual_memory_bytes", "Address space.",
		    virt * page);
		add(b, "process_resident_memory_bytes", "Memory in use.",
		    res * page);
	}
	(void)fclose(f);
}

static void add_files(struct buf *b)
{
	DIR *d = opendir("/proc/self/fd");
	struct rlimit rl;
	uint64_t n = 0;

	if (d) {
		while (readdir(d))
			n++;
		(void)closedir(d);
		/* Without "." and "..", and d's own. */
		if (n > 3)
			add(b, "process_open_fds", "Open descriptors.", n - 3);
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0)
		add(b, "process_max_fds", "Most descriptors allowed.",
		    rl.rlim_cur);
}

void metrics_process(struct buf *b)
{
	add_cpu(b);
	add_memory(b);
	add_files(b);
}
