/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#define TENANT  "t.id, t.name, t.paused, t.rate_per_minute, t.burst"
#define CHOICES "t.budget, t.agent_sessions, t.streaming, t.text_until_ms"
#define CONNECTION                                                        \
	TENANT ", c.channel_type, c.app_id, c.workspace_id, c.bot_token," \
	       " c.bot_user_id, c.bot_id, " CHOICES ", c.gone_ms"         \
	       " FROM connections c JOIN tenants t ON t.id = c.tenant_id"

#define ACCESS_OF(agent)                         \
	"(SELECT x.settings FROM access x WHERE" \
	" x.tenant_id = a.tenant_id AND x.agent_id = " agent ")"
#define AGENT                                                             \
	"a.tenant_id, a.id, a.name, a.role, a.persona, a.model,"          \
	" a.placeholder, a.active, a.is_default, a.channels, " ACCESS_OF( \
		"a.id") ", " ACCESS_OF("''") ", a.locale"

#define HAS_AGENT                                                 \
	"EXISTS (SELECT 1 FROM agents a WHERE a.tenant_id = t.id" \
	" AND a.active)"

#define ENTRY                                                        \
	"j.seq, j.id, j.state, j.received_ms, j.app_id, j.event_id," \
	" j.claim, j.tenant_id, j.verdict, j.attempts, p.frame,"     \
	" p.answer, j.replayed_ms"
#define RECORD                                                          \
	"SELECT j.id, j.app_id, j.event_id, j.state, j.received_ms,"    \
	" j.done_ms, j.replayed_ms, t.name, j.verdict, j.attempts,"     \
	" j.post, j.steps, (SELECT group_concat(q.part || ' ' || q.ts," \
	" ',') FROM parts q WHERE q.seq = j.seq),"                      \
	" EXISTS (SELECT 1 FROM pending p WHERE p.seq = j.seq),"        \
	" j.leader, (SELECT group_concat(c.id, ' ') FROM journal c"     \
	" WHERE c.leader = j.id)"                                       \
	" FROM journal j LEFT JOIN tenants t ON t.id = j.tenant_id "
/* A further step of a row, at the time ?2. */
#define ADD_STEP(name)                                \
	" steps = substr(steps || " name " || '+' ||" \
	" max(?2 - received_ms, 0) || ' ', 1, 2000) "
/* Taken up and ended with another one; or told of with it. */
#define COVERED(row)                                        \
	"EXISTS (SELECT 1 FROM journal l WHERE l.id = " row \
	".leader AND l.done_ms IS NULL)"
#define DEAD_WITH(row)                                      \
	"EXISTS (SELECT 1 FROM journal l WHERE l.id = " row \
	".leader AND l.state = 'dead')"
#define HAS_PARTS "EXISTS (SELECT 1 FROM parts q WHERE q.seq = journal.seq)"
#define OF_DEAD                                              \
	"seq = (SELECT seq FROM journal d WHERE id = ?1 AND" \
	" state = 'dead' AND NOT " DEAD_WITH("d") ")"
/* And all that it covers. */
#define OF_ALL_DEAD                                             \
	"seq IN (SELECT seq FROM journal d WHERE d.id = ?1 AND" \
	" d.state = 'dead' AND NOT " DEAD_WITH(                 \
		"d") " UNION ALL SELECT seq FROM journal"       \
		     " WHERE leader = ?1 AND state = 'dead')"

/* From when on an entry may be done that is looked for by "channel:ts": no
 * index is kept of these, and a message is done after it was said. */
#define POST_SINCE                                          \
	"CASE WHEN instr(?1, ':') > 0 THEN CAST(substr(?1," \
	" instr(?1, ':') + 1) AS REAL) * 1000 - 600000 ELSE 9e18 END"

#define KEPT                                                  \
	"coalesce(k.transcripts, -1), coalesce(k.usage, -1)," \
	" coalesce(k.feedback, -1), coalesce(k.audit, -1),"   \
	" coalesce(k.history, -1)"

/* Answers and tokens, of today and of the month until today. */
#define SUMS(scope, table)                                                \
	"SELECT " scope ", sum(iif(day = ?2, answers, 0)), sum(answers)," \
	" sum(iif(day = ?2, prompt_tokens + completion_tokens, 0)),"      \
	" sum(prompt_tokens + completion_tokens) FROM " table             \
	" WHERE tenant_id = ?1 AND day BETWEEN ?3 AND ?2"
#define ADDED "sum(answers), sum(prompt_tokens), sum(completion_tokens)"

#define ADD_USAGE                                                  \
	" ON CONFLICT DO UPDATE SET answers = answers + 1,"        \
	" prompt_tokens = prompt_tokens + excluded.prompt_tokens," \
	" completion_tokens ="                                     \
	" completion_tokens + excluded.completion_tokens"

/* Keys that begin with app, workspace and channel. ';' is the character after
 * ':', so this is all that begins so. */
#define OLD_PLACE "?2 || ':' || ?3 || ':' || ?4"
#define HAS_OLD_KEY(name) \
#name " >= " OLD_PLACE " || ':' AND " #name " < " OLD_PLACE " || ';'"
#define NEW_KEY(name)                                                         \
	"?2 || ':' || ?3 || ':' || ?5 || substr(" #name ", length(" OLD_PLACE \
	") + 1)"

/* ?1 the tenant, ?2 the app, ?3 the workspace. */
#define CONNECTED_AT                                                    \
	"channel_type = 'slack' AND tenant_id = ?1 AND app_id = ?2 AND" \
	" workspace_id = ?3"
#define HOME_AT "tenant_id = ?1 AND app_id = ?2 AND workspace_id = ?3"

/* Of what is sealed: "k1.<key id>.<...>". */
#define KEY_OF "substr(value, 4, instr(substr(value, 4), '.') - 1)"

/* All that is ever asked of the database, beside the migrations. Where few rows
 * find theirs among many, CROSS JOIN keeps them in that order. */
