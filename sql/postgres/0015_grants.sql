-- SPDX-License-Identifier: ISC
--
-- Bot tokens that expire. A daemon of the schema before this one works with
-- it, and doesn't renew any.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (15, 4);

-- What an app says of itself to have its bot tokens renewed.
CREATE TABLE clients (
	app_id text COLLATE "C" PRIMARY KEY REFERENCES apps ON DELETE CASCADE,
	client_id text NOT NULL,
	client_secret text NOT NULL -- sealed
);
GRANT SELECT, INSERT, UPDATE ON clients TO konstruct_daemon;
GRANT SELECT ON clients TO konstruct_definer;

-- Of connections whose bot token expires, how it is renewed. given: a digest
-- of the refresh token that the admin gave, which is used up since; who gives
-- it again changes nothing.
CREATE TABLE grants (
	channel_type text COLLATE "C" NOT NULL,
	app_id text COLLATE "C" NOT NULL,
	workspace_id text COLLATE "C" NOT NULL,
	tenant_id text COLLATE "C" NOT NULL,
	refresh_token text NOT NULL, -- sealed
	expires_ms bigint NOT NULL, -- of the bot token; 0: not known
	renew_ms bigint NOT NULL, -- when that is to be done
	given text NOT NULL,
	generation bigint NOT NULL, -- grows with each pair of tokens
	PRIMARY KEY (channel_type, app_id, workspace_id),
	FOREIGN KEY (channel_type, app_id, workspace_id) REFERENCES connections
		ON DELETE CASCADE
);
CREATE INDEX grants_renew ON grants (renew_ms);
ALTER TABLE grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE grants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON grants TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON grants TO konstruct_daemon;
CREATE POLICY across ON grants FOR SELECT TO konstruct_definer USING (true);
GRANT SELECT ON grants TO konstruct_definer;

CREATE OR REPLACE VIEW sealed (kind, a, b, c, tenant_id, value) AS
	SELECT 'app'::text, app_id, '', '', '', token FROM apps
	UNION ALL SELECT 'connection', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM connections
	UNION ALL SELECT 'leaving', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM leaving
	UNION ALL SELECT 'secret', name, '', '', '', value FROM secrets
	UNION ALL SELECT 'client', app_id, '', '', '', client_secret
		FROM clients
	UNION ALL SELECT 'grant', channel_type, app_id, workspace_id,
		tenant_id, refresh_token FROM grants;

-- Those to be renewed by then, whosever they are.
CREATE FUNCTION grants_due(now_ms bigint)
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
		WHERE g.renew_ms <= $1 ORDER BY g.renew_ms';
