-- SPDX-License-Identifier: ISC
--
-- What people think of answers, the last word of each; and a thread that they
-- send us out of.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (12, 4);

CREATE TABLE feedback (
	tenant_id text COLLATE "C" NOT NULL REFERENCES tenants
		ON DELETE CASCADE,
	entry text COLLATE "C" NOT NULL,
	user_id text COLLATE "C" NOT NULL,
	up boolean NOT NULL,
	at_ms bigint NOT NULL,
	PRIMARY KEY (tenant_id, entry, user_id)
);
ALTER TABLE feedback ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON feedback TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON feedback TO konstruct_daemon;

CREATE FUNCTION engaged_end(text) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'DELETE FROM engaged WHERE key = $1';
