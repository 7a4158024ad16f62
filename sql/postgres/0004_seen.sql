-- SPDX-License-Identifier: ISC

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (4, 3);

-- When a link of an app was last known to be live: after a longer gap what
-- was said meanwhile is looked for.
CREATE TABLE seen (
	app_id text COLLATE "C" PRIMARY KEY REFERENCES apps ON DELETE CASCADE,
	at_ms bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON seen TO konstruct_daemon;

CREATE FUNCTION connections_of_app(text) RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM connected WHERE app_id = $1 ORDER BY workspace_id';
