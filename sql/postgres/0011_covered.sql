-- SPDX-License-Identifier: ISC
--
-- Messages of one thread that are answered together: an entry whose answer is
-- also that of others is their leader. They are taken up with it, under the
-- same lease, and finished with it.
--
-- A daemon of before knows nothing of that: what it takes up of such a group
-- without an answer is single entries again, and what it finishes of one with
-- an answer is all of it.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (11, 4);

ALTER TABLE journal ADD COLUMN leader text COLLATE "C";
CREATE INDEX journal_leader ON journal (leader) WHERE leader IS NOT NULL;

-- ids are told apart by spaces.
CREATE FUNCTION journal_cover(entry text, ids text, at_ms bigint)
	RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
BEGIN
	UPDATE journal SET leader = entry, steps = left(steps || 'covered+' ||
		greatest(at_ms - received_ms, 0) || ' ', 2000)
		WHERE id = ANY (string_to_array(ids, ' ')) AND done_ms IS NULL;
	RETURN true;
END $$;

-- False, and nothing is changed, unless all are held under that lease.
CREATE FUNCTION work_cover(entry text, ids text, at_ms bigint, held bigint)
	RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	several text[] := string_to_array(ids, ' ');
	n bigint;
BEGIN
	SELECT count(*) INTO n FROM (SELECT 1 FROM journal
		WHERE (id = entry OR id = ANY (several)) AND epoch = held
			AND done_ms IS NULL
		ORDER BY seq FOR NO KEY UPDATE) q;
	IF n <> cardinality(several) + 1 THEN
		RETURN false;
	END IF;
	RETURN journal_cover(entry, ids, at_ms);
END $$;

-- How many were unfinished, of it and those that it covers.
CREATE FUNCTION journal_close(entry text, at_ms bigint, dead boolean)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
	its_state text;
	its_verdict text;
	covered bigint[];
BEGIN
	UPDATE journal SET done_ms = at_ms WHERE id = entry AND done_ms IS NULL
		RETURNING seq, state, verdict INTO s, its_state, its_verdict;
	IF s IS NULL THEN
		RETURN 0;
	END IF;
	WITH c AS (UPDATE journal SET done_ms = at_ms, state = its_state,
		verdict = its_verdict, steps = left(steps || its_state || '+' ||
			greatest(at_ms - received_ms, 0) || ' ', 2000)
		WHERE leader = entry AND done_ms IS NULL RETURNING seq)
	SELECT coalesce(array_agg(seq), '{}') INTO covered FROM c;
	IF NOT dead THEN
		DELETE FROM pending WHERE seq = s OR seq = ANY (covered);
	END IF;
	RETURN cardinality(covered) + 1;
END $$;

CREATE OR REPLACE FUNCTION journal_done(entry text, at_ms bigint, dead boolean)
	RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
BEGIN
	RETURN journal_close(entry, at_ms, dead) > 0;
END $$;

CREATE FUNCTION work_close(entry text, at_ms bigint, dead boolean, held bigint)
	RETURNS integer LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT CASE WHEN EXISTS (SELECT 1 FROM journal
			WHERE id = $1 AND epoch = $4)
		THEN journal_close($1, $2, $3) ELSE 0 END';

-- Entries by seq, each followed by those that it covers, which have its seq
-- and name it as their leader. Parts as "0 ts,1 ts".
CREATE FUNCTION entries_of(heads bigint[])
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint, leader text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT r.head, j.id, j.state, j.received_ms, j.app_id, j.event_id,
		j.claim, j.tenant_id, j.verdict, j.attempts, p.frame, p.answer,
		(SELECT string_agg(q.part || '' '' || q.ts, '','' ORDER BY
			q.part) FROM parts q WHERE q.seq = j.seq),
		j.replayed_ms, r.leader
		FROM (SELECT h AS head, h AS seq, NULL::text AS leader
			FROM unnest($1) h
		UNION ALL SELECT l.seq, c.seq, l.id FROM journal l
			JOIN journal c ON c.leader = l.id
			WHERE l.seq = ANY ($1) AND c.done_ms IS NULL) r
		JOIN journal j ON j.seq = r.seq JOIN pending p ON p.seq = r.seq
		ORDER BY r.head, r.leader IS NOT NULL, j.seq';

