-- SPDX-License-Identifier: ISC
--
-- What a tenant has opted into of what Slack offers to agents. A daemon of the
-- schema before this one works with it, and uses none of that.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (16, 4);

ALTER TABLE tenants
	ADD COLUMN agent_sessions boolean NOT NULL DEFAULT false,
	ADD COLUMN streaming boolean NOT NULL DEFAULT false;

-- A new column of a view can only be its last.
CREATE OR REPLACE VIEW connected AS SELECT t.id, t.name, t.paused,
	t.rate_per_minute, t.burst, c.channel_type, c.app_id, c.workspace_id,
	c.bot_token, c.bot_user_id, c.bot_id, t.budget, t.agent_sessions,
	t.streaming
	FROM connections c JOIN tenants t ON t.id = c.tenant_id;

CREATE OR REPLACE FUNCTION leaving_of(text, text, text)
	RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT tenant_id, ''''::text, false, -1, -1, channel_type, app_id,
		workspace_id, bot_token, bot_user_id, bot_id, ''''::text,
		false, false
		FROM leaving WHERE channel_type = $1 AND app_id = $2
		AND workspace_id = $3';
