-- SPDX-License-Identifier: ISC
--
-- Until when text of a tenant's people may stand in the log (base/log_text.h).
-- A daemon of the schema before this one works with it, and logs none.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (23, 4);

ALTER TABLE tenants ADD COLUMN text_until_ms bigint NOT NULL DEFAULT 0;

-- A new column of a view can only be its last.
CREATE OR REPLACE VIEW connected AS SELECT t.id, t.name, t.paused,
	t.rate_per_minute, t.burst, c.channel_type, c.app_id, c.workspace_id,
	c.bot_token, c.bot_user_id, c.bot_id, t.budget, t.agent_sessions,
	t.streaming, c.gone_ms, t.text_until_ms
	FROM connections c JOIN tenants t ON t.id = c.tenant_id;

CREATE OR REPLACE FUNCTION leaving_of(text, text, text)
	RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT tenant_id, ''''::text, false, -1, -1, channel_type, app_id,
		workspace_id, bot_token, bot_user_id, bot_id, ''''::text,
		false, false, 0::bigint, 0::bigint
		FROM leaving WHERE channel_type = $1 AND app_id = $2
		AND workspace_id = $3';
