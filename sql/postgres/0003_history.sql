-- SPDX-License-Identifier: ISC
--
-- What became of a message, stage by stage, for as long as its row is kept;
-- and dead letters.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (3, 3);

-- steps: "name+ms ..." since received_ms; a name may have a detail:
-- "dead:age". post: "channel:ts".
ALTER TABLE journal ADD COLUMN steps text NOT NULL DEFAULT '',
	ADD COLUMN post text COLLATE "C", ADD COLUMN replayed_ms bigint;

-- NULL leaves a field as it is; steps are added.
DROP FUNCTION journal_note(text, text, text, text, text, integer, integer,
	text, text, text, bigint);
CREATE FUNCTION journal_note(entry text, new_state text, new_verdict text,
	new_claim text, new_tenant text, new_part integer, part_ts text,
	new_answer text, thread text, thread_ms bigint,
	new_steps text, new_post text)
	RETURNS void LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
BEGIN
	SELECT seq INTO s FROM journal WHERE id = entry;
	IF s IS NULL THEN
		RETURN;
	END IF;
	IF new_state IS NOT NULL OR new_verdict IS NOT NULL OR
		new_claim IS NOT NULL OR new_tenant IS NOT NULL OR
		new_steps IS NOT NULL OR new_post IS NOT NULL THEN
		UPDATE journal SET state = coalesce(new_state, state),
			verdict = coalesce(new_verdict, verdict),
			claim = coalesce(new_claim, claim),
			tenant_id = coalesce(new_tenant, tenant_id),
			steps = left(steps || coalesce(new_steps, ''), 2000),
			post = coalesce(new_post, post) WHERE seq = s;
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

-- The daemon died with its hands on this entry.
CREATE FUNCTION journal_blame(entry text, now_ms bigint, step text)
	RETURNS void LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'UPDATE journal SET attempts = attempts + 1, steps = left(steps || $3
		|| ''+'' || greatest($2 - received_ms, 0) || '' '', 2000)
		WHERE id = $1 AND done_ms IS NULL';

-- A row as an admin may see it; parts as "0 ts,1 ts", kept: there is a frame.
CREATE VIEW records AS SELECT j.seq, j.id, j.app_id, j.event_id, j.state,
	j.received_ms, j.done_ms, j.replayed_ms, t.name AS tenant, j.verdict,
	j.attempts, j.post, j.steps,
	(SELECT string_agg(q.part || ' ' || q.ts, ',' ORDER BY q.part)
		FROM parts q WHERE q.seq = j.seq) AS posts,
	EXISTS (SELECT 1 FROM pending p WHERE p.seq = j.seq) AS kept
	FROM journal j LEFT JOIN tenants t ON t.id = j.tenant_id;

-- From when on an entry may be done that is looked for by "channel:ts": no
-- index is kept of these, and a message is done after it was said.
CREATE FUNCTION post_since(text) RETURNS bigint LANGUAGE sql IMMUTABLE
	SET search_path = konstruct, pg_temp AS
	'SELECT CASE WHEN $1 ~ ''^[^:]+:[0-9]{1,12}[.][0-9]{1,12}$''
		THEN (split_part($1, '':'', 2)::numeric * 1000)::bigint - 600000
		ELSE 9223372036854775807 END';

-- By id, by the last six characters of one, by event or by "channel:ts".
CREATE FUNCTION records_find(text) RETURNS SETOF records
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM records WHERE seq IN (
		SELECT seq FROM journal WHERE id = $1
		UNION SELECT seq FROM journal WHERE post = $1
			AND done_ms >= post_since($1)
		UNION SELECT j.seq FROM pending p JOIN journal j USING (seq)
			WHERE j.post = $1
		UNION SELECT j.seq FROM apps a JOIN journal j
			ON j.app_id = a.app_id AND j.event_id = $1
		UNION SELECT seq FROM journal
			WHERE length($1) = 6 AND right(id, 6) = $1)
		ORDER BY seq LIMIT 50';

CREATE FUNCTION records_dead(most integer) RETURNS SETOF records
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM records WHERE state = ''dead''
		AND seq IN (SELECT seq FROM pending) ORDER BY seq LIMIT $1';

-- Unfinished, and older than that.
CREATE FUNCTION journal_stale(before_ms bigint, most integer)
	RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT j.id FROM pending p JOIN journal j USING (seq)
		WHERE j.done_ms IS NULL AND j.received_ms < $1
		ORDER BY p.seq LIMIT $2';

-- A dead letter begins anew: where it was, and what it posted, is kept; an
-- answer is, unless it is the sentence that says that there is none.
CREATE FUNCTION dead_replay(entry text, now_ms bigint) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
	v text;
BEGIN
	SELECT j.seq, j.verdict INTO s, v FROM pending p JOIN journal j
		USING (seq) WHERE j.id = entry AND j.state = 'dead';
	IF s IS NULL THEN
		RETURN false;
	END IF;
	IF v LIKE 'failed:%' THEN
		UPDATE pending SET answer = NULL WHERE seq = s;
	END IF;
	UPDATE journal SET done_ms = NULL, attempts = 0, replayed_ms = now_ms,
		state = CASE WHEN EXISTS (SELECT 1 FROM parts q
			WHERE q.seq = s) THEN 'accepted' ELSE 'new' END,
		verdict = CASE WHEN EXISTS (SELECT 1 FROM parts q
			WHERE q.seq = s) THEN 'accept' END,
		steps = left(steps || 'replayed+' ||
			greatest(now_ms - received_ms, 0) || ' ', 2000)
		WHERE seq = s;
	RETURN true;
END $$;

CREATE FUNCTION dead_drop(entry text, now_ms bigint) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
BEGIN
	UPDATE journal SET state = 'done', steps = left(steps || 'dropped+' ||
		greatest(now_ms - received_ms, 0) || ' ', 2000)
		WHERE id = entry AND state = 'dead' RETURNING seq INTO s;
	DELETE FROM pending WHERE seq = s;
	RETURN s IS NOT NULL;
END $$;

-- One of the unfinished.
CREATE FUNCTION journal_one(entry text)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT j.seq, j.id, j.state, j.received_ms, j.app_id, j.event_id,
		j.claim, j.tenant_id, j.verdict, j.attempts, p.frame, p.answer,
		(SELECT string_agg(q.part || '' '' || q.ts, '','' ORDER BY
			q.part) FROM parts q WHERE q.seq = p.seq),
		j.replayed_ms
		FROM journal j JOIN pending p ON p.seq = j.seq
		WHERE j.id = $1 AND j.done_ms IS NULL';

DROP FUNCTION journal_unfinished(bigint, integer);
CREATE FUNCTION journal_unfinished(after bigint, most integer)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT j.seq, j.id, j.state, j.received_ms, j.app_id, j.event_id,
		j.claim, j.tenant_id, j.verdict, j.attempts, p.frame, p.answer,
		(SELECT string_agg(q.part || '' '' || q.ts, '','' ORDER BY
			q.part) FROM parts q WHERE q.seq = p.seq),
		j.replayed_ms
		FROM pending p JOIN journal j ON j.seq = p.seq
		WHERE j.done_ms IS NULL AND p.seq > $1
		ORDER BY p.seq LIMIT $2';
