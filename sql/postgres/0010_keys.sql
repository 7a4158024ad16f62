-- SPDX-License-Identifier: ISC
--
-- Which key seals, and what is sealed under which. A daemon of the schema
-- before this one works with it, until a key is replaced.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (10, 4);

-- The key that seals from now on; '' until the first row is sealed.
CREATE TABLE sealing (
	one boolean PRIMARY KEY CHECK (one),
	key_id text NOT NULL
);
INSERT INTO sealing VALUES (true, '');
GRANT SELECT, UPDATE ON sealing TO konstruct_daemon;

-- What is secret and belongs to no tenant, as API keys of models.
CREATE TABLE secrets (
	name text COLLATE "C" PRIMARY KEY,
	value text NOT NULL -- sealed
);
GRANT SELECT, INSERT, UPDATE, DELETE ON secrets TO konstruct_daemon;
GRANT SELECT ON secrets TO konstruct_definer;

-- All that is sealed, by kind and the key of its row.
CREATE VIEW sealed (kind, a, b, c, tenant_id, value) AS
	SELECT 'app'::text, app_id, '', '', '', token FROM apps
	UNION ALL SELECT 'connection', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM connections
	UNION ALL SELECT 'leaving', channel_type, app_id, workspace_id,
		tenant_id, bot_token FROM leaving
	UNION ALL SELECT 'secret', name, '', '', '', value FROM secrets;

-- How much is sealed under each key.
CREATE FUNCTION sealed_count() RETURNS TABLE (key_id text, n bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT split_part(value, ''.'', 2), count(*) FROM sealed GROUP BY 1
		ORDER BY 2 DESC, 1';

-- What isn't sealed under that key.
CREATE FUNCTION sealed_other(key text, most integer) RETURNS SETOF sealed
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM sealed WHERE split_part(value, ''.'', 2) <> $1 LIMIT $2';

CREATE FUNCTION leaving_reseal(type text, app text, workspace text, new text,
	old text) RETURNS void LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'UPDATE leaving SET bot_token = $4 WHERE channel_type = $1
		AND app_id = $2 AND workspace_id = $3 AND bot_token = $5';

-- The ids of the keys that a node has, with blanks between. A program of an
-- earlier schema doesn't tell.
CREATE TABLE node_keys (
	id text COLLATE "C" PRIMARY KEY REFERENCES nodes ON DELETE CASCADE,
	keys text NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON node_keys TO konstruct_definer;

CREATE FUNCTION node_has(me text, has text) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'INSERT INTO node_keys SELECT n.id, $2 FROM nodes n WHERE n.id = $1
		ON CONFLICT (id) DO UPDATE SET keys = excluded.keys';

-- The nodes that live and haven't that key, but for the one that asks.
CREATE FUNCTION nodes_without(key text, me text) RETURNS TABLE (name text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT n.name FROM nodes n LEFT JOIN node_keys k ON k.id = n.id
		WHERE n.until > clock_timestamp() AND n.id <> $2 AND $1 <> ALL
			(string_to_array(coalesce(k.keys, ''''), '' ''))
		ORDER BY n.name';
