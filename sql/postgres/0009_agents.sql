-- SPDX-License-Identifier: ISC
--
-- Several agents of a tenant, each for some channels and one for the rest; and
-- who may talk to them. An older program goes on answering with one of them,
-- and for everybody; it can't set agents any more.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (9, 4);

-- id: made by us. channels: JSON, of ids.
ALTER TABLE agents DROP CONSTRAINT agents_pkey,
	ADD COLUMN id text COLLATE "C" NOT NULL DEFAULT '',
	ADD COLUMN is_default boolean NOT NULL DEFAULT false,
	ADD COLUMN channels text NOT NULL DEFAULT '[]';
-- Whoever owns the table is bound as well.
ALTER TABLE agents NO FORCE ROW LEVEL SECURITY;
UPDATE agents SET id = tenant_id, is_default = true;
ALTER TABLE agents FORCE ROW LEVEL SECURITY;
ALTER TABLE agents ADD PRIMARY KEY (tenant_id, id),
	ADD UNIQUE (tenant_id, name);

-- Settings are JSON (route/access.h); agent_id '': the tenant's own.
CREATE TABLE access (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	agent_id text COLLATE "C" NOT NULL,
	settings text NOT NULL,
	PRIMARY KEY (tenant_id, agent_id)
);
ALTER TABLE access ENABLE ROW LEVEL SECURITY;
ALTER TABLE access FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON access TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON access TO konstruct_daemon;

-- Whose answer it is; of our own lines only. A thread stays with the agent of
-- its first one.
ALTER TABLE transcript ADD COLUMN agent text COLLATE "C";
