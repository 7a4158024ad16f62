-- SPDX-License-Identifier: ISC
-- Who asked, and what an admin changed: a chain, see store/audit.h. No
-- reference to tenants: a row outlives its tenant.

CREATE TABLE audit (
	seq INTEGER PRIMARY KEY, -- without gaps
	at_ms INTEGER NOT NULL,
	tenant_id TEXT NOT NULL, -- '': none
	body TEXT, -- JSON; NULL: erased, when its time was over
	digest TEXT NOT NULL, -- of the body
	before TEXT NOT NULL, -- hash of the row before
	hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_kept ON audit (tenant_id, at_ms) WHERE body IS NOT NULL;

CREATE TABLE audit_chain (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	first INTEGER NOT NULL, -- seq of the oldest row that is kept
	before TEXT NOT NULL, -- hash of the row before that
	last INTEGER NOT NULL,
	hash TEXT NOT NULL -- of the last one
) STRICT;
INSERT INTO audit_chain VALUES (1, 1,
	'0000000000000000000000000000000000000000000000000000000000000000', 0,
	'0000000000000000000000000000000000000000000000000000000000000000');
