-- SPDX-License-Identifier: ISC
--
-- All that the daemon's role can do across tenants. Each function belongs to
-- konstruct_definer and finds its tables by a path that callers can't change.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (2, 2);

-- Connections with their tenants, as the look-ups give them.
CREATE VIEW connected AS SELECT t.id, t.name, t.paused, t.rate_per_minute,
	t.burst, c.channel_type, c.app_id, c.workspace_id, c.bot_token,
	c.bot_user_id, c.bot_id
	FROM connections c JOIN tenants t ON t.id = c.tenant_id;

-- The one look-up before a tenant is known.
CREATE FUNCTION resolve(text, text, text) RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM connected WHERE channel_type = $1 AND app_id = $2
		AND workspace_id = $3';

-- For the admin: of all tenants, or of the one named.
CREATE FUNCTION connections_of(text) RETURNS SETOF connected
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM connected WHERE $1 IS NULL OR name = $1
		ORDER BY name, app_id, workspace_id';

CREATE FUNCTION tenants_named(text) RETURNS SETOF tenants
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM tenants WHERE $1 IS NULL OR name = $1 ORDER BY name';

-- Does anybody else have this workspace of the app?
CREATE FUNCTION connection_taken(text, text, text, tenant text)
	RETURNS boolean
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT EXISTS (SELECT 1 FROM connections WHERE channel_type = $1
		AND app_id = $2 AND workspace_id = $3 AND tenant_id <> $4)';

-- An app goes with its last connection, whoever's that was.
CREATE FUNCTION app_drop_unused(text) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'DELETE FROM apps a WHERE a.app_id = $1 AND NOT EXISTS
		(SELECT 1 FROM connections c WHERE c.app_id = $1)';

-- True when it is new.
CREATE FUNCTION journal_append(id text, app text, event text, at_ms bigint,
	frame bytea) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
BEGIN
	INSERT INTO journal (id, app_id, event_id, received_ms)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (app_id, event_id) DO NOTHING
		RETURNING seq INTO s;
	IF s IS NULL THEN
		RETURN false;
	END IF;
	INSERT INTO pending (seq, frame) VALUES (s, $5);
	RETURN true;
END $$;

-- NULL leaves a field as it is.
CREATE FUNCTION journal_note(entry text, new_state text, new_verdict text,
	new_claim text, new_tenant text, attempt integer, new_part integer,
	part_ts text, new_answer text, thread text, thread_ms bigint)
	RETURNS void LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
BEGIN
	SELECT seq INTO s FROM journal WHERE id = entry;
	IF s IS NULL THEN
		RETURN;
	END IF;
	IF attempt > 0 OR new_state IS NOT NULL OR new_verdict IS NOT NULL OR
		new_claim IS NOT NULL OR new_tenant IS NOT NULL THEN
		UPDATE journal SET state = coalesce(new_state, state),
			verdict = coalesce(new_verdict, verdict),
			claim = coalesce(new_claim, claim),
			tenant_id = coalesce(new_tenant, tenant_id),
			attempts = attempts + attempt WHERE seq = s;
	END IF;
	-- What is posted stays so, whatever is intended once more.
	IF part_ts IS NOT NULL THEN
		INSERT INTO parts (seq, part, ts) VALUES (s, new_part, part_ts)
			ON CONFLICT (seq, part) DO UPDATE SET ts = excluded.ts
			WHERE excluded.ts <> '';
	END IF;
	IF new_answer IS NOT NULL THEN
		UPDATE pending SET answer = new_answer WHERE seq = s;
	END IF;
	IF thread IS NOT NULL THEN
		INSERT INTO engaged AS g (key, at_ms)
			VALUES (thread, thread_ms)
			ON CONFLICT (key) DO UPDATE
			SET at_ms = greatest(g.at_ms, excluded.at_ms);
	END IF;
END $$;

-- True when it was unfinished. A dead one keeps its frame.
CREATE FUNCTION journal_done(entry text, at_ms bigint, dead boolean)
	RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
BEGIN
	UPDATE journal SET done_ms = at_ms WHERE id = entry AND done_ms IS NULL
		RETURNING seq INTO s;
	IF s IS NOT NULL AND NOT dead THEN
		DELETE FROM pending WHERE seq = s;
	END IF;
	RETURN s IS NOT NULL;
END $$;

-- Is it there, and not finished? What a turn adds is added once, though the
-- daemon may not have heard of a commit and repeats it.
CREATE FUNCTION journal_open(entry text) RETURNS boolean
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT EXISTS (SELECT 1 FROM journal
		WHERE id = $1 AND done_ms IS NULL)';

-- An entry whose commit nobody heard of; Slack got no ack and sends it again.
CREATE FUNCTION journal_forget(entry text) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'DELETE FROM journal WHERE id = $1 AND done_ms IS NULL';

CREATE FUNCTION journal_count() RETURNS bigint
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT count(*) FROM pending p JOIN journal j USING (seq)
		WHERE j.done_ms IS NULL';

-- The next of the unfinished after a seq, oldest first; parts as "0 ts,1 ts".
CREATE FUNCTION journal_unfinished(after bigint, most integer)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT j.seq, j.id, j.state, j.received_ms, j.app_id, j.event_id,
		j.claim, j.tenant_id, j.verdict, j.attempts, p.frame, p.answer,
		(SELECT string_agg(q.part || '' '' || q.ts, '','' ORDER BY
			q.part) FROM parts q WHERE q.seq = p.seq)
		FROM pending p JOIN journal j ON j.seq = p.seq
		WHERE j.done_ms IS NULL AND p.seq > $1
		ORDER BY p.seq LIMIT $2';

CREATE FUNCTION journal_claims(since_ms bigint)
	RETURNS TABLE (claim text, id text, verdict text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT claim, id, verdict FROM journal
		WHERE done_ms >= $1 AND claim IS NOT NULL
	UNION ALL SELECT j.claim, j.id, j.verdict FROM pending p
		JOIN journal j USING (seq)
		WHERE j.done_ms IS NULL AND j.claim IS NOT NULL';

CREATE FUNCTION engaged_since(since_ms bigint)
	RETURNS TABLE (key text, at_ms bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT key, at_ms FROM engaged WHERE at_ms >= $1';

-- The threads of a workspace that is to be removed; ';' comes after ':', so
-- this is all that begins so.
CREATE FUNCTION engaged_drop(app text, workspace text) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'DELETE FROM engaged WHERE key >= $1 || '':'' || $2 || '':''
		AND key < $1 || '':'' || $2 || '';''';

-- How many rows went, at most so many.
CREATE FUNCTION journal_expire(before_ms bigint, most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	DELETE FROM journal WHERE seq IN (SELECT seq FROM journal
		WHERE done_ms < before_ms LIMIT most);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

CREATE FUNCTION engaged_expire(before_ms bigint, most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	DELETE FROM engaged WHERE key IN (SELECT key FROM engaged
		WHERE at_ms < before_ms LIMIT most);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
