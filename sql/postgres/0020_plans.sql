-- SPDX-License-Identifier: ISC
--
-- What is called for each message is PL/pgSQL, which keeps its plans: a
-- function in SQL is planned anew at each call, which took longer than running
-- it. A kept plan may be of a time when the tables were small, hence no scans
-- of whole ones.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (20, 4);

CREATE OR REPLACE FUNCTION resolve(text, text, text)
	RETURNS SETOF connected LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp SET enable_seqscan = off AS $$
BEGIN
	RETURN QUERY SELECT * FROM connected WHERE channel_type = $1
		AND app_id = $2 AND workspace_id = $3;
END $$;

CREATE OR REPLACE FUNCTION audit_done(entry text, done_ms bigint, held bigint,
	tenant text, body text)
	RETURNS void LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
BEGIN
	INSERT INTO audit_new (at_ms, tenant_id, body)
		SELECT $2, $4, $5 FROM journal j WHERE j.id = $1
			AND j.done_ms = $2 AND ($3 = 0 OR j.epoch = $3);
END $$;

CREATE OR REPLACE FUNCTION work_close(entry text, at_ms bigint, dead boolean,
	held bigint)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
BEGIN
	PERFORM 1 FROM journal WHERE id = entry AND epoch = held;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	RETURN journal_close(entry, at_ms, dead);
END $$;

CREATE OR REPLACE FUNCTION entries_of(heads bigint[])
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint, leader text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp SET enable_seqscan = off
	SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT r.head, j.id, j.state, j.received_ms, j.app_id,
		j.event_id, j.claim, j.tenant_id, j.verdict, j.attempts,
		p.frame, p.answer, (SELECT string_agg(q.part || ' ' || q.ts,
			',' ORDER BY q.part) FROM parts q WHERE q.seq = j.seq),
		j.replayed_ms, r.leader
		FROM (SELECT h AS head, h AS seq, NULL::text AS leader
			FROM unnest(heads) h
		UNION ALL SELECT l.seq, c.seq, l.id FROM journal l
			JOIN journal c ON c.leader = l.id
			WHERE l.seq = ANY (heads) AND c.done_ms IS NULL) r
		JOIN journal j ON j.seq = r.seq JOIN pending p ON p.seq = r.seq
		ORDER BY r.head, r.leader IS NOT NULL, j.seq;
END $$;
