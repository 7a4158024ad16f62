/* SPDX-License-Identifier: ISC */
#include "state/redis_conn.h"

/*
 * The same rules as in local.c. Times are milliseconds, levels parts of a
 * token, both whole numbers far below 2^53. An expiry only collects garbage,
 * a minute after the time that stands in the value, so that a test may bring
 * its own clock.
 */

#define HELPERS                                                          \
	"local function clock(given)\n"                                  \
	" if given ~= '' then return tonumber(given) end\n"              \
	" local t = redis.call('TIME')\n"                                \
	" return t[1] * 1000 + math.floor(t[2] / 1000)\n"                \
	"end\n"                                                          \
	"local function whole(n) return string.format('%.0f', n) end\n"  \
	"local function put(key, value, ms)\n"                           \
	" redis.call('SET', key, value, 'PX', whole(ms + 60000))\n"      \
	"end\n"                                                          \
	"local function first(key, window, now, entry)\n"                \
	" local v = redis.call('GET', key) or ''\n"                      \
	" local again, whose = string.match(v, '^(%-?%d+):?(.*)$')\n"    \
	" again = tonumber(again or '')\n"                               \
	" if again and now < again and again - now <= 2 * window then\n" \
	"  return entry ~= '' and whose == entry and 1 or 0\n"           \
	" end\n"                                                         \
	" put(key, whole(now + window) .. ':' .. entry, window)\n"       \
	" return 1\n"                                                    \
	"end\n"                                                          \
	"local function engaged(key)\n"                                  \
	" local v = redis.call('GET', key) or ''\n"                      \
	" local since, last = string.match(v, '^(%-?%d+):(%-?%d+)$')\n"  \
	" return tonumber(since or ''), tonumber(last or '')\n"          \
	"end\n"                                                          \
	"local function ended(key)\n"                                    \
	" local v = redis.call('GET', key) or ''\n"                      \
	" return tonumber(string.match(v, '^x:(%-?%d+)$') or '')\n"      \
	"end\n"                                                          \
	"local function engage(key, since, at, window, keep)\n"          \
	" local old, last = engaged(key)\n"                              \
	" local over = ended(key)\n"                                     \
	" if over and at <= over then return end\n"                      \
	" if last and at <= last + window then\n"                        \
	"  since = math.min(since, old)\n"                               \
	"  at = math.max(at, last)\n"                                    \
	" end\n"                                                         \
	" put(key, whole(since) .. ':' .. whole(at), keep)\n"            \
	"end\n"

/*
 * KEYS memory, claim, engaged, bucket, notice, bots; ARGV run id, entry, now,
 * whether the thread must be engaged, the message's time, window, how long a
 * thread is kept, rate, burst, whether there is a thread, how many bots may be
 * accepted there (-1: it is a person's). Returns { admission
 * (-1: the memory was lost), wait_s, notify, owner }.
 */
static const char admit[] = HELPERS
	"local KEEP = 25 * 3600 * 1000\n"
	"local TOKEN = 60000\n"
	"if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
	" return {-1, 0, 0, ''}\n"
	"end\n"
	"local entry, at = ARGV[2], tonumber(ARGV[5])\n"
	"local window, keep = tonumber(ARGV[6]), tonumber(ARGV[7])\n"
	"local rate, cap = tonumber(ARGV[8]), tonumber(ARGV[9]) * TOKEN\n"
	"local now = clock(ARGV[3])\n"
	"local old = redis.call('GET', KEYS[2])\n"
	"if old then\n"
	" local how, since, owner = string.match(old, '^(%a):(%-?%d+):(.*)$')\n"
	" if owner and now - tonumber(since) < KEEP then\n"
	"  if owner ~= entry then return {2, 0, 0, owner} end\n"
	"  return {how == 'r' and 1 or 0, 1, 0, ''}\n"
	" end\n"
	"end\n"
	"if ARGV[4] == '1' then\n"
	" local since, last = engaged(KEYS[3])\n"
	" if not last or at < since or at > last + window then\n"
	"  return {3, 0, 0, ''}\n"
	" end\n"
	"end\n"
	"local bots = tonumber(ARGV[11])\n"
	"if bots >= 0 and tonumber(redis.call('GET', KEYS[6]) or '0') >= bots\n"
	" then return {4, 0, 0, ''}\n"
	"end\n"
	"local wait = 0\n"
	"if rate > 0 then\n"
	" local b = redis.call('HMGET', KEYS[4], 'level', 'at')\n"
	" local level = tonumber(b[1] or '') or cap\n"
	" local past = now - (tonumber(b[2] or '') or now)\n"
	" if past > 0 then level = level + past * rate end\n"
	" if level > cap then level = cap end\n"
	" if level < TOKEN then\n"
	"  wait = math.ceil(math.ceil((TOKEN - level) / rate) / 1000)\n"
	" else\n"
	"  level = level - TOKEN\n"
	" end\n"
	" redis.call('HSET', KEYS[4], 'level', whole(level), 'at', whole(now))\n"
	" local full = math.ceil((cap - level) / rate)\n"
	" redis.call('PEXPIRE', KEYS[4], whole(full + 60000))\n"
	"end\n"
	"local how = wait > 0 and 'r' or 'a'\n"
	"put(KEYS[2], how .. ':' .. whole(now) .. ':' .. entry, KEEP)\n"
	"if wait > 0 then\n"
	" return {1, wait, first(KEYS[5], 10000, now, ''), ''}\n"
	"end\n"
	"if ARGV[10] == '1' then\n"
	" engage(KEYS[3], at, at, window, keep)\n"
	"end\n"
	"if bots >= 0 then\n"
	" redis.call('INCR', KEYS[6])\n"
	" redis.call('PEXPIRE', KEYS[6], KEEP)\n"
	"else\n"
	" redis.call('DEL', KEYS[6])\n"
	"end\n"
	"return {0, 0, 0, ''}\n";

/* KEYS what; ARGV now, window, entry. 1 or 0. */
static const char once[] = HELPERS
	"return first(KEYS[1], tonumber(ARGV[2]), clock(ARGV[1]), ARGV[3])\n";

/* KEYS engaged; ARGV since when, the last message's time, window, how long a
 * thread is kept. */
static const char engage[] = HELPERS
	"engage(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]),\n"
	" tonumber(ARGV[3]), tonumber(ARGV[4]))\n"
	"return 1\n";

/* KEYS engaged; ARGV the time of what ends it, how long that is kept. */
static const char disengage[] = HELPERS
	"local since = engaged(KEYS[1])\n"
	"local at = tonumber(ARGV[1])\n"
	"if since and since > at then return 0 end\n"
	"put(KEYS[1], 'x:' .. whole(at), tonumber(ARGV[2]))\n"
	"return 1\n";

/*
 * KEYS filling, memory; ARGV run id, expiry. 0 when what marks a refill is
 * gone, as it may have been emptied in the middle.
 */
static const char filled[] =
	"if redis.call('DEL', KEYS[1]) == 0 then return 0 end\n"
	"redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])\n"
	"return 1\n";

const char *const redis_scripts[REDIS_SCRIPTS] = {
	[SCRIPT_ADMIT] = admit,
	[SCRIPT_ONCE] = once,
	[SCRIPT_ENGAGE] = engage,
	[SCRIPT_DISENGAGE] = disengage,
	[SCRIPT_FILLED] = filled,
	[SCRIPT_PLACE_BEAT] = redis_place_beat,
	[SCRIPT_PLACE_LOOK] = redis_place_look,
	[SCRIPT_PLACE_LEAVE] = redis_place_leave,
};
