/* SPDX-License-Identifier: ISC */
#include "base/conf_keys.h"

#include <string.h>
#include <strings.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/price.h"

#define AT(field)    offsetof(struct conf, field)
#define MODEL(field) offsetof(struct conf_model, field)

static const char *not_empty(const char *v)
{
	return *v ? NULL : "is empty";
}

static const char *is_absolute(const char *v)
{
	if (!*v)
		return "is empty";
	return *v == '/' ? NULL : "does not begin with '/'";
}

static const char *is_level(const char *v)
{
	enum log_level level;

	return log_level_parse(v, &level) < 0
		       ? "is none of error, warn, info, debug"
		       : NULL;
}

static const char *is_format(const char *v)
{
	return strcmp(v, "logfmt") != 0 && strcmp(v, "json") != 0
		       ? "is neither logfmt nor json"
		       : NULL;
}

static const char *is_listen(const char *v)
{
	const char *port = strrchr(v, ':');
	size_t digits;

	if (!*v)
		return NULL;
	if (!port || port == v)
		return "is no host:port";
	digits = strspn(port + 1, "0123456789");
	if (digits == 0 || digits > 5 || port[1 + digits])
		return "has no port";
	return NULL;
}

/* sun_path is 108 bytes with its NUL. */
static const char *is_socket(const char *v)
{
	if (*v != '/')
		return is_absolute(v);
	return strlen(v) > 107 ? "is longer than 107 bytes" : NULL;
}

static const char *is_web(const char *v)
{
	if (!*v)
		return "is empty: which server is it?";
	if (strncasecmp(v, "https://", 8) != 0 &&
	    strncasecmp(v, "http://", 7) != 0)
		return "is no http:// or https:// URL";
	if (!conf_url_allowed(v))
		return strncasecmp(v, "http://", 7) == 0
			       ? "is no URL, or plain http:// to another "
				 "machine: that takes https://"
			       : "is no URL";
	return NULL;
}

static const char *is_model_url(const char *v)
{
	static const char path[] = "/chat/completions";
	size_t n = strlen(v);
	size_t len = sizeof(path) - 1;

	while (n > 0 && v[n - 1] == '/')
		n--;
	if (n >= len && strncmp(v + n - len, path, len) == 0)
		return "ends in /chat/completions, which is put behind it";
	return is_web(v);
}

/* What is said of the user stands in other settings, where it isn't logged. */
static const char *is_proxy(const char *v)
{
	if (!*v || strcmp(v, "direct") == 0)
		return NULL;
	if (strchr(v, '@'))
		return "names a user: that is proxy_user";
	if (!conf_proxy_allowed(v))
		return "is no http://, https://, socks4a:// or socks5h://"
		       " and host:port, and not 'direct'";
	return NULL;
}

static const char *is_auth(const char *v)
{
	static const char *const known[] = { "any", "basic", "digest", "ntlm",
					     "negotiate" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(v, known[i]) == 0)
			return NULL;
	}
	return "is none of any, basic, digest, ntlm, negotiate";
}

static const char *is_price(const char *v)
{
	return *v && price_parse(v) < 0
		       ? "is no price of a million tokens, such as 0.15"
		       : NULL;
}

