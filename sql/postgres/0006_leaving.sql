-- SPDX-License-Identifier: ISC
--
-- The workspaces of tenants that were removed while something of theirs was
-- unfinished: with the token its placeholder is closed. They go after a while.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (6, 4);

CREATE TABLE leaving (
	channel_type text COLLATE "C" NOT NULL,
	app_id text COLLATE "C" NOT NULL,
	workspace_id text COLLATE "C" NOT NULL,
	tenant_id text COLLATE "C" NOT NULL,
	bot_token text NOT NULL,
	bot_user_id text NOT NULL,
	bot_id text NOT NULL,
	at_ms bigint NOT NULL,
	PRIMARY KEY (channel_type, app_id, workspace_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON leaving TO konstruct_definer;

CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
BEGIN
	INSERT INTO leaving SELECT OLD.channel_type, OLD.app_id,
		OLD.workspace_id, OLD.tenant_id, OLD.bot_token,
		OLD.bot_user_id, OLD.bot_id,
		(extract(epoch FROM now()) * 1000)::bigint
		WHERE EXISTS (SELECT 1 FROM pending p JOIN journal j USING (seq)
			WHERE j.done_ms IS NULL
			AND j.tenant_id = OLD.tenant_id)
		ON CONFLICT (channel_type, app_id, workspace_id) DO UPDATE SET
		tenant_id = excluded.tenant_id,
		bot_token = excluded.bot_token,
		bot_user_id = excluded.bot_user_id,
		bot_id = excluded.bot_id, at_ms = excluded.at_ms;
	RETURN OLD;
END $$;
CREATE TRIGGER leave BEFORE DELETE ON connections
	FOR EACH ROW EXECUTE FUNCTION leave();

CREATE FUNCTION leaving_of(text, text, text) RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT tenant_id, ''''::text, false, -1, -1, channel_type, app_id,
		workspace_id, bot_token, bot_user_id, bot_id FROM leaving
		WHERE channel_type = $1 AND app_id = $2 AND workspace_id = $3';

CREATE FUNCTION leaving_expire(before_ms bigint, most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	DELETE FROM leaving WHERE (channel_type, app_id, workspace_id) IN
		(SELECT channel_type, app_id, workspace_id FROM leaving
			WHERE at_ms < before_ms LIMIT most);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
