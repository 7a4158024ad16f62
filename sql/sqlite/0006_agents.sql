-- SPDX-License-Identifier: ISC
-- Several agents of a tenant, each for some channels and one for the rest; and
-- who may talk to them.

CREATE TABLE agents_now (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	id TEXT NOT NULL, -- made by us
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	persona TEXT NOT NULL,
	model TEXT NOT NULL,
	placeholder TEXT NOT NULL,
	active INTEGER NOT NULL,
	is_default INTEGER NOT NULL DEFAULT 0,
	channels TEXT NOT NULL DEFAULT '[]', -- JSON, of ids
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO agents_now SELECT tenant_id, tenant_id, name, role, persona, model,
	placeholder, active, 1, '[]' FROM agents;
DROP TABLE agents;
ALTER TABLE agents_now RENAME TO agents;

-- Settings are JSON (route/access.h); agent_id '': the tenant's own.
CREATE TABLE access (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	agent_id TEXT NOT NULL,
	settings TEXT NOT NULL,
	PRIMARY KEY (tenant_id, agent_id)
) STRICT, WITHOUT ROWID;

-- Whose answer it is; of our own lines only. A thread stays with the agent of
-- its first one.
ALTER TABLE transcript ADD COLUMN agent TEXT;
