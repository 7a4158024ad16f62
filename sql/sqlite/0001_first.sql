-- SPDX-License-Identifier: ISC
-- Times are milliseconds since 1970, or Slack's own "seconds.micros" as ts.

PRAGMA application_id = 1265529716; -- "Knst"

CREATE TABLE tenants (
	id TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	paused INTEGER NOT NULL DEFAULT 0,
	rate_per_minute INTEGER NOT NULL DEFAULT -1, -- -1: the configuration's
	burst INTEGER NOT NULL DEFAULT -1
) STRICT, WITHOUT ROWID;

CREATE TABLE apps (
	app_id TEXT NOT NULL PRIMARY KEY,
	token TEXT NOT NULL -- sealed, as are all tokens
) STRICT, WITHOUT ROWID;

CREATE TABLE connections (
	channel_type TEXT NOT NULL,
	app_id TEXT NOT NULL REFERENCES apps,
	workspace_id TEXT NOT NULL, -- team id, or enterprise id
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	bot_token TEXT NOT NULL,
	bot_user_id TEXT NOT NULL,
	bot_id TEXT NOT NULL,
	PRIMARY KEY (channel_type, app_id, workspace_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX connections_tenant ON connections (tenant_id);
CREATE INDEX connections_app ON connections (app_id);

CREATE TABLE agents (
	tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	persona TEXT NOT NULL,
	model TEXT NOT NULL,
	placeholder TEXT NOT NULL,
	active INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A post is in one thread only, so this key is unique per channel and ts too.
CREATE TABLE transcript (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	channel TEXT NOT NULL,
	thread TEXT NOT NULL,
	ts TEXT NOT NULL,
	ours INTEGER NOT NULL,
	user_id TEXT,
	name TEXT,
	text TEXT NOT NULL,
	PRIMARY KEY (tenant_id, channel, thread, ts)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	day TEXT NOT NULL, -- UTC
	model TEXT NOT NULL,
	answers INTEGER NOT NULL,
	prompt_tokens INTEGER NOT NULL,
	completion_tokens INTEGER NOT NULL,
	PRIMARY KEY (tenant_id, day, model)
) STRICT, WITHOUT ROWID;

-- What has been accepted. A row outlives its work, to know a late duplicate
-- and to tell what became of it. No reference to tenants: an entry comes
-- before its tenant is known, and is finished after a tenant is removed.
CREATE TABLE journal (
	seq INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	app_id TEXT NOT NULL,
	event_id TEXT, -- or trigger_id
	state TEXT NOT NULL DEFAULT 'new',
	received_ms INTEGER NOT NULL,
	done_ms INTEGER,
	claim TEXT,
	tenant_id TEXT,
	verdict TEXT,
	attempts INTEGER NOT NULL DEFAULT 0,
	UNIQUE (app_id, event_id)
) STRICT;
CREATE INDEX journal_done ON journal (done_ms) WHERE done_ms IS NOT NULL;

-- What an entry needs until it is done, and a dead one to be tried again.
-- Apart from the row, so that a note needn't rewrite the frame; and the rows
-- here are those that aren't finished, without an index to keep.
CREATE TABLE pending (
	seq INTEGER PRIMARY KEY REFERENCES journal ON DELETE CASCADE,
	frame BLOB NOT NULL,
	answer TEXT
) STRICT;

-- Posts of a reply; ts is empty while one is only intended.
CREATE TABLE parts (
	seq INTEGER NOT NULL REFERENCES journal ON DELETE CASCADE,
	part INTEGER NOT NULL,
	ts TEXT NOT NULL,
	PRIMARY KEY (seq, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE engaged (
	key TEXT NOT NULL PRIMARY KEY, -- app:workspace:channel:thread
	at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX engaged_at ON engaged (at_ms);
