-- SPDX-License-Identifier: ISC
--
-- What each channel and each person has used, beside the tenant's usage, and
-- the budgets that the tenant has set to all three.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (8, 4);

ALTER TABLE tenants ADD COLUMN budget text NOT NULL DEFAULT '';

CREATE TABLE usage_by (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	kind text COLLATE "C" NOT NULL, -- "channel" or "person", whose id is
	who text COLLATE "C" NOT NULL,
	day date NOT NULL, -- UTC
	model text COLLATE "C" NOT NULL,
	answers bigint NOT NULL,
	prompt_tokens bigint NOT NULL,
	completion_tokens bigint NOT NULL,
	PRIMARY KEY (tenant_id, kind, who, day, model)
);

-- Of which budget was warned, and when.
CREATE TABLE budget_marks (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	since date NOT NULL, -- first day of the period, UTC
	budget text COLLATE "C" NOT NULL, -- "person/tokens/day"
	who text COLLATE "C" NOT NULL, -- '' of the tenant's own
	at_ms bigint NOT NULL,
	PRIMARY KEY (tenant_id, since, budget, who)
);

ALTER TABLE usage_by ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_by FORCE ROW LEVEL SECURITY;
ALTER TABLE budget_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE budget_marks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON usage_by TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
CREATE POLICY tenant ON budget_marks TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_by, budget_marks
	TO konstruct_daemon;

-- A new column of a view can only be its last.
CREATE OR REPLACE VIEW connected AS SELECT t.id, t.name, t.paused,
	t.rate_per_minute, t.burst, c.channel_type, c.app_id, c.workspace_id,
	c.bot_token, c.bot_user_id, c.bot_id, t.budget
	FROM connections c JOIN tenants t ON t.id = c.tenant_id;

CREATE OR REPLACE FUNCTION leaving_of(text, text, text)
	RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT tenant_id, ''''::text, false, -1, -1, channel_type, app_id,
		workspace_id, bot_token, bot_user_id, bot_id, ''''::text
		FROM leaving WHERE channel_type = $1 AND app_id = $2
		AND workspace_id = $3';
