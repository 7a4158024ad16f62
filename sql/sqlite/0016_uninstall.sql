-- SPDX-License-Identifier: ISC
-- Apps that were taken out of a workspace: what is stored of its people, and
-- its tokens, go some time later (store/uninstall.h).

ALTER TABLE connections ADD COLUMN back_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN gone_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN gone_why TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN gone_token TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN noted_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN erased_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX connections_gone ON connections (noted_ms) WHERE gone_ms > 0;

-- In which workspaces a channel or a person has met us.
CREATE TABLE homes (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	app_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	kind TEXT NOT NULL, -- "channel" or "person", whose id is
	who TEXT NOT NULL,
	day TEXT NOT NULL, -- the last one; UTC
	PRIMARY KEY (tenant_id, app_id, workspace_id, kind, who)
) STRICT, WITHOUT ROWID;
CREATE INDEX homes_who ON homes (tenant_id, kind, who);
CREATE INDEX homes_old ON homes (tenant_id, day);

-- What a tenant with one workspace has is of that one.
INSERT INTO homes SELECT c.tenant_id, c.app_id, c.workspace_id, k.kind, k.who,
	date('now')
	FROM connections c JOIN (
		SELECT tenant_id, 'channel' AS kind, channel AS who
			FROM transcript
		UNION SELECT tenant_id, kind, who FROM usage_by
		UNION SELECT tenant_id, 'person', user_id FROM feedback) k
	ON k.tenant_id = c.tenant_id
	WHERE NOT EXISTS (SELECT 1 FROM connections o
		WHERE o.tenant_id = c.tenant_id AND (o.channel_type, o.app_id,
		o.workspace_id) <> (c.channel_type, c.app_id, c.workspace_id));

-- A token that was erased is ''.
DROP VIEW sealed;
CREATE VIEW sealed (kind, a, b, c, tenant_id, value) AS
	SELECT 'app', app_id, '', '', '', token FROM apps
	UNION ALL SELECT 'connection', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM connections WHERE bot_token <> ''
	UNION ALL SELECT 'leaving', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM leaving WHERE bot_token <> ''
	UNION ALL SELECT 'secret', name, '', '', '', value FROM secrets
	UNION ALL SELECT 'client', app_id, '', '', '', client_secret
		FROM clients
	UNION ALL SELECT 'grant', channel_type, app_id, workspace_id,
		tenant_id, refresh_token FROM grants WHERE refresh_token <> '';
