-- SPDX-License-Identifier: ISC
--
-- Apps that were taken out of a workspace: what is stored of its people, and
-- its tokens, go some time later (store/uninstall.h). A daemon of the schema
-- before this one works with it until the first token is erased, and notes
-- none.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (22, 4);

ALTER TABLE connections
	ADD COLUMN back_ms bigint NOT NULL DEFAULT 0,
	ADD COLUMN gone_ms bigint NOT NULL DEFAULT 0,
	ADD COLUMN gone_why text NOT NULL DEFAULT '',
	ADD COLUMN gone_token text NOT NULL DEFAULT '',
	ADD COLUMN noted_ms bigint NOT NULL DEFAULT 0,
	ADD COLUMN erased_ms bigint NOT NULL DEFAULT 0;
CREATE INDEX connections_gone ON connections (noted_ms) WHERE gone_ms > 0;

-- In which workspaces a channel or a person has met us.
CREATE TABLE homes (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	app_id text COLLATE "C" NOT NULL,
	workspace_id text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL, -- "channel" or "person", whose id is
	who text COLLATE "C" NOT NULL,
	day date NOT NULL, -- the last one; UTC
	PRIMARY KEY (tenant_id, app_id, workspace_id, kind, who)
);
CREATE INDEX homes_who ON homes (tenant_id, kind, who);
CREATE INDEX homes_old ON homes (tenant_id, day);

-- What a tenant with one workspace has is of that one. Whoever owns the tables
-- is bound as well.
ALTER TABLE connections NO FORCE ROW LEVEL SECURITY;
ALTER TABLE transcript NO FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_by NO FORCE ROW LEVEL SECURITY;
ALTER TABLE feedback NO FORCE ROW LEVEL SECURITY;
INSERT INTO homes SELECT c.tenant_id, c.app_id, c.workspace_id, k.kind, k.who,
	(now() AT TIME ZONE 'UTC')::date
	FROM connections c JOIN (
		SELECT tenant_id, 'channel' AS kind, channel AS who
			FROM transcript
		UNION SELECT tenant_id, kind, who FROM usage_by
		UNION SELECT tenant_id, 'person', user_id FROM feedback) k
	ON k.tenant_id = c.tenant_id
	WHERE NOT EXISTS (SELECT 1 FROM connections o
		WHERE o.tenant_id = c.tenant_id AND (o.channel_type, o.app_id,
		o.workspace_id) <> (c.channel_type, c.app_id, c.workspace_id));
ALTER TABLE connections FORCE ROW LEVEL SECURITY;
ALTER TABLE transcript FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_by FORCE ROW LEVEL SECURITY;
ALTER TABLE feedback FORCE ROW LEVEL SECURITY;

ALTER TABLE homes ENABLE ROW LEVEL SECURITY;
ALTER TABLE homes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON homes TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON homes TO konstruct_daemon;

-- A new column of a view can only be its last.
CREATE OR REPLACE VIEW connected AS SELECT t.id, t.name, t.paused,
	t.rate_per_minute, t.burst, c.channel_type, c.app_id, c.workspace_id,
	c.bot_token, c.bot_user_id, c.bot_id, t.budget, t.agent_sessions,
	t.streaming, c.gone_ms
	FROM connections c JOIN tenants t ON t.id = c.tenant_id;

CREATE OR REPLACE FUNCTION leaving_of(text, text, text)
	RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT tenant_id, ''''::text, false, -1, -1, channel_type, app_id,
		workspace_id, bot_token, bot_user_id, bot_id, ''''::text,
		false, false, 0::bigint
		FROM leaving WHERE channel_type = $1 AND app_id = $2
		AND workspace_id = $3';

-- A token that was erased is ''.
CREATE OR REPLACE VIEW sealed (kind, a, b, c, tenant_id, value) AS
	SELECT 'app'::text, app_id, '', '', '', token FROM apps
	UNION ALL SELECT 'connection', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM connections WHERE bot_token <> ''
	UNION ALL SELECT 'leaving', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM leaving WHERE bot_token <> ''
	UNION ALL SELECT 'secret', name, '', '', '', value FROM secrets
	UNION ALL SELECT 'client', app_id, '', '', '', client_secret
		FROM clients
	UNION ALL SELECT 'grant', channel_type, app_id, workspace_id,
		tenant_id, refresh_token FROM grants WHERE refresh_token <> '';

