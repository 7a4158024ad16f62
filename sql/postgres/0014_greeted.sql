-- SPDX-License-Identifier: ISC
--
-- Where we have said hello.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (14, 4);

CREATE TABLE greeted (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	app_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	at_ms bigint NOT NULL,
	PRIMARY KEY (tenant_id, app_id, channel)
);
ALTER TABLE greeted ENABLE ROW LEVEL SECURITY;
ALTER TABLE greeted FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON greeted TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON greeted TO konstruct_daemon;