-- The next of the unfinished after a seq, oldest first.
CREATE FUNCTION journal_left(after bigint, most integer)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint, leader text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM entries_of(ARRAY(SELECT p.seq FROM pending p
		JOIN journal j ON j.seq = p.seq
		WHERE j.done_ms IS NULL AND p.seq > $1
			AND (j.leader IS NULL OR NOT EXISTS (SELECT 1
				FROM journal l WHERE l.id = j.leader
				AND l.done_ms IS NULL))
		ORDER BY p.seq LIMIT $2))';

-- One of the unfinished; not what another one covers.
CREATE FUNCTION journal_whole(entry text)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint, leader text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM entries_of(ARRAY(SELECT j.seq FROM journal j
		WHERE j.id = $1 AND j.done_ms IS NULL
			AND (j.leader IS NULL OR NOT EXISTS (SELECT 1
				FROM journal l WHERE l.id = j.leader
				AND l.done_ms IS NULL))))';

-- Takes the oldest entries of a partition that are held under no lease or an
-- earlier one, with what they cover. That is looked for when they are locked:
-- until then whoever had them may add to it. fresh: nobody had it before.
CREATE FUNCTION work_take(of_part smallint, held bigint, most integer)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint, leader text, fresh boolean)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
#variable_conflict use_column
DECLARE
	heads bigint[];
	untouched bigint[];
BEGIN
	WITH theirs AS MATERIALIZED (SELECT q.seq, q.epoch AS was
		FROM journal q
		WHERE q.part = of_part AND q.epoch < held
			AND coalesce(q.done_ms, 0) = 0
			AND EXISTS (SELECT 1 FROM partitions p WHERE p.part =
				of_part AND p.epoch = held
				AND p.node IS NOT NULL)
			AND (q.leader IS NULL OR NOT EXISTS (SELECT 1
				FROM journal l WHERE l.id = q.leader
				AND l.done_ms IS NULL))
		ORDER BY q.seq LIMIT most FOR NO KEY UPDATE),
	ours AS (UPDATE journal j SET epoch = held FROM theirs t
		WHERE j.seq = t.seq RETURNING j.seq, t.was)
	SELECT array_agg(o.seq), array_agg(o.seq) FILTER (WHERE o.was = 0)
		INTO heads, untouched FROM ours o;
	IF heads IS NULL THEN
		RETURN;
	END IF;
	UPDATE journal c SET epoch = held FROM journal l
		WHERE l.seq = ANY (heads) AND c.leader = l.id
			AND c.done_ms IS NULL;
	RETURN QUERY SELECT x.*, x.leader IS NULL AND x.state = 'new'
		AND x.seq = ANY (coalesce(untouched, '{}'))
		AND x.replayed_ms IS NULL AND x.attempts = 0
		FROM entries_of(heads) x;
END $$;

-- As a daemon of before takes them.
CREATE OR REPLACE FUNCTION work_claim(of_part smallint, held bigint,
	most integer)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint, fresh boolean)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
#variable_conflict use_column
DECLARE
	got text[];
	untouched text[];
BEGIN
	SELECT array_agg(t.id), array_agg(t.id) FILTER (WHERE t.fresh)
		INTO got, untouched FROM work_take(of_part, held, most) t;
	UPDATE journal c SET leader = NULL
		WHERE c.id = ANY (got) AND c.leader IS NOT NULL AND EXISTS
			(SELECT 1 FROM journal l JOIN pending p USING (seq)
			WHERE l.id = c.leader AND p.answer IS NULL
				AND l.state <> 'written');
	RETURN QUERY SELECT x.seq, x.id, x.state, x.received_ms, x.app_id,
		x.event_id, x.claim, x.tenant_id, x.verdict, x.attempts,
		x.frame, x.answer, x.posts, x.replayed_ms,
		x.id = ANY (coalesce(untouched, '{}'))
		FROM entries_of(ARRAY(SELECT j.seq FROM journal j
			WHERE j.id = ANY (got) AND j.leader IS NULL)) x
		WHERE x.leader IS NULL;
END $$;

-- An entry that the node took without hearing of it: to be taken again.
CREATE OR REPLACE FUNCTION work_let_go(entry text, me text) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'UPDATE journal j SET epoch = 0 FROM partitions p
		WHERE j.seq IN (SELECT seq FROM journal WHERE id = $1
			UNION ALL SELECT seq FROM journal WHERE leader = $1)
		AND j.done_ms IS NULL AND p.part = j.part
		AND p.epoch = j.epoch AND p.node = $2';

