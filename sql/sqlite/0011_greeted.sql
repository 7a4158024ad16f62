-- SPDX-License-Identifier: ISC
-- Where we have said hello.

CREATE TABLE greeted (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	app_id TEXT NOT NULL,
	channel TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (tenant_id, app_id, channel)
) STRICT, WITHOUT ROWID;