const char *const sqlite_sql[Q_COUNT] = {
	[Q_RESOLVE] = "SELECT " CONNECTION
		      " WHERE c.channel_type = ?1 AND c.app_id = ?2"
		      " AND c.workspace_id = ?3",
	[Q_LEAVING] = "SELECT tenant_id, '', 0, -1, -1, channel_type, app_id,"
		      " workspace_id, bot_token, bot_user_id, bot_id, '',"
		      " 0, 0, 0, 0"
		      " FROM leaving WHERE channel_type = ?1 AND app_id = ?2"
		      " AND workspace_id = ?3",
	[Q_AGENT] = "SELECT " AGENT " FROM agents a WHERE a.tenant_id = ?1"
		    " ORDER BY a.id IS (SELECT t.agent"
		    " FROM transcript t WHERE t.tenant_id = ?1"
		    " AND t.channel = ?2 AND t.thread = ?3"
		    " AND t.agent IS NOT NULL ORDER BY t.ts LIMIT 1) DESC,"
		    " instr(a.channels, '\"' || ?2 || '\"') > 0 DESC,"
		    " a.is_default DESC, a.name LIMIT 1",
	[Q_AGENTS] = "SELECT " AGENT " FROM agents a WHERE a.tenant_id = ?1"
		     " ORDER BY a.is_default DESC, a.name",
	[Q_ACCESS] = "SELECT settings FROM access WHERE tenant_id = ?1"
		     " AND agent_id = ?2",
	[Q_HISTORY] = "SELECT ours, user_id, name, ts, text FROM transcript"
		      " WHERE tenant_id = ?1 AND channel = ?2 AND thread = ?3"
		      " ORDER BY ts DESC",
	[Q_HISTORY_FIRST] = "SELECT ours, user_id, name, ts, text"
			    " FROM transcript WHERE tenant_id = ?1"
			    " AND channel = ?2 AND thread = ?3"
			    " ORDER BY ts LIMIT 1",
	[Q_LINE] = "SELECT ours, user_id, name, ts, text, edited_ms"
		   " FROM transcript"
		   " WHERE tenant_id = ?1 AND channel = ?2 AND thread = ?3"
		   " AND ts = ?4",
	[Q_THREAD_OF] = "SELECT thread FROM transcript"
			" WHERE tenant_id = ?1 AND channel = ?2 AND ts = ?3",
	[Q_APPS] = "SELECT app_id, token FROM apps ORDER BY app_id",
	[Q_CONNECTIONS] = "SELECT " CONNECTION
			  " ORDER BY t.name, c.app_id, c.workspace_id",
	[Q_CONNECTIONS_OF] = "SELECT " CONNECTION " WHERE t.name = ?1"
			     " ORDER BY c.app_id, c.workspace_id",
	[Q_TENANTS] = "SELECT " TENANT ", " CHOICES
		      " FROM tenants t ORDER BY t.name",
	[Q_TENANT_BY_NAME] = "SELECT " TENANT ", " CHOICES
			     " FROM tenants t WHERE t.name = ?1",
	[Q_ENGAGED] = "SELECT key, at_ms FROM engaged WHERE at_ms >= ?1",
	[Q_CLAIMS] = "SELECT j.claim, j.id, j.verdict FROM journal j"
		     " WHERE j.done_ms >= ?1 AND j.claim IS NOT NULL"
		     " UNION ALL"
		     " SELECT j.claim, j.id, j.verdict FROM pending p"
		     " CROSS JOIN journal j USING (seq)"
		     " WHERE j.done_ms IS NULL AND j.claim IS NOT NULL",
	[Q_CONNECTIONS_OF_APP] = "SELECT " CONNECTION " WHERE c.app_id = ?1"
				 " ORDER BY c.workspace_id",
	[Q_THREADS] = "SELECT channel, thread, max(ts) FROM transcript"
		      " WHERE tenant_id = ?1 AND ts >= ?2"
		      " GROUP BY channel, thread ORDER BY 3 DESC",
	[Q_SEEN] = "SELECT app_id, at_ms FROM seen",
	[Q_SEEN_PUT] = "INSERT INTO seen (app_id, at_ms)"
		       " SELECT value, ?2 FROM json_each(?1)"
		       " WHERE EXISTS (SELECT 1 FROM apps"
		       " WHERE app_id = value)"
		       " ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",

	/* ?1 the tenant, ?2 app, ?3 workspace, ?4 the old id, ?5 the new. */
	[Q_MOVE_ENGAGED] =
		"INSERT INTO engaged (key, at_ms)"
		" SELECT " NEW_KEY(
			key) ", at_ms FROM engaged"
			     " WHERE " HAS_OLD_KEY(
				     key) " ON CONFLICT DO UPDATE SET"
					  " at_ms = max(at_ms, excluded.at_ms)",
	/* A JSON string that is the id; in a text its quotes are escaped. */
	[Q_MOVE_FRAMES] =
		"UPDATE pending SET frame = CAST(replace(CAST(frame AS TEXT),"
		" '\"' || ?4 || '\"', '\"' || ?5 || '\"') AS BLOB)"
		" WHERE seq IN (SELECT p.seq FROM pending p"
		" JOIN journal j USING (seq) WHERE j.app_id = ?2)",
	[Q_MOVE_CLAIMS] = "UPDATE journal SET claim = " NEW_KEY(
		claim) " WHERE app_id = ?2 AND " HAS_OLD_KEY(claim),
	[Q_MOVE_POSTS] = "UPDATE journal SET post = ?5 ||"
			 " substr(post, length(?4) + 1) WHERE app_id = ?2"
			 " AND post >= ?4 || ':' AND post < ?4 || ';'",
	[Q_MOVE_USAGE] = "UPDATE OR IGNORE usage_by SET who = ?5"
			 " WHERE tenant_id = ?1 AND kind = 'channel'"
			 " AND who = ?4",
	[Q_MOVE_HOMES] = "UPDATE OR IGNORE homes SET who = ?5"
			 " WHERE tenant_id = ?1 AND kind = 'channel'"
			 " AND who = ?4",
	[Q_MOVE_TRANSCRIPT] = "UPDATE OR IGNORE transcript SET channel = ?5"
			      " WHERE tenant_id = ?1 AND channel = ?4",
	[Q_MOVE_AGENTS] = "UPDATE agents SET channels = replace(channels,"
			  " '\"' || ?4 || '\"', '\"' || ?5 || '\"')"
			  " WHERE tenant_id = ?1",
	[Q_MOVE_CANARY] = "UPDATE canaries SET channel = ?5"
			  " WHERE tenant_id = ?1 AND app_id = ?2"
			  " AND workspace_id = ?3 AND channel = ?4",
	[Q_MOVE_ACCESS] = "UPDATE access SET settings = replace(settings,"
			  " '\"' || ?4 || '\"', '\"' || ?5 || '\"')"
			  " WHERE tenant_id = ?1",

	[Q_TENANT_PUT] = "INSERT INTO tenants AS t"
			 " (id, name, paused, rate_per_minute, burst, budget,"
			 " agent_sessions, streaming, text_until_ms)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
			 " ON CONFLICT (name) DO UPDATE SET"
			 " paused = excluded.paused,"
			 " rate_per_minute = excluded.rate_per_minute,"
			 " burst = excluded.burst,"
			 " budget = excluded.budget,"
			 " agent_sessions = excluded.agent_sessions,"
			 " streaming = excluded.streaming,"
			 " text_until_ms = excluded.text_until_ms"
			 " RETURNING id",
	[Q_TENANT_DROP] = "DELETE FROM tenants WHERE id = ?1",
	/* ';' is the character after ':', so this is all that begins so. */
	[Q_LINE_PUT] = "UPDATE transcript SET text = ?5, edited_ms = ?6"
		       " WHERE tenant_id = ?1 AND channel = ?2"
		       " AND thread = ?3 AND ts = ?4 AND edited_ms <= ?6",
	[Q_LINE_FORGET] = "DELETE FROM transcript"
			  " WHERE tenant_id = ?1 AND channel = ?2"
			  " AND thread = ?3 AND ts = ?4",
	[Q_ENGAGED_END] = "DELETE FROM engaged WHERE key = ?1",
	[Q_GREET] = "INSERT INTO greeted (tenant_id, app_id, channel, at_ms)"
		    " SELECT ?1, ?2, ?3, ?4 WHERE EXISTS"
		    " (SELECT 1 FROM tenants WHERE id = ?1)"
		    " ON CONFLICT DO NOTHING",
	[Q_FEEDBACK_PUT] =
		"INSERT INTO feedback (tenant_id, entry, user_id, up, at_ms)"
		" SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS"
		" (SELECT 1 FROM tenants WHERE id = ?1)"
		" ON CONFLICT DO UPDATE SET up = excluded.up,"
		" at_ms = excluded.at_ms",
	[Q_TENANT_ENGAGED_DROP] =
		"DELETE FROM engaged WHERE key IN (SELECT e.key"
		" FROM connections c JOIN engaged e ON"
		" e.key >= c.app_id || ':' || c.workspace_id || ':' AND"
		" e.key < c.app_id || ':' || c.workspace_id || ';'"
		" WHERE c.tenant_id = ?1)",
	[Q_TENANT_CONNECTIONS_DROP] = "DELETE FROM connections"
				      " WHERE tenant_id = ?1 RETURNING app_id",
	[Q_APP_DROP_UNUSED] = "DELETE FROM apps WHERE app_id = ?1"
			      " AND NOT EXISTS (SELECT 1 FROM connections c"
			      " WHERE c.app_id = ?1)",
	[Q_APP_PUT] = "INSERT INTO apps (app_id, token) VALUES (?1, ?2)"
		      " ON CONFLICT DO UPDATE SET token = excluded.token",
	[Q_APP_CALL] = "SELECT 1 FROM apps WHERE app_id = ?1",
	[Q_CONNECTION_OWNER] = "SELECT tenant_id FROM connections"
			       " WHERE channel_type = ?1 AND app_id = ?2"
			       " AND workspace_id = ?3",
	[Q_CONNECTION_PUT] =
		"INSERT INTO connections (channel_type, app_id,"
		" workspace_id, tenant_id, bot_token, bot_user_id, bot_id,"
		" back_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
		" ON CONFLICT DO UPDATE SET bot_token = excluded.bot_token,"
		" bot_user_id = excluded.bot_user_id,"
		" bot_id = excluded.bot_id, back_ms = excluded.back_ms,"
		" gone_ms = 0, gone_why = '', gone_token = '', noted_ms = 0,"
		" erased_ms = 0",
	[Q_AGENT_ID] = "SELECT id FROM agents WHERE tenant_id = ?1"
		       " AND name = ?2",
	[Q_AGENT_DEFAULT] = "UPDATE agents SET is_default = id = ?2"
			    " WHERE tenant_id = ?1",
	[Q_AGENT_PUT] = "INSERT INTO agents (tenant_id, id, name, role,"
			" persona, model, placeholder, active, is_default,"
			" channels, locale)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
			" ?11)"
			" ON CONFLICT (tenant_id, id) DO UPDATE SET"
			" name = excluded.name, role = excluded.role,"
			" persona = excluded.persona, model = excluded.model,"
			" placeholder = excluded.placeholder,"
			" active = excluded.active,"
			" is_default = excluded.is_default,"
			" channels = excluded.channels,"
			" locale = excluded.locale",
	[Q_AGENT_DROP] = "DELETE FROM agents WHERE tenant_id = ?1 AND id = ?2",
	[Q_ACCESS_PUT] = "INSERT INTO access (tenant_id, agent_id, settings)"
			 " VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
			 " settings = excluded.settings",
	[Q_ACCESS_DROP] = "DELETE FROM access WHERE tenant_id = ?1"
			  " AND agent_id = ?2",

	[Q_SEALING] = "SELECT key_id FROM sealing",
	[Q_SEALING_PUT] = "UPDATE sealing SET key_id = ?1",
	[Q_SEALED_COUNT] = "SELECT " KEY_OF ", count(*) FROM sealed"
			   " GROUP BY 1 ORDER BY 2 DESC, 1",
	[Q_SEALED_OTHER] = "SELECT kind, a, b, c, tenant_id, value FROM sealed"
			   " WHERE " KEY_OF " <> ?1 LIMIT ?2",
	[Q_RESEAL_APP] = "UPDATE apps SET token = ?4 WHERE app_id = ?1",
	[Q_RESEAL_CONNECTION] = "UPDATE connections SET bot_token = ?4"
				" WHERE channel_type = ?1 AND app_id = ?2"
				" AND workspace_id = ?3",
	[Q_RESEAL_LEAVING] = "UPDATE leaving SET bot_token = ?4"
			     " WHERE channel_type = ?1 AND app_id = ?2"
			     " AND workspace_id = ?3",
	[Q_RESEAL_SECRET] = "UPDATE secrets SET value = ?4 WHERE name = ?1",
	[Q_RESEAL_CLIENT] = "UPDATE clients SET client_secret = ?4"
			    " WHERE app_id = ?1",
	[Q_RESEAL_GRANT] = "UPDATE grants SET refresh_token = ?4"
			   " WHERE channel_type = ?1 AND app_id = ?2"
			   " AND workspace_id = ?3",
	[Q_SECRET_NAMES] = "SELECT name FROM secrets ORDER BY name",
	[Q_SECRET] = "SELECT value FROM secrets WHERE name = ?1",
	[Q_SECRET_PUT] = "INSERT INTO secrets (name, value) VALUES (?1, ?2)"
			 " ON CONFLICT DO UPDATE SET value = excluded.value",
	[Q_SECRET_REMOVE] = "DELETE FROM secrets WHERE name = ?1",

	[Q_GRANTS_DUE] =
		"SELECT g.tenant_id, g.channel_type, g.app_id, g.workspace_id,"
		" c.bot_token, g.refresh_token, k.client_id, k.client_secret,"
		" g.expires_ms, g.generation FROM grants g JOIN connections c"
		" USING (channel_type, app_id, workspace_id)"
		" JOIN clients k ON k.app_id = g.app_id"
		" WHERE g.renew_ms <= ?1 AND c.gone_ms = 0 ORDER BY g.renew_ms",
	[Q_GRANT_TIMES] = "SELECT app_id, workspace_id, expires_ms, renew_ms"
			  " FROM grants WHERE tenant_id = ?1"
			  " ORDER BY app_id, workspace_id",
	[Q_GRANT_SUM] = "SELECT count(*), coalesce(min(renew_ms), 0),"
			" coalesce(min(nullif(expires_ms, 0)), 0) FROM grants"
			" JOIN connections c USING (channel_type, app_id,"
			" workspace_id) WHERE c.gone_ms = 0",
	[Q_GRANT_KNOWN] = "SELECT 1 FROM grants WHERE channel_type = ?1"
			  " AND app_id = ?2 AND workspace_id = ?3"
			  " AND tenant_id = ?4 AND given = ?5",
	[Q_GRANT_PUT] =
		"INSERT INTO grants AS g (channel_type, app_id, workspace_id,"
		" tenant_id, refresh_token, expires_ms, renew_ms, given,"
		" generation) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, 1)"
		" ON CONFLICT DO UPDATE"
		" SET tenant_id = excluded.tenant_id,"
		" refresh_token = excluded.refresh_token, expires_ms = 0,"
		" renew_ms = 0, given = excluded.given, generation = g.generation + 1",
	[Q_GRANT_DROP] = "DELETE FROM grants WHERE channel_type = ?1"
			 " AND app_id = ?2 AND workspace_id = ?3",
	[Q_GRANT_HURRY] = "UPDATE grants SET renew_ms = 0"
			  " WHERE channel_type = ?1 AND app_id = ?2"
			  " AND workspace_id = ?3",
	[Q_GRANT_RENEW] = "UPDATE grants SET refresh_token = ?4,"
			  " expires_ms = ?5, renew_ms = ?7,"
			  " generation = generation + 1"
			  " WHERE channel_type = ?1 AND app_id = ?2"
			  " AND workspace_id = ?3 AND generation = ?6",
	[Q_CANARIES] =
		"SELECT y.tenant_id, t.name, y.app_id, y.workspace_id,"
		" y.channel, y.minutes, y.ts, y.posted_ms, y.nonce, y.sent_ms,"
		" y.made, y.heard_ms, y.trip_ms, y.missed, y.due_ms,"
		" y.problem, y.redial_ms, y.gap_from_ms, y.gap_to_ms,"
		" c.bot_token, c.bot_user_id, c.bot_id"
		" FROM canaries y JOIN tenants t ON t.id = y.tenant_id"
		" JOIN connections c USING (channel_type, app_id, workspace_id)"
		" WHERE c.gone_ms = 0 AND (?1 IS NULL OR y.tenant_id = ?1)"
		" AND (?2 IS NULL OR y.due_ms <= ?2) ORDER BY y.due_ms, t.name",
	[Q_CANARY_SET] = "SELECT app_id, workspace_id, channel, minutes"
			 " FROM canaries WHERE tenant_id = ?1",
	[Q_CANARY_DROP] = "DELETE FROM canaries WHERE tenant_id = ?1",
	[Q_CANARY_PUT] =
		"INSERT INTO canaries (tenant_id, channel_type, app_id,"
		" workspace_id, channel, minutes)"
		" VALUES (?1, 'slack', ?2, ?3, ?4, ?5)",
	[Q_CANARY_PACE] = "UPDATE canaries SET minutes = ?2, due_ms ="
			  " CASE WHEN nonce = '' THEN 0 ELSE due_ms END"
			  " WHERE tenant_id = ?1",
	[Q_CANARY_NOTE] = "UPDATE canaries SET nonce = ?4, sent_ms = ?5,"
			  " made = ?6, due_ms = ?7, missed = ?8,"
			  " redial_ms = ?9, posted_ms = ?10, ts = ?11,"
			  " problem = ?12 WHERE tenant_id = ?1"
			  " AND channel = ?2 AND nonce = ?3",
	[Q_CANARY_AWAITED] =
		"SELECT t.name, y.channel, y.sent_ms, y.missed FROM canaries y"
		" JOIN tenants t ON t.id = y.tenant_id WHERE y.app_id = ?1"
		" AND y.nonce = ?2 AND ?2 <> '' AND y.ts IN ('', ?3)",
	[Q_CANARY_HEARD] =
		"UPDATE canaries SET nonce = '', heard_ms = ?4,"
		" gap_from_ms = iif(missed > 0, heard_ms, gap_from_ms),"
		" gap_to_ms = iif(missed > 0, ?4, gap_to_ms),"
		" trip_ms = max(?4 - sent_ms, 0), missed = 0, problem = '',"
		" ts = ?3, posted_ms = 0, due_ms = sent_ms + minutes * 60000"
		" WHERE app_id = ?1 AND nonce = ?2 AND ts IN ('', ?3)",
	[Q_CLIENT] = "SELECT 1 FROM clients WHERE app_id = ?1",
	[Q_CLIENT_PUT] = "INSERT INTO clients (app_id, client_id,"
			 " client_secret) VALUES (?1, ?2, ?3)"
			 " ON CONFLICT DO UPDATE SET"
			 " client_id = excluded.client_id,"
			 " client_secret = excluded.client_secret",

	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_SAVEPOINT] = "SAVEPOINT row",
	[Q_RELEASE] = "RELEASE row",
	[Q_ROLLBACK_TO] = "ROLLBACK TO row",

	[Q_APPEND] = "INSERT INTO journal (id, app_id, event_id, received_ms)"
		     " VALUES (?1, ?2, ?3, ?4)"
		     " ON CONFLICT (app_id, event_id) DO NOTHING",
	[Q_APPEND_FRAME] = "INSERT INTO pending (seq, frame)"
			   " VALUES (last_insert_rowid(), ?1)",
	[Q_SEQ] = "SELECT seq, done_ms IS NOT NULL FROM journal WHERE id = ?1",
	[Q_NOTE] = "UPDATE journal SET state = coalesce(?2, state),"
		   " verdict = coalesce(?3, verdict),"
		   " claim = coalesce(?4, claim),"
		   " tenant_id = coalesce(?5, tenant_id),"
		   " steps = substr(steps || coalesce(?6, ''), 1, 2000),"
		   " post = coalesce(?7, post) WHERE seq = ?1",
	[Q_NOTE_ANSWER] = "UPDATE pending SET answer = ?2 WHERE seq = ?1",
	/* What is posted stays so, whatever is intended once more. */
	[Q_NOTE_PART] = "INSERT INTO parts (seq, part, ts) VALUES (?1, ?2, ?3)"
			" ON CONFLICT DO UPDATE SET ts = excluded.ts"
			" WHERE excluded.ts <> ''",
	[Q_NOTE_ENGAGED] = "INSERT INTO engaged (key, at_ms) VALUES (?1, ?2)"
			   " ON CONFLICT DO UPDATE SET"
			   " at_ms = max(at_ms, excluded.at_ms)",
	[Q_NOTE_COVER] = "UPDATE journal SET leader = ?3," ADD_STEP(
		"'covered'") "WHERE id = ?1 AND done_ms IS NULL",
	[Q_DONE] = "UPDATE journal SET state = coalesce(?2, state),"
		   " verdict = coalesce(?3, verdict),"
		   " claim = coalesce(?4, claim),"
		   " tenant_id = coalesce(?5, tenant_id),"
		   " steps = substr(steps || coalesce(?6, ''), 1, 2000),"
		   " post = coalesce(?7, post), done_ms = ?8"
		   " WHERE seq = ?1",
	[Q_DONE_PENDING] = "DELETE FROM pending WHERE seq = ?1",
	[Q_DONE_COVERED] =
		"UPDATE journal SET done_ms = ?2,"
		" state = (SELECT state FROM journal WHERE id = ?1),"
		" verdict = (SELECT verdict FROM journal WHERE id = ?1)," ADD_STEP(
			"(SELECT state FROM journal WHERE id = ?1)") "WHERE leader = ?1 AND done_ms IS NULL",
	[Q_DONE_COVERED_PENDING] = "DELETE FROM pending WHERE seq IN (SELECT"
				   " seq FROM journal WHERE leader = ?1)",
	[Q_HAS_TENANT] = "SELECT 1 FROM tenants WHERE id = ?1",
	[Q_DONE_LINE] = "INSERT INTO transcript (tenant_id, channel, thread,"
			" ts, ours, user_id, name, text, agent, edited_ms)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
			" ON CONFLICT DO NOTHING",
	[Q_DONE_USAGE] = "INSERT INTO usage (tenant_id, day, model,"
			 " answers, prompt_tokens, completion_tokens)"
			 " VALUES (?1, ?2, ?3, 1, ?4, ?5)" ADD_USAGE,
	[Q_DONE_USAGE_BY] =
		"INSERT INTO usage_by (tenant_id, kind, who, day, model,"
		" answers, prompt_tokens, completion_tokens)"
		" VALUES (?1, ?6, ?7, ?2, ?3, 1, ?4, ?5)" ADD_USAGE,
	[Q_COUNT_UNFINISHED] = "SELECT count(*) FROM pending p"
			       " CROSS JOIN journal j USING (seq)"
			       " WHERE j.done_ms IS NULL",
	[Q_UNFINISHED] = "SELECT " ENTRY " FROM pending p"
			 " JOIN journal j USING (seq)"
			 " WHERE j.done_ms IS NULL AND NOT " COVERED(
				 "j") " ORDER BY p.seq",
	[Q_ONE_UNFINISHED] = "SELECT " ENTRY " FROM journal j"
			     " JOIN pending p USING (seq)"
			     " WHERE j.id = ?1 AND j.done_ms IS NULL"
			     " AND NOT " COVERED("j"),
	[Q_COVERED] = "SELECT j.id, p.frame FROM journal j"
		      " JOIN pending p USING (seq) WHERE j.leader = ?1"
		      " AND j.done_ms IS NULL ORDER BY j.seq",
	[Q_PARTS] = "SELECT part, ts FROM parts WHERE seq = ?1 ORDER BY part",
	[Q_EXPIRE_JOURNAL] = "DELETE FROM journal WHERE seq IN (SELECT seq"
			     " FROM journal WHERE done_ms < ?1 LIMIT ?2)",
	[Q_EXPIRE_ENGAGED] = "DELETE FROM engaged WHERE key IN (SELECT key"
			     " FROM engaged WHERE at_ms < ?1 LIMIT ?2)",
	[Q_EXPIRE_LEAVING] = "DELETE FROM leaving WHERE (channel_type, app_id,"
			     " workspace_id) IN (SELECT channel_type, app_id,"
			     " workspace_id FROM leaving WHERE at_ms < ?1"
			     " LIMIT ?2)",

	[Q_AUDIT_ROWS] =
		"SELECT c.first, c.before, c.last, c.hash, a.seq, a.at_ms,"
		" a.tenant_id, a.body, a.digest, a.before, a.hash"
		" FROM audit_chain c LEFT JOIN (SELECT * FROM audit"
		" WHERE seq > ?1 AND at_ms >= ?2 ORDER BY seq LIMIT ?3) a"
		" ON true ORDER BY a.seq",
	[Q_AUDIT_CHAIN] = "SELECT first, before, last, hash FROM audit_chain",
	[Q_AUDIT_PUT] = "INSERT INTO audit (seq, at_ms, tenant_id, body,"
			" digest, before, hash)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[Q_AUDIT_END] = "UPDATE audit_chain SET last = ?1, hash = ?2",
	[Q_AUDIT_OLDEST] = "SELECT seq, body IS NULL, hash FROM audit"
			   " ORDER BY seq LIMIT ?1",
	[Q_AUDIT_DROP] = "DELETE FROM audit WHERE seq <= ?1",
	[Q_AUDIT_BEGIN] = "UPDATE audit_chain SET first = ?1 + 1, before = ?2",

	[Q_KEEP] = "SELECT " KEPT " FROM keep k WHERE k.tenant_id = ?1",
	[Q_KEEP_PUT] = "INSERT INTO keep (tenant_id, transcripts, usage,"
		       " feedback, audit, history)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
		       " ON CONFLICT DO UPDATE SET"
		       " transcripts = excluded.transcripts,"
		       " usage = excluded.usage,"
		       " feedback = excluded.feedback,"
		       " audit = excluded.audit, history = excluded.history",
	[Q_KEEP_NEXT] = "SELECT " KEPT ", t.id FROM tenants t"
			" LEFT JOIN keep k ON k.tenant_id = t.id"
			" WHERE t.id > ?1 ORDER BY t.id LIMIT 1",
	[Q_ERASE_HOMES] =
		"DELETE FROM homes WHERE tenant_id = ?1"
		" AND (app_id, workspace_id, kind, who) IN (SELECT app_id,"
		" workspace_id, kind, who FROM homes WHERE tenant_id = ?1"
		" AND day < ?2 LIMIT ?3)",
	/* ?1 the tenant, ?2 from before when, ?3 at most so many. */
	[Q_ERASE_TRANSCRIPT] =
		"DELETE FROM transcript WHERE tenant_id = ?1"
		" AND (channel, thread, ts) IN (SELECT channel, thread, ts"
		" FROM transcript WHERE tenant_id = ?1 AND ts < ?2 LIMIT ?3)",
	[Q_ERASE_USAGE] = "DELETE FROM usage WHERE tenant_id = ?1"
			  " AND (day, model) IN (SELECT day, model FROM usage"
			  " WHERE tenant_id = ?1 AND day < ?2 LIMIT ?3)",
	[Q_ERASE_USAGE_BY] =
		"DELETE FROM usage_by WHERE tenant_id = ?1"
		" AND (kind, who, day, model) IN (SELECT kind, who, day, model"
		" FROM usage_by WHERE tenant_id = ?1 AND day < ?2 LIMIT ?3)",
	[Q_ERASE_MARKS] =
		"DELETE FROM budget_marks WHERE tenant_id = ?1"
		" AND (since, budget, who) IN (SELECT since, budget, who"
		" FROM budget_marks WHERE tenant_id = ?1 AND since < ?2"
		" LIMIT ?3)",
	[Q_ERASE_FEEDBACK] =
		"DELETE FROM feedback WHERE tenant_id = ?1"
		" AND (entry, user_id) IN (SELECT entry, user_id FROM feedback"
		" WHERE tenant_id = ?1 AND at_ms < ?2 LIMIT ?3)",
	[Q_ERASE_JOURNAL] = "DELETE FROM journal WHERE seq IN (SELECT seq"
			    " FROM journal WHERE tenant_id = ?1"
			    " AND done_ms < ?2 LIMIT ?3)",
	[Q_ERASE_AUDIT] = "UPDATE audit SET body = NULL WHERE seq IN"
			  " (SELECT seq FROM audit WHERE tenant_id = ?1"
			  " AND at_ms < ?2 AND body IS NOT NULL LIMIT ?3)",
	/* Of no tenant that is there. */
	[Q_ERASE_AUDIT_REST] =
		"UPDATE audit SET body = NULL WHERE seq IN (SELECT a.seq"
		" FROM audit a WHERE a.at_ms < ?1 AND a.body IS NOT NULL"
		" AND NOT EXISTS (SELECT 1 FROM tenants t"
		" WHERE t.id = a.tenant_id) LIMIT ?2)",
	/* Frames and answers of what was given up. */
	[Q_ERASE_PENDING] = "DELETE FROM pending WHERE seq IN (SELECT p.seq"
			    " FROM journal j JOIN pending p USING (seq)"
			    " WHERE j.tenant_id = ?1 AND j.done_ms IS NOT NULL"
			    " LIMIT ?2)",
	[Q_ERASE_GREETED] =
		"DELETE FROM greeted WHERE tenant_id = ?1"
		" AND (app_id, channel) IN (SELECT app_id, channel FROM greeted"
		" WHERE tenant_id = ?1 LIMIT ?2)",

	[Q_SILENT] = "SELECT t.name, CASE WHEN t.paused THEN 'paused'"
		     " WHEN NOT " HAS_AGENT " THEN 'no agent'"
		     " WHEN EXISTS (SELECT 1 FROM connections c"
		     " WHERE c.tenant_id = t.id) THEN 'uninstalled'"
		     " ELSE 'no workspace' END FROM tenants t WHERE t.paused"
		     " OR NOT " HAS_AGENT " OR NOT EXISTS (SELECT 1"
		     " FROM connections c WHERE c.tenant_id = t.id"
		     " AND c.gone_ms = 0) ORDER BY t.name LIMIT ?1",
	[Q_GONE] = "SELECT t.id, t.name, c.app_id, c.workspace_id, c.gone_why,"
		   " c.gone_ms, c.noted_ms, c.erased_ms,"
		   " NOT EXISTS (SELECT 1 FROM connections o"
		   " WHERE o.tenant_id = c.tenant_id AND o.erased_ms = 0"
		   " AND (o.channel_type, o.app_id, o.workspace_id) <>"
		   " (c.channel_type, c.app_id, c.workspace_id)),"
		   " EXISTS (SELECT 1 FROM pending p"
		   " CROSS JOIN journal j USING (seq)"
		   " WHERE j.done_ms IS NULL AND j.tenant_id = t.id AND"
		   " j.claim >= c.app_id || ':' || c.workspace_id || ':' AND"
		   " j.claim < c.app_id || ':' || c.workspace_id || ';')"
		   " FROM connections c JOIN tenants t ON t.id = c.tenant_id"
		   " WHERE c.gone_ms > 0 AND (?1 IS NULL OR t.name = ?1)"
		   " ORDER BY c.noted_ms",
	/* The tokens of one that is renewed are revoked one by one. */
	[Q_GONE_NOTE] = "UPDATE connections SET gone_why = ?4, gone_ms = ?5,"
			" noted_ms = ?6, gone_token = ?7, erased_ms = 0"
			" WHERE " CONNECTED_AT
			" AND gone_ms = 0 AND back_ms < ?5"
			" AND (?4 <> 'tokens_revoked' OR NOT EXISTS (SELECT 1"
			" FROM grants g WHERE g.channel_type = 'slack'"
			" AND g.app_id = ?2 AND g.workspace_id = ?3))",
	[Q_GONE_BACK] = "UPDATE connections SET back_ms = ?4, gone_ms = 0,"
			" gone_why = '', gone_token = '', noted_ms = 0"
			" WHERE " CONNECTED_AT
			" AND gone_ms > 0 AND gone_ms < ?4"
			" AND erased_ms = 0",
	[Q_GONE_KNOWN] = "SELECT 1 FROM connections WHERE " CONNECTED_AT
			 " AND gone_ms > 0 AND gone_token = ?4",
	[Q_GONE_ERASED] = "UPDATE connections SET bot_token = '',"
			  " erased_ms = ?4 WHERE " CONNECTED_AT
			  " AND gone_ms > 0 AND erased_ms = 0",
	[Q_GONE_GRANT] = "UPDATE grants SET refresh_token = ''"
			 " WHERE " CONNECTED_AT,
	[Q_GONE_ENGAGED] = "DELETE FROM engaged"
			   " WHERE key >= ?2 || ':' || ?3 || ':'"
			   " AND key < ?2 || ':' || ?3 || ';' AND ?1 <> ''",
	[Q_GONE_HOMES] = "DELETE FROM homes WHERE " HOME_AT,
	/* Where nobody has spoken is nobody's home. */
	[Q_GONE_GREETED] = "DELETE FROM greeted WHERE tenant_id = ?1"
			   " AND app_id = ?2 AND NOT EXISTS (SELECT 1"
			   " FROM connections c WHERE c.tenant_id = ?1"
			   " AND c.app_id = ?2 AND c.erased_ms = 0)",

	[Q_HOME] = "INSERT INTO homes (tenant_id, app_id, workspace_id, kind,"
		   " who, day) SELECT ?1, ?2, ?3, v.column1, v.column2,"
		   " date(?4 / 1000, 'unixepoch')"
		   " FROM (VALUES ('channel', ?5), ('person', ?6)) v"
		   " WHERE v.column2 <> ''"
		   " AND EXISTS (SELECT 1 FROM tenants WHERE id = ?1)"
		   " ON CONFLICT DO UPDATE SET day = excluded.day"
		   " WHERE day < excluded.day",
	/* And isn't it at home anywhere else? */
	[Q_HOME_NEXT] =
		"SELECT h.kind, h.who, NOT EXISTS (SELECT 1 FROM homes o"
		" JOIN connections c ON c.tenant_id = o.tenant_id"
		" AND c.app_id = o.app_id AND c.workspace_id = o.workspace_id"
		" WHERE o.tenant_id = ?1 AND o.kind = h.kind"
		" AND o.who = h.who AND c.erased_ms = 0"
		" AND (o.app_id, o.workspace_id) <> (?2, ?3))"
		" FROM homes h WHERE h.tenant_id = ?1 AND h.app_id = ?2"
		" AND h.workspace_id = ?3 LIMIT 1",
	[Q_HOME_DROP] = "DELETE FROM homes WHERE " HOME_AT
			" AND kind = ?4 AND who = ?5",
	/* ?2 and ?3 who that is, ?4 at most so many. */
	[Q_HOME_USAGE] =
		"DELETE FROM usage_by WHERE tenant_id = ?1 AND kind = ?2"
		" AND who = ?3 AND (day, model) IN (SELECT day, model"
		" FROM usage_by WHERE tenant_id = ?1 AND kind = ?2"
		" AND who = ?3 LIMIT ?4)",
	[Q_HOME_MARKS] = "DELETE FROM budget_marks WHERE tenant_id = ?1"
			 " AND who = ?3",
	[Q_HOME_TRANSCRIPT] =
		"DELETE FROM transcript WHERE ?2 = 'channel'"
		" AND tenant_id = ?1 AND channel = ?3 AND (thread, ts) IN"
		" (SELECT thread, ts FROM transcript WHERE tenant_id = ?1"
		" AND channel = ?3 LIMIT ?4)",
	[Q_HOME_FEEDBACK] =
		"DELETE FROM feedback WHERE ?2 = 'person' AND tenant_id = ?1"
		" AND user_id = ?3 AND entry IN (SELECT entry FROM feedback"
		" WHERE tenant_id = ?1 AND user_id = ?3 LIMIT ?4)",
	[Q_HOME_GREETED] = "DELETE FROM greeted WHERE ?2 = 'channel'"
			   " AND tenant_id = ?1 AND channel = ?3",
	/* Frames and answers of what was given up there. */
	[Q_HOME_PENDING] =
		"DELETE FROM pending WHERE seq IN (SELECT p.seq FROM pending p"
		" CROSS JOIN journal j USING (seq) WHERE j.tenant_id = ?1"
		" AND j.done_ms IS NOT NULL"
		" AND j.claim >= ?2 || ':' || ?3 || ':'"
		" AND j.claim < ?2 || ':' || ?3 || ';' LIMIT ?4)",

	/* ?1 the tenant, ?2 today, ?3 the month's first day. */
	[Q_USAGE_SUMS] = SUMS("0", "usage") " UNION ALL " SUMS(
		"1",
		"usage_by") " AND kind = 'channel' AND who = ?4"
			    " UNION ALL " SUMS(
				    "2",
				    "usage_by") " AND kind = 'person' AND who = ?5",
	[Q_USAGE_BY_MODEL] = "SELECT model, model, " ADDED
			     " FROM usage WHERE tenant_id = ?1 AND day >= ?2"
			     " GROUP BY model ORDER BY model",
	[Q_USAGE_BY_DAY] = "SELECT day, model, answers, prompt_tokens,"
			   " completion_tokens FROM usage"
			   " WHERE tenant_id = ?1 AND day >= ?2"
			   " ORDER BY day, model",
	[Q_USAGE_BY] = "SELECT who, model, " ADDED
		       " FROM usage_by WHERE tenant_id = ?1 AND day >= ?2"
		       " AND kind = ?3 GROUP BY who, model"
		       " ORDER BY who, model",
	[Q_USAGE_MARKS] = "SELECT since, budget, who, at_ms FROM budget_marks"
			  " WHERE tenant_id = ?1 AND since >= ?2"
			  " ORDER BY at_ms",
	[Q_USAGE_MARK] = "INSERT INTO budget_marks (tenant_id, since, budget,"
			 " who, at_ms) SELECT ?1, ?2, ?3, ?4, ?5"
			 " WHERE EXISTS (SELECT 1 FROM tenants WHERE id = ?1)"
			 " ON CONFLICT DO NOTHING",

	[Q_RECORD_FIND] = RECORD
	"WHERE j.seq IN (SELECT seq FROM journal WHERE id = ?1"
	" UNION SELECT seq FROM journal WHERE post = ?1"
	" AND done_ms >= " POST_SINCE " UNION SELECT p.seq FROM pending p"
	" CROSS JOIN journal k USING (seq) WHERE k.post = ?1"
	" UNION SELECT k.seq FROM apps a CROSS JOIN journal k"
	" ON k.app_id = a.app_id AND k.event_id = ?1"
	" UNION SELECT seq FROM journal WHERE"
	" length(?1) = 6 AND substr(id, -6) = ?1)"
	" ORDER BY j.seq LIMIT 50",
	[Q_RECORD_DEAD] = RECORD
	"WHERE j.state = 'dead' AND j.seq IN"
	" (SELECT seq FROM pending)"
	" AND NOT " DEAD_WITH("j") " ORDER BY j.seq LIMIT ?1",
	[Q_RECORD_STALE] = "SELECT j.id FROM pending p"
			   " JOIN journal j USING (seq)"
			   " WHERE j.done_ms IS NULL AND j.received_ms < ?1"
			   " AND NOT " COVERED("j") " ORDER BY p.seq LIMIT ?2",
	[Q_RECORD_BLAME] =
		"UPDATE journal SET attempts = attempts + 1," ADD_STEP(
			"?3") "WHERE id = ?1 AND done_ms IS NULL",
	[Q_RECORD_REPLAY] =
		"UPDATE journal SET done_ms = NULL, attempts = 0,"
		" replayed_ms = ?2," ADD_STEP(
			"'replayed'") ","
				      " state = CASE WHEN " HAS_PARTS
				      " THEN 'accepted'"
				      " ELSE 'new' END,"
				      " verdict = CASE WHEN " HAS_PARTS
				      " THEN 'accept' END"
				      " WHERE " OF_ALL_DEAD
				      " AND seq IN (SELECT seq FROM pending)",
	/* It may be the sentence that says that there is none. */
	[Q_RECORD_REPLAY_ANSWER] =
		"UPDATE pending SET answer = NULL WHERE " OF_DEAD
		" AND (SELECT verdict FROM journal WHERE id = ?1)"
		" LIKE 'failed:%'",
	[Q_RECORD_DROP] = "UPDATE journal SET state = 'done'," ADD_STEP(
		"'dropped'") "WHERE " OF_ALL_DEAD,
	[Q_RECORD_DROP_PENDING] = "DELETE FROM pending WHERE " OF_ALL_DEAD,
};
