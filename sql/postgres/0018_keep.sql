-- SPDX-License-Identifier: ISC
--
-- For how many days what is stored of a tenant's people is kept; -1: as the
-- configuration says, 0: as long as the tenant is there. A daemon of the schema
-- before this one works with it, and erases nothing.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (18, 4);

CREATE TABLE keep (
	tenant_id text COLLATE "C" PRIMARY KEY REFERENCES tenants
		ON DELETE CASCADE,
	transcripts integer NOT NULL,
	usage integer NOT NULL,
	feedback integer NOT NULL,
	audit integer NOT NULL,
	history integer NOT NULL
);
ALTER TABLE keep ENABLE ROW LEVEL SECURITY;
ALTER TABLE keep FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON keep TO konstruct_daemon USING
	(tenant_id = nullif(current_setting('app.current_tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON keep TO konstruct_daemon;
CREATE POLICY across ON keep FOR SELECT TO konstruct_definer USING (true);
GRANT SELECT ON keep TO konstruct_definer;

-- What is old is found without a look at the rest.
CREATE INDEX transcript_old ON transcript (tenant_id, ts);
CREATE INDEX usage_by_old ON usage_by (tenant_id, day);
CREATE INDEX feedback_old ON feedback (tenant_id, at_ms);
CREATE INDEX journal_old ON journal (tenant_id, done_ms)
	WHERE done_ms IS NOT NULL;
CREATE INDEX audit_old ON audit (at_ms) WHERE body IS NOT NULL;

-- The next tenants by id.
CREATE FUNCTION keep_next(after text, most integer)
	RETURNS TABLE (id text, transcripts integer, usage integer,
		feedback integer, audit integer, history integer)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT t.id, coalesce(k.transcripts, -1), coalesce(k.usage, -1),
		coalesce(k.feedback, -1), coalesce(k.audit, -1),
		coalesce(k.history, -1)
		FROM tenants t LEFT JOIN keep k ON k.tenant_id = t.id
		WHERE t.id > $1 ORDER BY t.id LIMIT $2';

-- These erase at most so many, and tell how many; before NULL: nothing. What
-- another node is erasing is left to it.
CREATE FUNCTION journal_erase(tenant text, before_ms bigint, most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	DELETE FROM journal WHERE seq = ANY (ARRAY(SELECT seq FROM journal
		WHERE tenant_id = tenant AND done_ms < before_ms
		LIMIT most FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- Frames and answers of what was given up.
CREATE FUNCTION pending_erase(tenant text, most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	DELETE FROM pending WHERE seq = ANY (ARRAY(SELECT p.seq FROM journal j
		JOIN pending p USING (seq)
		WHERE j.tenant_id = tenant AND j.done_ms IS NOT NULL
		LIMIT most FOR UPDATE OF p SKIP LOCKED));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

CREATE FUNCTION audit_erase(tenant text, before_ms bigint, most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	UPDATE audit SET body = NULL WHERE seq = ANY (ARRAY(SELECT seq
		FROM audit WHERE tenant_id = tenant AND at_ms < before_ms
			AND body IS NOT NULL
		LIMIT most FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- Of no tenant that is there; and erased rows that nothing stands before are
-- dropped from the chain's beginning.
CREATE FUNCTION audit_trim(before_ms bigint, most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer;
	s bigint;
	h text;
BEGIN
	UPDATE audit SET body = NULL WHERE seq = ANY (ARRAY(SELECT a.seq
		FROM audit a WHERE a.at_ms < before_ms AND a.body IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM tenants t
				WHERE t.id = a.tenant_id)
		LIMIT most FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS n = ROW_COUNT;
	IF NOT EXISTS (SELECT 1 FROM audit a JOIN audit_chain c
		ON a.seq = c.first WHERE a.body IS NULL) THEN
		RETURN n;
	END IF;
	PERFORM 1 FROM audit_chain FOR UPDATE;
	SELECT max(f.seq) INTO s FROM (SELECT a.seq,
		bool_and(a.body IS NULL) OVER (ORDER BY a.seq) AS gone
		FROM (SELECT seq, body FROM audit ORDER BY seq LIMIT most) a) f
		WHERE f.gone;
	IF s IS NULL THEN -- another node has done it meanwhile
		RETURN n;
	END IF;
	SELECT hash INTO h FROM audit WHERE seq = s;
	UPDATE audit_chain SET first = s + 1, before = h;
	DELETE FROM audit WHERE seq <= s;
	RETURN n;
END $$;
