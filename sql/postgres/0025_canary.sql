-- SPDX-License-Identifier: ISC
--
-- A message of ours that must come back over a link (store/canary.h). A daemon
-- of the schema before this one works with it, sends none and hears none: they
-- are to be set when all nodes are new.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (25, 4);

CREATE TABLE canaries (
	tenant_id text COLLATE "C" PRIMARY KEY,
	channel_type text COLLATE "C" NOT NULL,
	app_id text COLLATE "C" NOT NULL,
	workspace_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	minutes integer NOT NULL,
	ts text NOT NULL DEFAULT '', -- of the message; '': none is known
	posted_ms bigint NOT NULL DEFAULT 0, -- it may stand since; 0: no
	nonce text NOT NULL DEFAULT '', -- awaited; '': nothing is
	sent_ms bigint NOT NULL DEFAULT 0,
	made boolean NOT NULL DEFAULT false, -- Slack has taken it
	heard_ms bigint NOT NULL DEFAULT 0, -- the last that came; 0: none
	trip_ms bigint NOT NULL DEFAULT 0,
	missed integer NOT NULL DEFAULT 0, -- since then
	due_ms bigint NOT NULL DEFAULT 0,
	problem text NOT NULL DEFAULT '',
	redial_ms bigint NOT NULL DEFAULT 0, -- fresh links were wanted then
	-- The last time that some were missed, from one that came to the next.
	gap_from_ms bigint NOT NULL DEFAULT 0,
	gap_to_ms bigint NOT NULL DEFAULT 0,
	FOREIGN KEY (channel_type, app_id, workspace_id) REFERENCES connections
		ON DELETE CASCADE
);
CREATE INDEX canaries_due ON canaries (due_ms);
CREATE INDEX canaries_app ON canaries (app_id, workspace_id);
ALTER TABLE canaries ENABLE ROW LEVEL SECURITY;
ALTER TABLE canaries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON canaries TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON canaries TO konstruct_daemon;
CREATE POLICY across ON canaries TO konstruct_definer USING (true);
GRANT SELECT, UPDATE ON canaries TO konstruct_definer;

-- Those that are due by then, or (NULL) all; of that tenant, or (NULL) of all.
-- A tenant whose app was taken out of the workspace has none.
CREATE FUNCTION canaries_of(text, bigint)
	RETURNS TABLE (tenant_id text, tenant text, app_id text,
		workspace_id text, channel text, minutes integer, ts text,
		posted_ms bigint, nonce text, sent_ms bigint, made boolean,
		heard_ms bigint, trip_ms bigint, missed integer, due_ms bigint,
		problem text, redial_ms bigint, gap_from_ms bigint,
		gap_to_ms bigint, bot_token text, bot_user_id text, bot_id text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT y.tenant_id, t.name, y.app_id, y.workspace_id, y.channel,
		y.minutes, y.ts, y.posted_ms, y.nonce, y.sent_ms, y.made,
		y.heard_ms, y.trip_ms, y.missed, y.due_ms, y.problem,
		y.redial_ms, y.gap_from_ms, y.gap_to_ms, c.bot_token,
		c.bot_user_id, c.bot_id
		FROM canaries y JOIN tenants t ON t.id = y.tenant_id
		JOIN connections c USING (channel_type, app_id, workspace_id)
		WHERE c.gone_ms = 0 AND ($1 IS NULL OR y.tenant_id = $1)
		AND ($2 IS NULL OR y.due_ms <= $2) ORDER BY y.due_ms, t.name';

-- It came: whose it was, and how that stood before. No row: it isn't awaited.
CREATE FUNCTION canary_heard(app text, was text, message text, at_ms bigint)
	RETURNS TABLE (tenant text, in_channel text, since_ms bigint,
		times integer)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	y canaries;
BEGIN
	SELECT * INTO y FROM canaries c WHERE c.app_id = app AND c.nonce = was
		AND was <> '' AND c.ts IN ('', message) FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	UPDATE canaries c SET nonce = '', heard_ms = at_ms,
		trip_ms = greatest(at_ms - y.sent_ms, 0), missed = 0,
		problem = '', ts = message, posted_ms = 0,
		due_ms = y.sent_ms + y.minutes * bigint '60000',
		gap_from_ms = CASE WHEN y.missed > 0 THEN y.heard_ms
			ELSE y.gap_from_ms END,
		gap_to_ms = CASE WHEN y.missed > 0 THEN at_ms
			ELSE y.gap_to_ms END
		WHERE c.tenant_id = y.tenant_id;
	RETURN QUERY SELECT t.name, y.channel, y.sent_ms, y.missed
		FROM tenants t WHERE t.id = y.tenant_id;
END $$;