const struct conf_key conf_keys[] = {
	{ "daemon", "listen", CONF_STR, AT(listen), .str = "127.0.0.1:8001",
	  .check = is_listen },
	{ "daemon", "workers", CONF_INT, AT(workers), .max = 256 },
	{ "daemon", "routers", CONF_INT, AT(routers), .num = 2, .min = 1,
	  .max = 64 },
	{ "daemon", "log_level", CONF_STR, AT(log_level), .str = "info",
	  .check = is_level, .live = true },
	{ "daemon", "log_format", CONF_STR, AT(log_format), .str = "logfmt",
	  .check = is_format, .live = true },
	{ "daemon", "state_dir", CONF_STR, AT(state_dir),
	  .str = "/var/lib/konstruct", .check = is_absolute },
	{ "daemon", "admin_socket", CONF_STR, AT(admin_socket),
	  .str = "/run/konstruct/admin.sock", .check = is_socket },
	{ "daemon", "admin_group", CONF_STR, AT(admin_group), .str = "",
	  .live = true },
	{ "daemon", "read_group", CONF_STR, AT(read_group), .str = "",
	  .live = true },
	{ "daemon", "key_file", CONF_STR, AT(key_file), .str = "" },
	{ "daemon", "dials_per_second", CONF_INT, AT(dials_per_second),
	  .num = 10, .min = 1, .max = 1000, .live = true },
	{ "daemon", "drain_timeout_s", CONF_INT, AT(drain_timeout_s), .num = 25,
	  .max = 3600, .live = true },

	{ "daemon", "node", CONF_STR, AT(node), .str = "" },
	{ "daemon", "lease_s", CONF_INT, AT(lease_s), .num = 10, .min = 2,
	  .max = 120 },

	{ "store", "url", CONF_STR, AT(store_url),
	  .str = "sqlite:/var/lib/konstruct/konstruct.db", .check = not_empty,
	  .hidden = true },

	{ "state", "url", CONF_STR, AT(state_url), .str = "local",
	  .check = not_empty, .hidden = true },
	{ "state", "user", CONF_STR, AT(state_user), .str = "" },
	{ "state", "password_file", CONF_STR, AT(state_password_file),
	  .str = "" },

	{ "slack", "api_url", CONF_STR, AT(slack_api_url),
	  .str = "https://slack.com/api/", .check = is_web },
	{ "slack", "proxy", CONF_STR, AT(slack_way.proxy), .str = "",
	  .check = is_proxy, .live = true },
	{ "slack", "no_proxy", CONF_STR, AT(slack_way.no_proxy), .str = "",
	  .live = true },
	{ "slack", "proxy_user", CONF_STR, AT(slack_way.proxy_user), .str = "",
	  .live = true },
	{ "slack", "proxy_password_file", CONF_STR,
	  AT(slack_way.proxy_password_file), .str = "", .live = true },
	{ "slack", "proxy_auth", CONF_STR, AT(slack_way.proxy_auth),
	  .str = "any", .check = is_auth, .live = true },
	{ "slack", "ca_file", CONF_STR, AT(slack_way.ca_file), .str = "",
	  .live = true },
	{ "slack", "ca_dir", CONF_STR, AT(slack_way.ca_dir), .str = "",
	  .live = true },
	{ "slack", "updates_per_minute", CONF_INT, AT(updates_per_minute),
	  .num = 45, .max = 6000, .live = true },
	{ "slack", "posts_per_second", CONF_INT, AT(posts_per_second), .num = 1,
	  .max = 1000, .live = true },
	{ "slack", "links_per_app", CONF_INT, AT(links_per_app), .num = 2,
	  .min = 1, .max = 4 },
	{ "slack", "timeout_s", CONF_INT, AT(slack_timeout_s), .num = 15,
	  .min = 1, .max = 300, .live = true },
	{ "slack", "buttons", CONF_BOOL, AT(buttons), .num = 1, .max = 1,
	  .live = true },
	{ "slack", "greetings", CONF_BOOL, AT(greetings), .num = 1, .max = 1,
	  .live = true },

	{ "limits", "rate_per_minute", CONF_INT, AT(rate_per_minute), .num = 30,
	  .max = 100000, .live = true },
	{ "limits", "burst", CONF_INT, AT(burst), .num = 30, .min = 1,
	  .max = 100000, .live = true },
	{ "limits", "engaged_minutes", CONF_INT, AT(engaged_minutes), .num = 30,
	  .min = 1, .max = 10080, .live = true },
	{ "limits", "replay_max_age_minutes", CONF_INT,
	  AT(replay_max_age_minutes), .num = 60, .max = 43200, .live = true },
	{ "limits", "history_days", CONF_INT, AT(history_days), .num = 7,
	  .min = 2, .max = 366, .live = true },
	{ "limits", "transcript_days", CONF_INT, AT(transcript_days),
	  .max = 36500, .live = true },
	{ "limits", "usage_days", CONF_INT, AT(usage_days), .max = 36500,
	  .live = true },
	{ "limits", "feedback_days", CONF_INT, AT(feedback_days), .max = 36500,
	  .live = true },
	{ "limits", "audit_days", CONF_INT, AT(audit_days), .num = 365,
	  .max = 36500, .live = true },
	{ "limits", "uninstall_days", CONF_INT, AT(uninstall_days), .num = 30,
	  .max = 36500, .live = true },
	{ "limits", "catch_up_minutes", CONF_INT, AT(catch_up_minutes),
	  .num = 15, .max = 120, .live = true },
	{ "limits", "answer_max_bytes", CONF_INT, AT(answer_max_bytes),
	  .num = 100000, .min = 1000, .max = 10000000, .live = true },
	{ "limits", "files_per_message", CONF_INT, AT(files_per_message),
	  .num = 8, .max = 32, .live = true },
	{ "limits", "image_max_bytes", CONF_INT, AT(image_max_bytes),
	  .num = 4000000, .min = 1000, .max = 8000000, .live = true },
	{ "limits", "files_memory_mb", CONF_INT, AT(files_memory_mb), .num = 64,
	  .min = 1, .max = 65536, .live = true },

	{ CONF_LLM, "url", CONF_STR, MODEL(url), .str = "",
	  .check = is_model_url, .live = true },
	{ CONF_LLM, "model", CONF_STR, MODEL(model), .str = "", .live = true },
	{ CONF_LLM, "api_key_file", CONF_STR, MODEL(api_key_file), .str = "",
	  .live = true },
	{ CONF_LLM, "proxy", CONF_STR, MODEL(way.proxy), .str = "",
	  .check = is_proxy, .live = true },
	{ CONF_LLM, "no_proxy", CONF_STR, MODEL(way.no_proxy), .str = "",
	  .live = true },
	{ CONF_LLM, "proxy_user", CONF_STR, MODEL(way.proxy_user), .str = "",
	  .live = true },
	{ CONF_LLM, "proxy_password_file", CONF_STR,
	  MODEL(way.proxy_password_file), .str = "", .live = true },
	{ CONF_LLM, "proxy_auth", CONF_STR, MODEL(way.proxy_auth), .str = "any",
	  .check = is_auth, .live = true },
	{ CONF_LLM, "ca_file", CONF_STR, MODEL(way.ca_file), .str = "",
	  .live = true },
	{ CONF_LLM, "ca_dir", CONF_STR, MODEL(way.ca_dir), .str = "",
	  .live = true },
	{ CONF_LLM, "client_cert_file", CONF_STR, MODEL(way.client_cert_file),
	  .str = "", .live = true },
	{ CONF_LLM, "client_key_file", CONF_STR, MODEL(way.client_key_file),
	  .str = "", .live = true },
	{ CONF_LLM, "default", CONF_BOOL, MODEL(is_default), .max = 1,
	  .live = true },
	{ CONF_LLM, "max_tokens", CONF_INT, MODEL(max_tokens), .max = 1000000,
	  .live = true },
	{ CONF_LLM, "connect_timeout_s", CONF_INT, MODEL(connect_timeout_s),
	  .num = 10, .min = 1, .max = 300, .live = true },
	{ CONF_LLM, "first_token_timeout_s", CONF_INT,
	  MODEL(first_token_timeout_s), .num = 60, .min = 1, .max = 3600,
	  .live = true },
	{ CONF_LLM, "idle_timeout_s", CONF_INT, MODEL(idle_timeout_s),
	  .num = 30, .min = 1, .max = 3600, .live = true },
	{ CONF_LLM, "timeout_s", CONF_INT, MODEL(timeout_s), .num = 120,
	  .min = 1, .max = 7200, .live = true },
	{ CONF_LLM, "concurrency", CONF_INT, MODEL(concurrency), .max = 100000,
	  .live = true },
	{ CONF_LLM, "tenant_concurrency", CONF_INT, MODEL(tenant_concurrency),
	  .num = 64, .max = 100000, .live = true },
	{ CONF_LLM, "context_tokens", CONF_INT, MODEL(context_tokens),
	  .num = 12000, .min = 500, .max = 2000000, .live = true },
	{ CONF_LLM, "vision", CONF_BOOL, MODEL(vision), .max = 1,
	  .live = true },
	{ CONF_LLM, "prompt_price", CONF_STR, MODEL(prompt_price), .str = "",
	  .check = is_price, .live = true },
	{ CONF_LLM, "completion_price", CONF_STR, MODEL(completion_price),
	  .str = "", .check = is_price, .live = true },
};
const size_t conf_nkeys = sizeof(conf_keys) / sizeof(conf_keys[0]);
