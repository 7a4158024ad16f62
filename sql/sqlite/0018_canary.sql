-- SPDX-License-Identifier: ISC
-- A message of ours that must come back over a link (store/canary.h).

CREATE TABLE canaries (
	tenant_id TEXT NOT NULL PRIMARY KEY,
	channel_type TEXT NOT NULL,
	app_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	channel TEXT NOT NULL,
	minutes INTEGER NOT NULL,
	ts TEXT NOT NULL DEFAULT '', -- of the message; '': none is known
	posted_ms INTEGER NOT NULL DEFAULT 0, -- it may stand since; 0: no
	nonce TEXT NOT NULL DEFAULT '', -- awaited; '': nothing is
	sent_ms INTEGER NOT NULL DEFAULT 0,
	made INTEGER NOT NULL DEFAULT 0, -- Slack has taken it
	heard_ms INTEGER NOT NULL DEFAULT 0, -- the last that came; 0: none
	trip_ms INTEGER NOT NULL DEFAULT 0,
	missed INTEGER NOT NULL DEFAULT 0, -- since then
	due_ms INTEGER NOT NULL DEFAULT 0,
	problem TEXT NOT NULL DEFAULT '',
	redial_ms INTEGER NOT NULL DEFAULT 0, -- fresh links were wanted then
	-- The last time that some were missed, from one that came to the next.
	gap_from_ms INTEGER NOT NULL DEFAULT 0,
	gap_to_ms INTEGER NOT NULL DEFAULT 0,
	FOREIGN KEY (channel_type, app_id, workspace_id) REFERENCES connections
		ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX canaries_due ON canaries (due_ms);
CREATE INDEX canaries_app ON canaries (app_id, workspace_id);
