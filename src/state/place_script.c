/* SPDX-License-Identifier: ISC */
#include "state/redis_conn.h"

/*
 * konstruct:nodes is a hash: node -> "until:home:held:live:name", with "-"
 * before it for a node that leaves, whose links may be there until then; and
 * "!quiet", until when nobody takes what it had not. konstruct:links:APP is a
 * hash too: node -> "state:since:connections", with d (dialing), l (live), s
 * (stuck). An entry counts for as long as its node is alive, and in a quiet
 * time for as long as it is there: whoever was late has the time to renew.
 */

#define CLOCK                                                           \
	"local function clock(given)\n"                                 \
	" if given ~= '' then return tonumber(given) end\n"             \
	" local t = redis.call('TIME')\n"                               \
	" return t[1] * 1000 + math.floor(t[2] / 1000)\n"               \
	"end\n"                                                         \
	"local function whole(n) return string.format('%.0f', n) end\n" \
	"local DAY = 26 * 3600 * 1000\n"

/*
 * KEYS nodes; ARGV now, node, home, lease, alone, held, live, name. Returns
 * { lost, rest of the quiet time, { node, rest of its time, text }, ... }.
 */
const char redis_place_beat[] = CLOCK
	"local now, me, home = clock(ARGV[1]), ARGV[2], ARGV[3]\n"
	"local lease = tonumber(ARGV[4])\n"
	"local all = redis.call('HGETALL', KEYS[1])\n"
	"local quiet, mine, anybody, anyone = 0, false, false, false\n"
	"local out = {0, 0}\n"
	"local dead = {}\n"
	"for i = 1, #all, 2 do\n"
	" local id, v = all[i], all[i + 1]\n"
	" local upto, at = string.match(v, '^(%-?%d+):([^:]*):')\n"
	" upto = tonumber(upto or '')\n"
	" if id == '!quiet' then quiet = tonumber(v) or 0\n"
	" elseif id == me then mine = upto and upto > now\n"
	" elseif not upto or at == home or (upto < 0 and -upto <= now) then\n"
	"  redis.call('HDEL', KEYS[1], id)\n"
	" elseif upto > 0 then\n"
	"  anyone = true\n"
	"  if upto > now then anybody = true end\n"
	"  if now - upto > 8 * lease then dead[#dead + 1] = id end\n"
	"  out[#out + 1] = {id, upto - now, v}\n"
	" end\n"
	"end\n"
	/* Nobody was here for a lease's time, and perhaps somebody lives. */
	"if not mine and not anybody and quiet <= now and\n"
	"   (anyone or (#all == 0 and ARGV[5] ~= '1')) then\n"
	" quiet = now + lease\n"
	"end\n"
	"if quiet <= now then\n"
	" for _, id in ipairs(dead) do redis.call('HDEL', KEYS[1], id) end\n"
	"end\n"
	"local v = whole(now + lease) .. ':' .. home .. ':' .. ARGV[6] ..\n"
	"  ':' .. ARGV[7] .. ':' .. ARGV[8]\n"
	"redis.call('HSET', KEYS[1], me, v, '!quiet', whole(quiet))\n"
	"redis.call('PEXPIRE', KEYS[1], whole(DAY))\n"
	"out[#out + 1] = {me, lease, v}\n"
	"out[1] = mine and 0 or 1\n"
	"if quiet > now then out[2] = quiet - now end\n"
	"return out\n";

/*
 * KEYS nodes, and one for each app; ARGV now, node, links per app, lease, and
 * for each app "want state connections" ("DL1", "N-0"). Returns four numbers
 * for each: held, and of others: good, live, connections. Nothing when the
 * node is not alive. Links of a node that leaves are connections, no more.
 * What it has and Redis doesn't know, as after a flush or a
 * long sleep, it keeps only where others are too few.
 */
