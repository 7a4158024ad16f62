-- SPDX-License-Identifier: ISC
-- The workspaces of tenants that were removed while something of theirs was
-- unfinished: with the token its placeholder is closed. They go after a while.

CREATE TABLE leaving (
	channel_type TEXT NOT NULL,
	app_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	tenant_id TEXT NOT NULL,
	bot_token TEXT NOT NULL,
	bot_user_id TEXT NOT NULL,
	bot_id TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (channel_type, app_id, workspace_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER connections_leave BEFORE DELETE ON connections
	WHEN EXISTS (SELECT 1 FROM pending p JOIN journal j USING (seq)
		WHERE j.done_ms IS NULL AND j.tenant_id = OLD.tenant_id)
BEGIN
	INSERT OR REPLACE INTO leaving VALUES (OLD.channel_type, OLD.app_id,
		OLD.workspace_id, OLD.tenant_id, OLD.bot_token,
		OLD.bot_user_id, OLD.bot_id,
		CAST(strftime('%s', 'now') AS INTEGER) * 1000);
END;
