-- SPDX-License-Identifier: ISC
--
-- Run by "konstructctl migrate" as the database's owner, in one transaction.
-- Times are milliseconds since 1970, or Slack's own "seconds.micros" as ts.
-- What is compared as bytes elsewhere is so here, whatever the database's
-- collation: COLLATE "C".
--
-- Who may see what:
--
-- Tenant tables (tenants, connections, agents, transcript, usage) have row
-- level security, forced. The daemon's role sees and writes the rows of the
-- tenant named by app.current_tenant, which is set for one transaction at a
-- time; without it, none.
--
-- apps has no tenant: one app can be installed for several. Its tokens are
-- sealed; the daemon's role has plain rights on it, but for removing.
--
-- journal, pending, parts and engaged are the daemon's own memory. An entry
-- comes before its tenant is known, and outlives a tenant that is removed. The
-- daemon's role has no right on these tables; functions do what it needs.
--
-- Functions that see across tenants are SECURITY DEFINER and belong to a role
-- without login, which has been given what they need and no more; in
-- particular it can't write to a tenant table. A policy lets that role read
-- tenants and connections, so it needs no BYPASSRLS.

CREATE SCHEMA konstruct;
GRANT USAGE ON SCHEMA konstruct TO konstruct_daemon, konstruct_definer;
SET LOCAL search_path = konstruct, pg_temp;

-- works_from: the oldest schema whose programs can work with this one, so
-- that a database may be migrated before the last of them is replaced.
CREATE TABLE migrations (
	version integer PRIMARY KEY,
	works_from integer NOT NULL,
	at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON migrations TO konstruct_daemon;
INSERT INTO migrations (version, works_from) VALUES (1, 1);

CREATE TABLE tenants (
	id text COLLATE "C" PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	paused boolean NOT NULL DEFAULT false,
	rate_per_minute integer NOT NULL DEFAULT -1, -- -1: the configuration's
	burst integer NOT NULL DEFAULT -1
);

CREATE TABLE apps (
	app_id text COLLATE "C" PRIMARY KEY,
	token text NOT NULL -- sealed, as are all tokens
);

CREATE TABLE connections (
	channel_type text COLLATE "C" NOT NULL,
	app_id text COLLATE "C" NOT NULL REFERENCES apps,
	workspace_id text COLLATE "C" NOT NULL, -- team id, or enterprise id
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	bot_token text NOT NULL,
	bot_user_id text NOT NULL,
	bot_id text NOT NULL,
	PRIMARY KEY (channel_type, app_id, workspace_id)
);
CREATE INDEX connections_tenant ON connections (tenant_id);
CREATE INDEX connections_app ON connections (app_id);

CREATE TABLE agents (
	tenant_id text COLLATE "C" PRIMARY KEY REFERENCES tenants
		ON DELETE CASCADE,
	name text NOT NULL,
	role text NOT NULL,
	persona text NOT NULL,
	model text NOT NULL,
	placeholder text NOT NULL,
	active boolean NOT NULL
);

-- A post is in one thread only, so this key is unique per channel and ts too.
CREATE TABLE transcript (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	channel text COLLATE "C" NOT NULL,
	thread text COLLATE "C" NOT NULL,
	ts text COLLATE "C" NOT NULL,
	ours boolean NOT NULL,
	user_id text,
	name text,
	text text NOT NULL,
	PRIMARY KEY (tenant_id, channel, thread, ts)
);

CREATE TABLE usage (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	day date NOT NULL, -- UTC
	model text COLLATE "C" NOT NULL,
	answers bigint NOT NULL,
	prompt_tokens bigint NOT NULL,
	completion_tokens bigint NOT NULL,
	PRIMARY KEY (tenant_id, day, model)
);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE connections FORCE ROW LEVEL SECURITY;
ALTER TABLE agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents FORCE ROW LEVEL SECURITY;
ALTER TABLE transcript ENABLE ROW LEVEL SECURITY;
ALTER TABLE transcript FORCE ROW LEVEL SECURITY;
ALTER TABLE usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage FORCE ROW LEVEL SECURITY;

-- Once it was set in a session, the setting is '' and not NULL after the
-- transaction; no tenant has that id, and NULL equals nothing.
CREATE POLICY tenant ON tenants TO konstruct_daemon
	USING (id = nullif(current_setting('app.current_tenant', true), ''));
CREATE POLICY tenant ON connections TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
CREATE POLICY tenant ON agents TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
CREATE POLICY tenant ON transcript TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
CREATE POLICY tenant ON usage TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE
	ON tenants, connections, agents, transcript, usage TO konstruct_daemon;
GRANT SELECT, INSERT, UPDATE ON apps TO konstruct_daemon;

CREATE POLICY across ON tenants FOR SELECT TO konstruct_definer USING (true);
CREATE POLICY across ON connections FOR SELECT TO konstruct_definer
	USING (true);
GRANT SELECT ON tenants, connections TO konstruct_definer;
GRANT SELECT, DELETE ON apps TO konstruct_definer;

-- What has been accepted. A row outlives its work, to know a late duplicate
-- and to tell what became of it.
CREATE TABLE journal (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id text COLLATE "C" NOT NULL UNIQUE,
	app_id text COLLATE "C" NOT NULL,
	event_id text COLLATE "C", -- or trigger_id
	state text NOT NULL DEFAULT 'new',
	received_ms bigint NOT NULL,
	done_ms bigint,
	claim text COLLATE "C",
	tenant_id text COLLATE "C",
	verdict text,
	attempts integer NOT NULL DEFAULT 0,
	UNIQUE (app_id, event_id)
);
CREATE INDEX journal_done ON journal (done_ms) WHERE done_ms IS NOT NULL;

-- What an entry needs until it is done, and a dead one to be tried again.
CREATE TABLE pending (
	seq bigint PRIMARY KEY REFERENCES journal ON DELETE CASCADE,
	frame bytea NOT NULL,
	answer text
);

-- Posts of a reply; ts is empty while one is only intended.
CREATE TABLE parts (
	seq bigint NOT NULL REFERENCES journal ON DELETE CASCADE,
	part integer NOT NULL,
	ts text NOT NULL,
	PRIMARY KEY (seq, part)
);

CREATE TABLE engaged (
	key text COLLATE "C" PRIMARY KEY, -- app:workspace:channel:thread
	at_ms bigint NOT NULL
);
CREATE INDEX engaged_at ON engaged (at_ms);
GRANT SELECT, INSERT, UPDATE, DELETE ON journal, pending, parts, engaged
	TO konstruct_definer;
