/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "link/hub.h"

/* An app has two links while one takes the other's place. Through a proxy each
 * is the socket of lws, its other end, and the proxy's, which libcurl keeps
 * twice if that speaks TLS (net/tunnel.c). */
#define FILES_OF_AN_APP   2
#define FILES_BY_A_TUNNEL 8

/* Beside the links: HTTP connections, databases, the admin's sockets. */
#define FILES_BESIDE 1024
#define FILES_MIN    4096
#define FILES_MAX    65536

/*
 * Not above FILES_MAX either, unless needed: containers come with a limit of
 * a thousand million, and libwebsockets allocates 16 bytes for each.
 */
static rlim_t files_wanted(rlim_t need, rlim_t now)
{
	rlim_t most = need > FILES_MAX ? need : FILES_MAX;

	if (need < FILES_MIN)
		need = FILES_MIN;
	if (now == RLIM_INFINITY || now > most)
		return most;
	return now > need ? now : need;
}

void hub_raise_files(size_t napps, bool proxied)
{
	rlim_t of_one = proxied ? FILES_BY_A_TUNNEL : FILES_OF_AN_APP;
	rlim_t need = of_one * napps + FILES_BESIDE;
	struct rlimit r;
	rlim_t want;
	char missing[24];

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	want = files_wanted(need, r.rlim_cur);
	r.rlim_cur = want;
	if (r.rlim_max != RLIM_INFINITY && want > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0) {
		log_warn(NULL, "cannot set the limit of open files: %s",
			 strerror(errno));
		return;
	}
	if (r.rlim_cur >= need)
		return;
	(void)snprintf(missing, sizeof(missing), "%llu",
		       (unsigned long long)(need - r.rlim_cur));
	log_warn(LOG_FIELDS({ "missing", missing }),
		 "too few open files are allowed for %zu apps (LimitNOFILE=)",
		 napps);
}