const char redis_place_look[] = CLOCK
	"local now, me = clock(ARGV[1]), ARGV[2]\n"
	"local k, lease = tonumber(ARGV[3]), tonumber(ARGV[4])\n"
	"local late = 3 * lease / 2\n"
	"local all = redis.call('HGETALL', KEYS[1])\n"
	"local quiet, alive, there, leaves = false, {}, {}, {}\n"
	"for i = 1, #all, 2 do\n"
	" local upto = tonumber(string.match(all[i + 1], '^%-?%d+') or '')\n"
	" if all[i] == '!quiet' then quiet = upto and upto > now\n"
	" elseif upto and upto < 0 then\n"
	"  leaves[all[i]] = -upto > now\n"
	" elseif upto then\n"
	"  there[all[i]] = true\n"
	"  alive[all[i]] = upto > now\n"
	" end\n"
	"end\n"
	"if not alive[me] then return {} end\n"
	"if quiet then alive = there end\n"
	"local out = {}\n"
	"for n = 2, #KEYS do\n"
	" local key = KEYS[n]\n"
	" local want, st, conns = string.match(ARGV[n + 3], '^(.)(.)(%d+)$')\n"
	" local good, live, links, any = 0, 0, 0, 0\n"
	" local mine, since, old\n"
	" local rows = redis.call('HGETALL', key)\n"
	" for i = 1, #rows, 2 do\n"
	"  local s, at, c = string.match(rows[i + 1], '^(%l):(%d+):(%d+)$')\n"
	"  if rows[i] == me then\n"
	"   mine, since, old = s, at, rows[i + 1]\n"
	"  elseif s and alive[rows[i]] then\n"
	"   any, links = any + 1, links + c\n"
	"   if s == 'l' then live = live + 1 end\n"
	"   if s ~= 'd' or now - at < late then good = good + 1 end\n"
	"  elseif s and leaves[rows[i]] then\n"
	"   links = links + c\n"
	"  elseif not quiet then\n"
	"   redis.call('HDEL', key, rows[i])\n"
	"  end\n"
	" end\n"
	" local held\n"
	" if want == 'X' then\n"
	"  held = false\n"
	" elseif mine then\n"
	"  held = quiet or live < k or (want == 'D' and st ~= 's')\n"
	/* It never was of use here, and others who try are enough. */
	"  if held and not quiet and want == 'N' and any >= k and\n"
	"     (st == 's' or (mine == 'd' and now - since >= late)) then\n"
	"   held = st == 'l'\n"
	"  end\n"
	" elseif st ~= '-' then\n"
	"  held = good < k\n"
	" elseif quiet or want == 'N' then\n"
	"  held = false\n"
	" else\n"
	"  held = good < k or (want == 'D' and good == k)\n"
	" end\n"
	" if held then\n"
	"  if st == '-' then st = 'd' end\n"
	"  if mine ~= st then since = whole(now) end\n"
	"  local v = st .. ':' .. since .. ':' .. conns\n"
	"  if v ~= old then redis.call('HSET', key, me, v) end\n"
	"  if redis.call('PTTL', key) < DAY / 2 then\n"
	"   redis.call('PEXPIRE', key, whole(DAY))\n"
	"  end\n"
	" elseif old then\n"
	"  redis.call('HDEL', key, me)\n"
	" end\n"
	" out[#out + 1] = held and 1 or 0\n"
	" out[#out + 1] = good\n"
	" out[#out + 1] = live\n"
	" out[#out + 1] = links\n"
	"end\n"
	"return out\n";

/* KEYS nodes; ARGV now, node, home, how long its links may stay. The hash
 * stays, as a sign that nobody is missing. */
const char redis_place_leave[] = CLOCK
	"local upto = clock(ARGV[1]) + tonumber(ARGV[4])\n"
	"redis.call('HSET', KEYS[1], ARGV[2],\n"
	" '-' .. whole(upto) .. ':' .. ARGV[3] .. ':0:0:')\n"
	"redis.call('HSETNX', KEYS[1], '!quiet', '0')\n"
	"redis.call('PEXPIRE', KEYS[1], whole(DAY))\n"
	"return 1\n";
