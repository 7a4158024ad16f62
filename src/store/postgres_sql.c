/* SPDX-License-Identifier: ISC */
#include "store/postgres.h"

#define TENANT  "id, name, paused, rate_per_minute, burst"
#define CHOICES "budget, agent_sessions, streaming, text_until_ms"
#define CONNECTION                                                \
	TENANT ", channel_type, app_id, workspace_id, bot_token," \
	       " bot_user_id, bot_id, " CHOICES ", gone_ms"

#define ACCESS_OF(agent)                         \
	"(SELECT x.settings FROM access x WHERE" \
	" x.tenant_id = a.tenant_id AND x.agent_id = " agent ")"
#define AGENT                                                             \
	"a.tenant_id, a.id, a.name, a.role, a.persona, a.model,"          \
	" a.placeholder, a.active, a.is_default, a.channels, " ACCESS_OF( \
		"a.id") ", " ACCESS_OF("''") ", a.locale"
/* The one of the thread, of the channel, or the default. */
#define WHO_ANSWERS(channel, thread, of)                                       \
	"(a.id = (SELECT t.agent FROM transcript t WHERE " of                  \
	"t.channel = " channel " AND t.thread = " thread                       \
	" AND t.agent IS NOT NULL ORDER BY t.ts LIMIT 1)) IS TRUE DESC,"       \
	" (strpos(a.channels, '\"' || " channel " || '\"') > 0) IS TRUE DESC," \
	" a.is_default DESC, a.name LIMIT 1"

#define RECORD                                                  \
	"id, app_id, event_id, state, received_ms, done_ms,"    \
	" replayed_ms, tenant, verdict, attempts, post, steps," \
	" posts, kept, leader, covers"

/* The tenant may have been removed while its answer was written. */
#define LINE(open)                                                      \
	"INSERT INTO transcript (tenant_id, channel, thread, ts, ours," \
	" user_id, name, text, agent, edited_ms)"                       \
	" SELECT $1, $2, $3, $4, $5::boolean, $6, $7, $8, $9,"          \
	" $10::bigint"                                                  \
	" WHERE EXISTS (SELECT 1 FROM tenants WHERE id = $1) AND " open \
	" ON CONFLICT DO NOTHING"
#define USAGE(open)                                                      \
	"INSERT INTO usage AS u (tenant_id, day, model, answers,"        \
	" prompt_tokens, completion_tokens)"                             \
	" SELECT $1, (to_timestamp($2::bigint / 1000)"                   \
	" AT TIME ZONE 'UTC')::date, $3, 1, $4::bigint, $5::bigint"      \
	" WHERE EXISTS (SELECT 1 FROM tenants WHERE id = $1) AND " open  \
	" ON CONFLICT (tenant_id, day, model) DO UPDATE"                 \
	" SET answers = u.answers + 1, prompt_tokens ="                  \
	" u.prompt_tokens + excluded.prompt_tokens, completion_tokens =" \
	" u.completion_tokens + excluded.completion_tokens"

#define USAGE_BY(open)                                                   \
	"INSERT INTO usage_by AS u (tenant_id, kind, who, day, model,"   \
	" answers, prompt_tokens, completion_tokens)"                    \
	" SELECT $1, v.kind, v.who, (to_timestamp($2::bigint / 1000)"    \
	" AT TIME ZONE 'UTC')::date, $3, 1, $4::bigint, $5::bigint"      \
	" FROM (VALUES ('channel', $6::text), ('person', $7::text))"     \
	" AS v (kind, who) WHERE v.who <> ''"                            \
	" AND EXISTS (SELECT 1 FROM tenants WHERE id = $1) AND " open    \
	" ON CONFLICT (tenant_id, kind, who, day, model) DO UPDATE"      \
	" SET answers = u.answers + 1, prompt_tokens ="                  \
	" u.prompt_tokens + excluded.prompt_tokens, completion_tokens =" \
	" u.completion_tokens + excluded.completion_tokens"

/* $1 the tenant, $2 the app, $3 the workspace. */
#define CONNECTED_AT                                                    \
	"channel_type = 'slack' AND tenant_id = $1 AND app_id = $2 AND" \
	" workspace_id = $3"
#define HOME                                                             \
	"INSERT INTO homes AS h (tenant_id, app_id, workspace_id, kind," \
	" who, day) SELECT $1, $2, $3, v.kind, v.who,"                   \
	" (to_timestamp($4::bigint / 1000) AT TIME ZONE 'UTC')::date"    \
	" FROM (VALUES ('channel', $5::text), ('person', $6::text))"     \
	" AS v (kind, who) WHERE v.who <> ''"                            \
	" AND EXISTS (SELECT 1 FROM tenants WHERE id = $1)"              \
	" ON CONFLICT (tenant_id, app_id, workspace_id, kind, who)"      \
	" DO UPDATE SET day = excluded.day WHERE h.day < excluded.day"

/* Answers and tokens, of today and of the month until today. */
#define SUM(n) "coalesce(sum(" n "), 0)::bigint"
#define SUM_TODAY(n) \
	"coalesce(sum(" n ") FILTER (WHERE day = $2::date), 0)::bigint"
