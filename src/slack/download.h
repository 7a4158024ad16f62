/* SPDX-License-Identifier: ISC */
#ifndef SLACK_DOWNLOAD_H
#define SLACK_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct http;

/*
 * Fetching a file by its url_private. Only from Slack: the host of the Web API
 * or one below it (files.slack.com), by the same scheme and port. At most
 * three redirects are followed, to such hosts only; the token goes to the
 * origin of the first URL and never to another.
 */
struct slack_download;

enum download_end {
	DOWNLOAD_DONE = 0, /* all of it */
	DOWNLOAD_ENOUGH,   /* on_data wanted no more */
	DOWNLOAD_FOREIGN,  /* it is not at Slack, or not any more */
	DOWNLOAD_GONE,     /* 403, 404, 410 */
	DOWNLOAD_LATER,    /* 429, 5xx, cut off, too slow: it may pass */
	DOWNLOAD_FAILED,   /* anything else */
};

struct download_result {
	enum download_end end;
	const char *why;       /* for the log, or NULL */
	unsigned int retry_ms; /* of LATER: what Slack asks for; 0: nothing */
};

struct download_opts {
	const char *api_url; /* of the Web API, by which hosts are judged */
	const char *url;
	const char *token;
	size_t max; /* bytes; more of them is a failure */
	/* Each piece; non-zero: enough. */
	int (*on_data)(const char *p, size_t n, void *arg);
	/* Once, never from inside slack_download(). r is gone afterwards. */
	void (*on_done)(const struct download_result *r, void *arg);
	void *arg;
};

/*
 * On h's thread, once. Strings are copied. NULL when memory is short or the URL
 * leads elsewhere, with DOWNLOAD_FAILED or DOWNLOAD_FOREIGN in *end and no
 * callback.
 */
struct slack_download *slack_download(struct http *h,
				      const struct download_opts *o,
				      enum download_end *end);
/* Without a callback; allowed from on_data, not from on_done. NULL is
 * allowed. */
void slack_download_cancel(struct slack_download *d);

/* May a token for this API be sent to that URL? */
bool slack_download_allowed(const char *api_url, const char *url);

#endif