CREATE OR REPLACE FUNCTION grants_due(now_ms bigint)
	RETURNS TABLE (tenant_id text, channel_type text, app_id text,
		workspace_id text, bot_token text, refresh_token text,
		client_id text, client_secret text, expires_ms bigint,
		generation bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT g.tenant_id, g.channel_type, g.app_id, g.workspace_id,
		c.bot_token, g.refresh_token, k.client_id, k.client_secret,
		g.expires_ms, g.generation
		FROM grants g JOIN connections c USING (channel_type, app_id,
			workspace_id)
		JOIN clients k ON k.app_id = g.app_id
		WHERE g.renew_ms <= $1 AND c.gone_ms = 0 ORDER BY g.renew_ms';

CREATE OR REPLACE FUNCTION grants_sum()
	RETURNS TABLE (n bigint, renew_ms bigint, expires_ms bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT count(*), coalesce(min(g.renew_ms), 0),
		coalesce(min(nullif(g.expires_ms, 0)), 0)
		FROM grants g JOIN connections c USING (channel_type, app_id,
			workspace_id)
		WHERE c.gone_ms = 0';

-- Those that are gone: of all tenants, or of the one named. alone: no other
-- connection of the tenant has anything left; busy: something is
-- unfinished there; ';' comes after ':'.
CREATE FUNCTION uninstalled(text)
	RETURNS TABLE (tenant_id text, tenant text, app_id text,
		workspace_id text, why text, gone_ms bigint, noted_ms bigint,
		erased_ms bigint, alone boolean, busy boolean)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT t.id, t.name, c.app_id, c.workspace_id, c.gone_why, c.gone_ms,
		c.noted_ms, c.erased_ms, NOT EXISTS (SELECT 1
			FROM connections o WHERE o.tenant_id = c.tenant_id
			AND o.erased_ms = 0 AND (o.channel_type, o.app_id,
				o.workspace_id) <> (c.channel_type, c.app_id,
				c.workspace_id)),
		EXISTS (SELECT 1 FROM pending p JOIN journal j USING (seq)
			WHERE j.done_ms IS NULL AND j.tenant_id = t.id AND
			j.claim >= c.app_id || '':'' || c.workspace_id || '':''
			AND j.claim <
				c.app_id || '':'' || c.workspace_id || '';'')
		FROM connections c JOIN tenants t ON t.id = c.tenant_id
		WHERE c.gone_ms > 0 AND ($1 IS NULL OR t.name = $1)
		ORDER BY c.noted_ms';

-- Erases about so many rows of what is of that workspace alone, as the tenant
-- that is set; how many. What is of another one too stays.
CREATE FUNCTION homes_erase(tenant text, app text, workspace text,
	most integer) RETURNS integer LANGUAGE plpgsql
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	h homes;
	sum integer := 0;
	n integer;
BEGIN
	SELECT * INTO h FROM homes WHERE tenant_id = tenant AND app_id = app
		AND workspace_id = workspace LIMIT 1;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM homes o JOIN connections c
		USING (tenant_id, app_id, workspace_id)
		WHERE o.tenant_id = tenant AND o.kind = h.kind
		AND o.who = h.who AND c.erased_ms = 0
		AND (o.app_id, o.workspace_id) <> (app, workspace)) THEN
		DELETE FROM usage_by WHERE ctid = ANY (ARRAY(SELECT ctid
			FROM usage_by WHERE tenant_id = tenant
			AND kind = h.kind AND who = h.who LIMIT most));
		GET DIAGNOSTICS sum = ROW_COUNT;
		DELETE FROM budget_marks WHERE tenant_id = tenant
			AND who = h.who;
		IF h.kind = 'channel' THEN
			DELETE FROM transcript WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM transcript
				WHERE tenant_id = tenant AND channel = h.who
				LIMIT most));
		ELSE
			DELETE FROM feedback WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM feedback
				WHERE tenant_id = tenant AND user_id = h.who
				LIMIT most));
		END IF;
		GET DIAGNOSTICS n = ROW_COUNT;
		sum := sum + n;
	END IF;
	IF sum = 0 THEN
		DELETE FROM homes WHERE tenant_id = tenant AND app_id = app
			AND workspace_id = workspace AND kind = h.kind
			AND who = h.who;
		sum := 1;
	END IF;
	RETURN sum;
END $$;

-- Frames and answers of what was given up there; ';' comes after ':'.
CREATE FUNCTION pending_erase_of(tenant text, app text, workspace text,
	most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	DELETE FROM pending WHERE seq = ANY (ARRAY(SELECT p.seq FROM journal j
		JOIN pending p USING (seq)
		WHERE j.tenant_id = tenant AND j.done_ms IS NOT NULL
		AND j.claim >= app || ':' || workspace || ':'
		AND j.claim < app || ':' || workspace || ';'
		LIMIT most FOR UPDATE OF p SKIP LOCKED));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
