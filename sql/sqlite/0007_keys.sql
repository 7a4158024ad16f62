-- SPDX-License-Identifier: ISC

-- The key that seals from now on; '' until the first row is sealed.
CREATE TABLE sealing (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	key_id TEXT NOT NULL
) STRICT;
INSERT INTO sealing VALUES (1, '');

-- What is secret and belongs to no tenant, as API keys of models.
CREATE TABLE secrets (
	name TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL -- sealed
) STRICT, WITHOUT ROWID;

-- All that is sealed, by kind and the key of its row.
CREATE VIEW sealed (kind, a, b, c, tenant_id, value) AS
	SELECT 'app', app_id, '', '', '', token FROM apps
	UNION ALL SELECT 'connection', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM connections
	UNION ALL SELECT 'leaving', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM leaving
	UNION ALL SELECT 'secret', name, '', '', '', value FROM secrets;