/* clang-format off */
#define TOKENS "prompt_tokens + completion_tokens"
#define SUMS(scope, table) \
	"SELECT " scope ", " SUM_TODAY("answers") ", " SUM("answers") ", " \
	SUM_TODAY(TOKENS) ", " SUM(TOKENS) " FROM " table \
	" WHERE tenant_id = $1 AND day BETWEEN $3::date AND $2::date"
#define SUMS_OF_ALL \
	SUMS("0", "usage") " UNION ALL " \
	SUMS("1", "usage_by") " AND kind = 'channel' AND who = $4 UNION ALL " \
	SUMS("2", "usage_by") " AND kind = 'person' AND who = $5"
/* clang-format on */
#define ADDED \
	SUM("answers") ", " SUM("prompt_tokens") ", " SUM("completion_tokens")

/* What another node is erasing is left to it. */
#define ERASE(name, table, old)                                          \
	name " AS (DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT" \
	     " ctid FROM " table " WHERE tenant_id = $1 AND " old        \
	     " LIMIT $7::integer FOR UPDATE SKIP LOCKED)) RETURNING 1)"
#define ERASED(name) "(SELECT count(*) FROM " name ")"
/* clang-format off */
#define ERASE_ALL \
	"WITH " ERASE("a", "transcript", "ts < $2::text") ", " \
	ERASE("b", "usage", "day < nullif($3, '')::date") ", " \
	ERASE("c", "usage_by", "day < nullif($3, '')::date") ", " \
	ERASE("d", "budget_marks", "since < nullif($3, '')::date") ", " \
	ERASE("f", "feedback", "at_ms < $4::bigint") ", " \
	ERASE("g", "homes", "day < nullif($8, '')::date") " SELECT " \
	ERASED("a") " + " ERASED("b") " + " ERASED("c") " + " \
	ERASED("d") " + " ERASED("f") " + " ERASED("g") \
	" + journal_erase($1, $5::bigint, $7::integer)" \
	" + audit_erase($1, $6::bigint, $7::integer)"
/* clang-format on */

/*
 * All that is ever asked of the database, beside the migrations. Text of
 * foreign origin is cleaned before it gets here (postgres_batch.c).
 */