-- Unfinished for so long, in whose hands it may be or not. What is covered is
-- in those of its leader.
CREATE OR REPLACE FUNCTION journal_stale(before_ms bigint, most integer)
	RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT j.id FROM pending p JOIN journal j USING (seq)
		WHERE j.done_ms IS NULL AND j.received_ms < $1
			AND (j.leader IS NULL OR NOT EXISTS (SELECT 1
				FROM journal l WHERE l.id = j.leader
				AND l.done_ms IS NULL))
		ORDER BY p.seq LIMIT $2';

CREATE OR REPLACE FUNCTION work_idle(me text, before_ms bigint, most integer)
	RETURNS TABLE (id text, epoch bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT j.id, j.epoch FROM partitions p JOIN journal j
		ON j.part = p.part AND j.epoch = p.epoch
		WHERE p.node = $1 AND coalesce(j.done_ms, 0) = 0
			AND j.received_ms < $2
			AND (j.leader IS NULL OR NOT EXISTS (SELECT 1
				FROM journal l WHERE l.id = j.leader
				AND l.done_ms IS NULL))
		ORDER BY j.seq LIMIT $3';

-- A row as an admin may see it; covers: ids of those that have its answer.
CREATE OR REPLACE VIEW records AS SELECT j.seq, j.id, j.app_id, j.event_id,
	j.state, j.received_ms, j.done_ms, j.replayed_ms, t.name AS tenant,
	j.verdict, j.attempts, j.post, j.steps,
	(SELECT string_agg(q.part || ' ' || q.ts, ',' ORDER BY q.part)
		FROM parts q WHERE q.seq = j.seq) AS posts,
	EXISTS (SELECT 1 FROM pending p WHERE p.seq = j.seq) AS kept,
	j.leader, (SELECT string_agg(c.id, ' ' ORDER BY c.seq)
		FROM journal c WHERE c.leader = j.id) AS covers
	FROM journal j LEFT JOIN tenants t ON t.id = j.tenant_id;

-- A dead letter is one answer that wasn't given, to however many.
CREATE OR REPLACE FUNCTION records_dead(most integer) RETURNS SETOF records
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT * FROM records r WHERE r.state = ''dead''
		AND r.seq IN (SELECT seq FROM pending) AND NOT EXISTS
			(SELECT 1 FROM journal l WHERE l.id = r.leader
				AND l.state = ''dead'')
		ORDER BY r.seq LIMIT $1';

CREATE OR REPLACE FUNCTION dead_replay(entry text, now_ms bigint)
	RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
	v text;
BEGIN
	SELECT j.seq, j.verdict INTO s, v FROM pending p JOIN journal j
		USING (seq) WHERE j.id = entry AND j.state = 'dead'
		AND NOT EXISTS (SELECT 1 FROM journal l
			WHERE l.id = j.leader AND l.state = 'dead');
	IF s IS NULL THEN
		RETURN false;
	END IF;
	IF v LIKE 'failed:%' THEN
		UPDATE pending SET answer = NULL WHERE seq = s;
	END IF;
	UPDATE journal j SET done_ms = NULL, attempts = 0, replayed_ms = now_ms,
		state = CASE WHEN EXISTS (SELECT 1 FROM parts q
			WHERE q.seq = j.seq) THEN 'accepted' ELSE 'new' END,
		verdict = CASE WHEN EXISTS (SELECT 1 FROM parts q
			WHERE q.seq = j.seq) THEN 'accept' END,
		steps = left(steps || 'replayed+' ||
			greatest(now_ms - received_ms, 0) || ' ', 2000)
		WHERE j.seq = s OR j.leader = entry AND j.state = 'dead'
			AND EXISTS (SELECT 1 FROM pending p
				WHERE p.seq = j.seq);
	RETURN true;
END $$;

CREATE OR REPLACE FUNCTION dead_drop(entry text, now_ms bigint)
	RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	gone bigint[];
BEGIN
	WITH d AS (UPDATE journal j SET state = 'done', steps = left(steps ||
			'dropped+' || greatest(now_ms - received_ms, 0)
			|| ' ', 2000)
		WHERE (j.id = entry AND NOT EXISTS (SELECT 1 FROM journal l
				WHERE l.id = j.leader AND l.state = 'dead')
			OR j.leader = entry) AND j.state = 'dead'
		RETURNING seq)
	SELECT array_agg(seq) INTO gone FROM d;
	DELETE FROM pending WHERE seq = ANY (gone);
	RETURN gone IS NOT NULL;
END $$;
