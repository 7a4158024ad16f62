-- SPDX-License-Identifier: ISC

-- What an app says of itself to have its bot tokens renewed.
CREATE TABLE clients (
	app_id TEXT NOT NULL PRIMARY KEY REFERENCES apps ON DELETE CASCADE,
	client_id TEXT NOT NULL,
	client_secret TEXT NOT NULL -- sealed
) STRICT, WITHOUT ROWID;

-- Of connections whose bot token expires, how it is renewed. given: a digest
-- of the refresh token that the admin gave, which is used up since; who gives
-- it again changes nothing.
CREATE TABLE grants (
	channel_type TEXT NOT NULL,
	app_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	tenant_id TEXT NOT NULL,
	refresh_token TEXT NOT NULL, -- sealed
	expires_ms INTEGER NOT NULL, -- of the bot token; 0: not known
	renew_ms INTEGER NOT NULL, -- when that is to be done
	given TEXT NOT NULL,
	generation INTEGER NOT NULL, -- grows with each pair of tokens
	PRIMARY KEY (channel_type, app_id, workspace_id),
	FOREIGN KEY (channel_type, app_id, workspace_id) REFERENCES connections
		ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_renew ON grants (renew_ms);

DROP VIEW sealed;
CREATE VIEW sealed (kind, a, b, c, tenant_id, value) AS
	SELECT 'app', app_id, '', '', '', token FROM apps
	UNION ALL SELECT 'connection', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM connections
	UNION ALL SELECT 'leaving', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM leaving
	UNION ALL SELECT 'secret', name, '', '', '', value FROM secrets
	UNION ALL SELECT 'client', app_id, '', '', '', client_secret
		FROM clients
	UNION ALL SELECT 'grant', channel_type, app_id, workspace_id,
		tenant_id, refresh_token FROM grants;