const struct postgres_statement postgres_sql[PQ_COUNT] = {
	[PQ_TENANT] = { "tenant",
			"SELECT set_config('app.current_tenant', $1, true)",
			1 },
	[PQ_BRIEFLY] = { "briefly",
			 "SELECT set_config('app.current_tenant', $1, true),"
			 " set_config('statement_timeout', $2, true)",
			 2 },
	[PQ_RESOLVE] = { "resolve",
			 "SELECT " CONNECTION " FROM resolve($1, $2, $3)", 3 },
	[PQ_RESOLVE_AS] = { "resolve_as",
			    "SELECT " CONNECTION
			    ", set_config('app.current_tenant', id, true)"
			    " FROM resolve($1, $2, $3)",
			    3 },
	[PQ_AGENT_OF_US] = { "agent_of_us",
			     "SELECT " AGENT " FROM agents a"
			     " ORDER BY " WHO_ANSWERS("$1", "$2", ""),
			     2 },
	[PQ_LEAVING] = { "leaving",
			 "SELECT " CONNECTION " FROM leaving_of($1, $2, $3)",
			 3 },
	[PQ_AGENT] = { "agent",
		       "SELECT " AGENT " FROM agents a WHERE a.tenant_id = $1"
		       " ORDER BY " WHO_ANSWERS("$2", "$3",
						"t.tenant_id = $1 AND "),
		       3 },
	[PQ_AGENTS] = { "agents",
			"SELECT " AGENT " FROM agents a WHERE a.tenant_id = $1"
			" ORDER BY a.is_default DESC, a.name",
			1 },
	[PQ_ACCESS] = { "access",
			"SELECT settings FROM access WHERE tenant_id = $1"
			" AND agent_id = $2",
			2 },
	/* The newest that fit; the sum grows with every line, so there is no
	 * gap between them. And the first; is something missing behind it? */
	[PQ_HISTORY] = { "history",
			 "WITH thread AS (SELECT ours, user_id, name, ts, text"
			 " FROM transcript WHERE tenant_id = $1"
			 " AND channel = $2 AND thread = $3),"
			 " newest AS (SELECT * FROM (SELECT *,"
			 " sum(octet_length(text) +"
			 " octet_length(coalesce(name, '')))"
			 " OVER (ORDER BY ts DESC) AS bytes FROM thread"
			 " ORDER BY ts DESC LIMIT $5) t WHERE bytes <= $4),"
			 " oldest AS (SELECT * FROM thread ORDER BY ts LIMIT 1)"
			 " SELECT ours, user_id, name, ts, text,"
			 " EXISTS (SELECT 1 FROM thread b WHERE b.ts > o.ts"
			 " AND b.ts < coalesce((SELECT min(ts) FROM newest),"
			 " 'x')) AS gap FROM oldest o"
			 " UNION ALL SELECT ours, user_id, name, ts, text,"
			 " false FROM newest WHERE ts > (SELECT ts FROM oldest)"
			 " ORDER BY ts",
			 5 },
	[PQ_LINE] = { "line",
		      "SELECT ours, user_id, name, ts, text, edited_ms"
		      " FROM transcript"
		      " WHERE tenant_id = $1 AND channel = $2"
		      " AND thread = $3 AND ts = $4",
		      4 },
	[PQ_THREAD_OF] = { "thread_of",
			   "SELECT thread FROM transcript"
			   " WHERE tenant_id = $1 AND channel = $2 AND ts = $3",
			   3 },
	[PQ_APPS] = { "apps", "SELECT app_id, token FROM apps ORDER BY app_id",
		      0 },
	[PQ_CONNECTIONS] = { "connections",
			     "SELECT " CONNECTION " FROM connections_of($1)",
			     1 },
	[PQ_TENANTS] = { "tenants",
			 "SELECT " TENANT ", " CHOICES
			 " FROM tenants_named($1)",
			 1 },
	[PQ_ENGAGED] = { "engaged", "SELECT key, at_ms FROM engaged_since($1)",
			 1 },
	[PQ_CLAIMS] = { "claims",
			"SELECT claim, id, verdict FROM journal_claims($1)",
			1 },
	[PQ_CONNECTIONS_OF_APP] = { "connections_of_app",
				    "SELECT " CONNECTION
				    " FROM connections_of_app($1)",
				    1 },
	[PQ_THREADS] = { "threads",
			 "SELECT channel, thread, max(ts) FROM transcript"
			 " WHERE tenant_id = $1 AND ts >= $2"
			 " GROUP BY channel, thread ORDER BY 3 DESC",
			 2 },
	[PQ_SEEN] = { "seen", "SELECT app_id, at_ms FROM seen", 0 },
	[PQ_SEEN_PUT] = { "seen_put",
			  "INSERT INTO seen (app_id, at_ms)"
			  " SELECT a.app_id, $2::bigint FROM apps a"
			  " WHERE a.app_id IN (SELECT"
			  " jsonb_array_elements_text($1::jsonb))"
			  " ON CONFLICT (app_id) DO UPDATE"
			  " SET at_ms = excluded.at_ms",
			  2 },

	[PQ_CHANNEL_MOVED] = { "channel_moved",
			       "SELECT channel_moved($1, $2, $3, $4)", 4 },
	[PQ_TRANSCRIPT_MOVED] = { "transcript_moved",
				  "UPDATE transcript t SET channel = $3"
				  " WHERE t.tenant_id = $1 AND t.channel = $2"
				  " AND NOT EXISTS (SELECT 1 FROM transcript o"
				  " WHERE o.tenant_id = $1 AND o.channel = $3"
				  " AND o.thread = t.thread AND o.ts = t.ts)",
				  3 },
	[PQ_AGENTS_MOVED] = { "agents_moved",
			      "UPDATE agents SET channels = replace(channels,"
			      " '\"' || $2 || '\"', '\"' || $3 || '\"')"
			      " WHERE tenant_id = $1",
			      3 },
	[PQ_CANARY_MOVED] = { "canary_moved",
			      "UPDATE canaries SET channel = $3"
			      " WHERE tenant_id = $1 AND channel = $2",
			      3 },
	[PQ_ACCESS_MOVED] = { "access_moved",
			      "UPDATE access SET settings = replace(settings,"
			      " '\"' || $2 || '\"', '\"' || $3 || '\"')"
			      " WHERE tenant_id = $1",
			      3 },

	[PQ_USAGE_MOVED] = { "usage_moved",
			     "UPDATE usage_by u SET who = $3"
			     " WHERE u.tenant_id = $1 AND u.kind = 'channel'"
			     " AND u.who = $2 AND NOT EXISTS (SELECT 1"
			     " FROM usage_by o WHERE o.tenant_id = $1"
			     " AND o.kind = 'channel' AND o.who = $3"
			     " AND o.day = u.day AND o.model = u.model)",
			     3 },

	[PQ_HOMES_MOVED] = { "homes_moved",
			     "UPDATE homes h SET who = $3"
			     " WHERE h.tenant_id = $1 AND h.kind = 'channel'"
			     " AND h.who = $2 AND NOT EXISTS (SELECT 1"
			     " FROM homes o WHERE o.tenant_id = $1"
			     " AND o.app_id = h.app_id"
			     " AND o.workspace_id = h.workspace_id"
			     " AND o.kind = 'channel' AND o.who = $3)",
			     3 },

	[PQ_TENANT_PUT] = { "tenant_put",
			    "INSERT INTO tenants"
			    " (id, name, paused, rate_per_minute, burst,"
			    " budget, agent_sessions, streaming,"
			    " text_until_ms)"
			    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
			    " ON CONFLICT (id) DO UPDATE SET"
			    " paused = excluded.paused,"
			    " rate_per_minute = excluded.rate_per_minute,"
			    " burst = excluded.burst,"
			    " budget = excluded.budget,"
			    " agent_sessions = excluded.agent_sessions,"
			    " streaming = excluded.streaming,"
			    " text_until_ms = excluded.text_until_ms",
			    9 },
	[PQ_TENANT_DROP] = { "tenant_drop", "DELETE FROM tenants WHERE id = $1",
			     1 },
	[PQ_CONNECTIONS_DROP] = { "connections_drop",
				  "DELETE FROM connections WHERE tenant_id ="
				  " $1 RETURNING app_id, workspace_id",
				  1 },
	[PQ_LINE_PUT] = { "line_put",
			  "UPDATE transcript SET text = $5,"
			  " edited_ms = $6::bigint"
			  " WHERE tenant_id = $1 AND channel = $2"
			  " AND thread = $3 AND ts = $4"
			  " AND edited_ms <= $6::bigint",
			  6 },
	[PQ_LINE_FORGET] = { "line_forget",
			     "DELETE FROM transcript"
			     " WHERE tenant_id = $1 AND channel = $2"
			     " AND thread = $3 AND ts = $4",
			     4 },
	/* Each node has a table of its own. */
	[PQ_ENGAGED_END] = { "engaged_end",
			     "SELECT engaged_end($1), pg_notify('konstruct',"
			     " 'ended ' || $1 || ' ' || $2)",
			     2 },
	[PQ_GREET] = { "greet",
		       "INSERT INTO greeted (tenant_id, app_id, channel,"
		       " at_ms) SELECT $1, $2, $3, $4::bigint WHERE EXISTS"
		       " (SELECT 1 FROM tenants WHERE id = $1)"
		       " ON CONFLICT DO NOTHING RETURNING 1",
		       4 },
	[PQ_FEEDBACK_PUT] = { "feedback_put",
			      "INSERT INTO feedback (tenant_id, entry, user_id,"
			      " up, at_ms) SELECT $1, $2, $3, $4::boolean,"
			      " $5::bigint WHERE EXISTS"
			      " (SELECT 1 FROM tenants WHERE id = $1)"
			      " ON CONFLICT (tenant_id, entry, user_id)"
			      " DO UPDATE SET up = excluded.up,"
			      " at_ms = excluded.at_ms",
			      5 },
	[PQ_ENGAGED_DROP] = { "engaged_drop", "SELECT engaged_drop($1, $2)",
			      2 },
	[PQ_APP_DROP_UNUSED] = { "app_drop_unused",
				 "SELECT app_drop_unused($1)", 1 },
	[PQ_APP_PUT] = { "app_put",
			 "INSERT INTO apps (app_id, token) VALUES ($1, $2)"
			 " ON CONFLICT (app_id) DO UPDATE SET"
			 " token = excluded.token",
			 2 },
	[PQ_APP_CALL] = { "app_call",
			  "SELECT pg_notify('konstruct', 'connect ' || app_id)"
			  " FROM apps WHERE app_id = $1",
			  1 },
	[PQ_CONNECTION_TAKEN] = { "connection_taken",
				  "SELECT connection_taken($1, $2, $3, $4)",
				  4 },
	[PQ_CONNECTION_PUT] = { "connection_put",
				"INSERT INTO connections (channel_type, app_id,"
				" workspace_id, tenant_id, bot_token,"
				" bot_user_id, bot_id, back_ms)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
				" ON CONFLICT (channel_type, app_id,"
				" workspace_id) DO UPDATE SET"
				" bot_token = excluded.bot_token,"
				" bot_user_id = excluded.bot_user_id,"
				" bot_id = excluded.bot_id,"
				" back_ms = excluded.back_ms, gone_ms = 0,"
				" gone_why = '', gone_token = '',"
				" noted_ms = 0, erased_ms = 0",
				8 },
	[PQ_AGENT_ID] = { "agent_id",
			  "SELECT id FROM agents WHERE tenant_id = $1"
			  " AND name = $2",
			  2 },
	[PQ_AGENT_DEFAULT] = { "agent_default",
			       "UPDATE agents SET is_default = (id = $2)"
			       " WHERE tenant_id = $1",
			       2 },
	[PQ_AGENT_PUT] = { "agent_put",
			   "INSERT INTO agents (tenant_id, id, name, role,"
			   " persona, model, placeholder, active, is_default,"
			   " channels, locale)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
			   " $11)"
			   " ON CONFLICT (tenant_id, id) DO UPDATE SET"
			   " name = excluded.name, role = excluded.role,"
			   " persona = excluded.persona,"
			   " model = excluded.model,"
			   " placeholder = excluded.placeholder,"
			   " active = excluded.active,"
			   " is_default = excluded.is_default,"
			   " channels = excluded.channels,"
			   " locale = excluded.locale",
			   11 },
	[PQ_AGENT_DROP] = { "agent_drop",
			    "DELETE FROM agents WHERE tenant_id = $1"
			    " AND id = $2",
			    2 },
	[PQ_ACCESS_PUT] = { "access_put",
			    "INSERT INTO access (tenant_id, agent_id, settings)"
			    " VALUES ($1, $2, $3)"
			    " ON CONFLICT (tenant_id, agent_id) DO UPDATE SET"
			    " settings = excluded.settings",
			    3 },
	[PQ_ACCESS_DROP] = { "access_drop",
			     "DELETE FROM access WHERE tenant_id = $1"
			     " AND agent_id = $2",
			     2 },

	[PQ_SEALING] = { "sealing", "SELECT key_id FROM sealing", 0 },
	[PQ_SEALING_LOCK] = { "sealing_lock",
			      "SELECT key_id FROM sealing FOR UPDATE", 0 },
	[PQ_SEALING_PUT] = { "sealing_put", "UPDATE sealing SET key_id = $1",
			     1 },
	[PQ_SEALED_COUNT] = { "sealed_count",
			      "SELECT key_id, n FROM sealed_count()", 0 },
	[PQ_SEALED_OTHER] = { "sealed_other",
			      "SELECT kind, a, b, c, tenant_id, value"
			      " FROM sealed_other($1, $2)",
			      2 },
	/* All take the same, and change what nobody has changed since. */
	[PQ_RESEAL_APP] = { "reseal_app",
			    "UPDATE apps SET token = $4 WHERE app_id = $1"
			    " AND $2::text = '' AND $3::text = ''"
			    " AND token = $5",
			    5 },
	[PQ_RESEAL_CONNECTION] = { "reseal_connection",
				   "UPDATE connections SET bot_token = $4"
				   " WHERE channel_type = $1 AND app_id = $2"
				   " AND workspace_id = $3 AND bot_token = $5",
				   5 },
	[PQ_RESEAL_LEAVING] = { "reseal_leaving",
				"SELECT leaving_reseal($1, $2, $3, $4, $5)",
				5 },
	[PQ_RESEAL_SECRET] = { "reseal_secret",
			       "UPDATE secrets SET value = $4 WHERE name = $1"
			       " AND $2::text = '' AND $3::text = ''"
			       " AND value = $5",
			       5 },
	[PQ_RESEAL_CLIENT] = { "reseal_client",
			       "UPDATE clients SET client_secret = $4"
			       " WHERE app_id = $1 AND $2::text = ''"
			       " AND $3::text = '' AND client_secret = $5",
			       5 },
	[PQ_RESEAL_GRANT] = { "reseal_grant",
			      "UPDATE grants SET refresh_token = $4"
			      " WHERE channel_type = $1 AND app_id = $2"
			      " AND workspace_id = $3 AND refresh_token = $5",
			      5 },
	[PQ_SECRET_NAMES] = { "secret_names",
			      "SELECT name FROM secrets ORDER BY name", 0 },
	[PQ_SECRET] = { "secret", "SELECT value FROM secrets WHERE name = $1",
			1 },
	[PQ_SECRET_PUT] = { "secret_put",
			    "INSERT INTO secrets (name, value) VALUES ($1, $2)"
			    " ON CONFLICT (name) DO UPDATE SET"
			    " value = excluded.value",
			    2 },
	[PQ_SECRET_REMOVE] = { "secret_remove",
			       "DELETE FROM secrets WHERE name = $1"
			       " RETURNING name",
			       1 },
	[PQ_NODES_WITHOUT] = { "nodes_without",
			       "SELECT name FROM nodes_without($1, $2)", 2 },

	[PQ_GRANTS_DUE] = { "grants_due",
			    "SELECT tenant_id, channel_type, app_id,"
			    " workspace_id, bot_token, refresh_token,"
			    " client_id, client_secret, expires_ms, generation"
			    " FROM grants_due($1)",
			    1 },
	[PQ_GRANT_TIMES] = { "grant_times",
			     "SELECT app_id, workspace_id, expires_ms, renew_ms"
			     " FROM grants ORDER BY app_id, workspace_id",
			     0 },
	[PQ_GRANT_SUM] = { "grant_sum",
			   "SELECT n, renew_ms, expires_ms FROM grants_sum()",
			   0 },
	[PQ_GRANT_KNOWN] = { "grant_known",
			     "SELECT 1 FROM grants WHERE channel_type = $1"
			     " AND app_id = $2 AND workspace_id = $3"
			     " AND given = $4",
			     4 },
	[PQ_GRANT_PUT] = { "grant_put",
			   "INSERT INTO grants AS g (channel_type, app_id,"
			   " workspace_id, tenant_id, refresh_token,"
			   " expires_ms, renew_ms, given, generation)"
			   " VALUES ($1, $2, $3, $4, $5, 0, 0, $6, 1)"
			   " ON CONFLICT (channel_type, app_id, workspace_id)"
			   " DO UPDATE SET tenant_id = excluded.tenant_id,"
			   " refresh_token = excluded.refresh_token,"
			   " expires_ms = 0, renew_ms = 0,"
			   " given = excluded.given,"
			   " generation = g.generation + 1",
			   6 },
	[PQ_GRANT_DROP] = { "grant_drop",
			    "DELETE FROM grants WHERE channel_type = $1"
			    " AND app_id = $2 AND workspace_id = $3",
			    3 },
	[PQ_GRANT_HURRY] = { "grant_hurry",
			     "UPDATE grants SET renew_ms = 0"
			     " WHERE channel_type = $1 AND app_id = $2"
			     " AND workspace_id = $3",
			     3 },
	[PQ_GRANT_RENEW] = { "grant_renew",
			     "UPDATE grants SET refresh_token = $4,"
			     " expires_ms = $5, renew_ms = $7,"
			     " generation = generation + 1"
			     " WHERE channel_type = $1 AND app_id = $2"
			     " AND workspace_id = $3 AND generation = $6"
			     " RETURNING 1",
			     7 },
	[PQ_CONNECTION_RENEW] = { "connection_renew",
				  "UPDATE connections SET bot_token = $4"
				  " WHERE channel_type = $1 AND app_id = $2"
				  " AND workspace_id = $3",
				  4 },
	[PQ_CANARIES] = { "canaries",
			  "SELECT tenant_id, tenant, app_id, workspace_id,"
			  " channel, minutes, ts, posted_ms, nonce, sent_ms,"
			  " made, heard_ms, trip_ms, missed, due_ms, problem,"
			  " redial_ms, gap_from_ms, gap_to_ms, bot_token,"
			  " bot_user_id, bot_id"
			  " FROM canaries_of($1, $2)",
			  2 },
	[PQ_CANARY_SET] = { "canary_set",
			    "SELECT app_id, workspace_id, channel, minutes"
			    " FROM canaries WHERE tenant_id = $1",
			    1 },
	[PQ_CANARY_DROP] = { "canary_drop",
			     "DELETE FROM canaries WHERE tenant_id = $1", 1 },
	[PQ_CANARY_PUT] = { "canary_put",
			    "INSERT INTO canaries (tenant_id, channel_type,"
			    " app_id, workspace_id, channel, minutes)"
			    " VALUES ($1, 'slack', $2, $3, $4, $5)",
			    5 },
	[PQ_CANARY_PACE] = { "canary_pace",
			     "UPDATE canaries SET minutes = $2, due_ms ="
			     " CASE WHEN nonce = '' THEN 0 ELSE due_ms END"
			     " WHERE tenant_id = $1",
			     2 },
	[PQ_CANARY_NOTE] = { "canary_note",
			     "UPDATE canaries SET nonce = $4, sent_ms = $5,"
			     " made = $6, due_ms = $7, missed = $8,"
			     " redial_ms = $9, posted_ms = $10, ts = $11,"
			     " problem = $12 WHERE tenant_id = $1"
			     " AND channel = $2 AND nonce = $3 RETURNING 1",
			     12 },
	[PQ_CANARY_HEARD] = { "canary_heard",
			      "SELECT tenant, in_channel, since_ms, times"
			      " FROM canary_heard($1, $2, $3, $4)",
			      4 },
	[PQ_CLIENT] = { "client", "SELECT 1 FROM clients WHERE app_id = $1",
			1 },
	[PQ_CLIENT_PUT] = { "client_put",
			    "INSERT INTO clients (app_id, client_id,"
			    " client_secret) VALUES ($1, $2, $3)"
			    " ON CONFLICT (app_id) DO UPDATE SET"
			    " client_id = excluded.client_id,"
			    " client_secret = excluded.client_secret",
			    3 },

	[PQ_BEGIN] = { "begin", "BEGIN", 0 },
	[PQ_COMMIT] = { "commit", "COMMIT", 0 },
	[PQ_ROLLBACK] = { "rollback", "ROLLBACK", 0 },
	[PQ_SAVEPOINT] = { "savepoint", "SAVEPOINT write", 0 },
	[PQ_RELEASE] = { "release", "RELEASE write", 0 },
	[PQ_ROLLBACK_TO] = { "rollback_to", "ROLLBACK TO write", 0 },
	[PQ_AUDIT_ADD] = { "audit_add", "SELECT audit_add($1, $2, $3)", 3 },
	[PQ_AUDIT_DONE] = { "audit_done",
			    "SELECT audit_done($1, $2, $3, $4, $5)", 5 },

	[PQ_APPEND] = { "append", "SELECT journal_append($1, $2, $3, $4, $5)",
			5 },
	[PQ_NOTE] = { "note",
		      "SELECT journal_note($1, $2, $3, $4, $5, $6, $7, $8, $9,"
		      " $10, $11, $12)",
		      12 },
	[PQ_COVER] = { "cover", "SELECT journal_cover($1, $2, $3)", 3 },
	[PQ_DONE] = { "done", "SELECT journal_close($1, $2, $3)", 3 },
	[PQ_DONE_LINE] = { "done_line", LINE("journal_open($11)"), 11 },
	[PQ_DONE_USAGE] = { "done_usage", USAGE("journal_open($6)"), 6 },
	[PQ_DONE_USAGE_BY] = { "done_usage_by", USAGE_BY("journal_open($8)"),
			       8 },
	[PQ_HOME] = { "home", HOME, 6 },
	[PQ_FORGET] = { "forget", "SELECT journal_forget($1)", 1 },
	[PQ_COUNT_UNFINISHED] = { "count", "SELECT journal_count()", 0 },
	[PQ_UNFINISHED] = { "unfinished",
			    "SELECT seq, id, state, received_ms, app_id,"
			    " event_id, claim, tenant_id, verdict, attempts,"
			    " frame, answer, posts, replayed_ms, leader"
			    " FROM journal_left($1, $2)",
			    2 },
	[PQ_ONE_UNFINISHED] = { "one_unfinished",
				"SELECT seq, id, state, received_ms, app_id,"
				" event_id, claim, tenant_id, verdict,"
				" attempts, frame, answer, posts, replayed_ms,"
				" leader FROM journal_whole($1)",
				1 },
	[PQ_EXPIRE_JOURNAL] = { "expire_journal",
				"SELECT journal_expire($1, $2)", 2 },
	[PQ_EXPIRE_ENGAGED] = { "expire_engaged",
				"SELECT engaged_expire($1, $2)", 2 },
	[PQ_EXPIRE_LEAVING] = { "expire_leaving",
				"SELECT leaving_expire($1, $2)", 2 },

	[PQ_RECORD_FIND] = { "record_find",
			     "SELECT " RECORD " FROM records_find($1)", 1 },
	[PQ_RECORD_DEAD] = { "record_dead",
			     "SELECT " RECORD " FROM records_dead($1)", 1 },
	[PQ_RECORD_STALE] = { "record_stale", "SELECT journal_stale($1, $2)",
			      2 },
	[PQ_RECORD_BLAME] = { "record_blame",
			      "SELECT journal_blame($1, $2, $3)", 3 },
	[PQ_RECORD_REPLAY] = { "record_replay", "SELECT dead_replay($1, $2)",
			       2 },
	[PQ_RECORD_DROP] = { "record_drop", "SELECT dead_drop($1, $2)", 2 },

	[PQ_AUDIT_BIND] = { "audit_bind", "SELECT audit_bind($1)", 1 },
	[PQ_AUDIT_ROWS] = { "audit_rows",
			    "SELECT first, first_before, last, last_hash, seq,"
			    " at_ms, tenant_id, body, digest, before, hash"
			    " FROM audit_rows($1, $2, $3)",
			    3 },
	[PQ_AUDIT_TRIM] = { "audit_trim", "SELECT audit_trim($1, $2)", 2 },

	[PQ_KEEP] = { "keep",
		      "SELECT transcripts, usage, feedback, audit, history"
		      " FROM keep WHERE tenant_id = $1",
		      1 },
	[PQ_KEEP_PUT] = { "keep_put",
			  "INSERT INTO keep (tenant_id, transcripts, usage,"
			  " feedback, audit, history)"
			  " VALUES ($1, $2, $3, $4, $5, $6)"
			  " ON CONFLICT (tenant_id) DO UPDATE SET"
			  " transcripts = excluded.transcripts,"
			  " usage = excluded.usage,"
			  " feedback = excluded.feedback,"
			  " audit = excluded.audit,"
			  " history = excluded.history",
			  6 },
	[PQ_KEEP_NEXT] = { "keep_next",
			   "SELECT transcripts, usage, feedback, audit,"
			   " history, id FROM keep_next($1, $2)",
			   2 },
	/* $2 to $6 as struct keep_cuts has them. */
	[PQ_ERASE] = { "erase", ERASE_ALL, 8 },
	[PQ_ERASE_PENDING] = { "erase_pending", "SELECT pending_erase($1, $2)",
			       2 },
	[PQ_ERASE_GREETED] = { "erase_greeted",
			       "WITH a AS (DELETE FROM greeted"
			       " WHERE ctid = ANY (ARRAY(SELECT ctid"
			       " FROM greeted WHERE tenant_id = $1"
			       " LIMIT $2::integer)) RETURNING 1) "
			       "SELECT " ERASED("a"),
			       2 },

	[PQ_SILENT] = { "silent", "SELECT tenant, why FROM silent($1)", 1 },
	[PQ_GONE] = { "gone",
		      "SELECT tenant_id, tenant, app_id, workspace_id, why,"
		      " gone_ms, noted_ms, erased_ms, alone, busy"
		      " FROM uninstalled($1)",
		      1 },
	/* The tokens of one that is renewed are revoked one by one. */
	[PQ_GONE_NOTE] = { "gone_note",
			   "UPDATE connections SET gone_why = $4,"
			   " gone_ms = $5::bigint, noted_ms = $6::bigint,"
			   " gone_token = $7, erased_ms = 0"
			   " WHERE " CONNECTED_AT " AND gone_ms = 0"
			   " AND back_ms < $5::bigint"
			   " AND ($4::text <> 'tokens_revoked' OR NOT EXISTS"
			   " (SELECT 1 FROM grants g"
			   " WHERE g.channel_type = 'slack' AND g.app_id = $2"
			   " AND g.workspace_id = $3)) RETURNING 1",
			   7 },
	[PQ_GONE_BACK] = { "gone_back",
			   "UPDATE connections SET back_ms = $4::bigint,"
			   " gone_ms = 0, gone_why = '', gone_token = '',"
			   " noted_ms = 0 WHERE " CONNECTED_AT
			   " AND gone_ms > 0 AND gone_ms < $4::bigint"
			   " AND erased_ms = 0 RETURNING 1",
			   4 },
	[PQ_GONE_KNOWN] = { "gone_known",
			    "SELECT 1 FROM connections WHERE " CONNECTED_AT
			    " AND gone_ms > 0 AND gone_token = $4",
			    4 },
	[PQ_GONE_ERASED] = { "gone_erased",
			     "UPDATE connections SET bot_token = '',"
			     " erased_ms = $4::bigint WHERE " CONNECTED_AT
			     " AND gone_ms > 0 AND erased_ms = 0 RETURNING 1",
			     4 },
	[PQ_GONE_GRANT] = { "gone_grant",
			    "UPDATE grants SET refresh_token = ''"
			    " WHERE " CONNECTED_AT,
			    3 },
	[PQ_GONE_GREETED] = { "gone_greeted",
			      "DELETE FROM greeted WHERE tenant_id = $1"
			      " AND app_id = $2 AND NOT EXISTS (SELECT 1"
			      " FROM connections c WHERE c.tenant_id = $1"
			      " AND c.app_id = $2 AND c.erased_ms = 0)",
			      2 },
	[PQ_GONE_HOMES] = { "gone_homes",
			    "DELETE FROM homes WHERE tenant_id = $1"
			    " AND app_id = $2 AND workspace_id = $3",
			    3 },
	[PQ_HOMES_ERASE] = { "homes_erase",
			     "SELECT homes_erase($1, $2, $3, $4)", 4 },
	[PQ_LETTERS_ERASE] = { "letters_erase",
			       "SELECT pending_erase_of($1, $2, $3, $4)", 4 },

	[PQ_USAGE_SUMS] = { "usage_sums", SUMS_OF_ALL, 5 },
	[PQ_USAGE_BY_MODEL] = { "usage_by_model",
				"SELECT model, model, " ADDED
				" FROM usage WHERE tenant_id = $1"
				" AND day >= $2::date"
				" GROUP BY model ORDER BY model",
				2 },
	[PQ_USAGE_BY_DAY] = { "usage_by_day",
			      "SELECT day, model, answers, prompt_tokens,"
			      " completion_tokens FROM usage"
			      " WHERE tenant_id = $1 AND day >= $2::date"
			      " ORDER BY day, model",
			      2 },
	[PQ_USAGE_BY] = { "usage_by",
			  "SELECT who, model, " ADDED
			  " FROM usage_by WHERE tenant_id = $1"
			  " AND day >= $2::date AND kind = $3"
			  " GROUP BY who, model ORDER BY who, model",
			  3 },
	[PQ_USAGE_MARKS] = { "usage_marks",
			     "SELECT since, budget, who, at_ms"
			     " FROM budget_marks WHERE tenant_id = $1"
			     " AND since >= $2::date ORDER BY at_ms",
			     2 },
	[PQ_USAGE_MARK] = { "usage_mark",
			    "INSERT INTO budget_marks (tenant_id, since,"
			    " budget, who, at_ms)"
			    " SELECT $1, $2::date, $3, $4, $5::bigint"
			    " WHERE EXISTS"
			    " (SELECT 1 FROM tenants WHERE id = $1)"
			    " ON CONFLICT DO NOTHING RETURNING 1",
			    5 },

	[PQ_WORK_APPEND] = { "work_append",
			     "SELECT work_append($1, $2, $3, $4, $5, $6, $7)",
			     7 },
	[PQ_WORK_NOTE] = { "work_note",
			   "SELECT work_note($1, $2, $3, $4, $5, $6, $7, $8,"
			   " $9, $10, $11, $12, $13)",
			   13 },
	[PQ_WORK_COVER] = { "work_cover", "SELECT work_cover($1, $2, $3, $4)",
			    4 },
	[PQ_WORK_DONE] = { "work_done", "SELECT work_close($1, $2, $3, $4)",
			   4 },
	[PQ_WORK_LINE] = { "work_line", LINE("work_open($11, $12)"), 12 },
	[PQ_WORK_USAGE] = { "work_usage", USAGE("work_open($6, $7)"), 7 },
	[PQ_WORK_USAGE_BY] = { "work_usage_by", USAGE_BY("work_open($8, $9)"),
			       9 },
	[PQ_WORK_HOME] = { "work_home", HOME, 6 },
	[PQ_WORK_LET_GO] = { "work_let_go", "SELECT work_let_go($1, $2)", 2 },
	[PQ_WORK_CLAIM] = { "work_claim",
			    "SELECT seq, id, state, received_ms, app_id,"
			    " event_id, claim, tenant_id, verdict, attempts,"
			    " frame, answer, posts, replayed_ms, leader, fresh"
			    " FROM work_take($1, $2, $3)",
			    3 },
	[PQ_WORK_IDLE] = { "work_idle",
			   "SELECT id, epoch FROM work_idle($1, $2, $3)", 3 },
	[PQ_NODE_JOIN] = { "node_join", "SELECT node_join($1, $2, $3, $4)", 4 },
	[PQ_NODE_BEAT] = { "node_beat",
			   "SELECT part, epoch, taken, waiting"
			   " FROM node_beat($1, $2, $3, $4, $5, $6)",
			   6 },
	[PQ_NODE_LEAVE] = { "node_leave", "SELECT node_leave($1)", 1 },
	[PQ_NODES] = { "nodes",
		       "SELECT id, name, links, age_ms, alive, parts, backlog"
		       " FROM nodes_view($1)",
		       1 },
	[PQ_NODE_KEYS] = { "node_keys", "SELECT node_has($1, $2)", 2 },
};
