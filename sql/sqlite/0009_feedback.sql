-- SPDX-License-Identifier: ISC
-- What people think of answers; the last word of each counts.

CREATE TABLE feedback (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	entry TEXT NOT NULL,
	user_id TEXT NOT NULL,
	up INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (tenant_id, entry, user_id)
) STRICT, WITHOUT ROWID;
