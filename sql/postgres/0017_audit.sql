-- SPDX-License-Identifier: ISC
--
-- Who asked, and what an admin changed: a chain, see store/audit.h. The
-- daemon's role has no right on these tables: it can add a row and read them.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (17, 4);

-- No reference to tenants: a row outlives its tenant.
CREATE TABLE audit (
	seq bigint PRIMARY KEY, -- without gaps
	at_ms bigint NOT NULL,
	tenant_id text COLLATE "C" NOT NULL, -- '': none
	body text, -- JSON; NULL: erased, when its time was over
	digest text NOT NULL, -- of the body
	before text NOT NULL, -- hash of the row before
	hash text NOT NULL
);
CREATE INDEX audit_kept ON audit (tenant_id, at_ms) WHERE body IS NOT NULL;

-- One row, which whoever adds to the chain locks until the commit; so it is
-- the last thing of a transaction.
CREATE TABLE audit_chain (
	one integer PRIMARY KEY CHECK (one = 1),
	first bigint NOT NULL, -- seq of the oldest row that is kept
	before text NOT NULL, -- hash of the row before that
	last bigint NOT NULL,
	hash text NOT NULL -- of the last one
);
INSERT INTO audit_chain VALUES (1, 1, repeat('0', 64), 0, repeat('0', 64));
GRANT SELECT, INSERT, UPDATE, DELETE ON audit TO konstruct_definer;
GRANT SELECT, UPDATE ON audit_chain TO konstruct_definer;

CREATE FUNCTION audit_add(at_ms bigint, tenant text, body text)
	RETURNS void LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
	b text;
	d text := encode(sha256(convert_to($3, 'UTF8')), 'hex');
	h text;
BEGIN
	SELECT c.last + 1, c.hash INTO s, b FROM audit_chain c FOR UPDATE;
	h := encode(sha256(convert_to(concat_ws(E'\n', b, s, $1, $2, d),
		'UTF8')), 'hex');
	INSERT INTO audit VALUES (s, $1, $2, $3, d, b, h);
	UPDATE audit_chain SET last = s, hash = h;
END $$;

-- Of an entry that was finished at that time, in this transaction; held: the
-- lease that it was held under, 0: none.
CREATE FUNCTION audit_done(entry text, done_ms bigint, held bigint,
	tenant text, body text)
	RETURNS void LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT audit_add($2, $4, $5) FROM journal j WHERE j.id = $1
		AND j.done_ms = $2 AND ($3 = 0 OR j.epoch = $3)';

-- At most so many behind a row, each with the chain as it is; that alone when
-- there are none.
CREATE FUNCTION audit_rows(after bigint, since_ms bigint, most integer)
	RETURNS TABLE (first bigint, first_before text, last bigint,
		last_hash text, seq bigint, at_ms bigint, tenant_id text,
		body text, digest text, before text, hash text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT c.first, c.before, c.last, c.hash, a.seq, a.at_ms,
		a.tenant_id, a.body, a.digest, a.before, a.hash
		FROM audit_chain c LEFT JOIN (SELECT * FROM audit
			WHERE seq > $1 AND at_ms >= $2
			ORDER BY seq LIMIT $3) a ON true
		ORDER BY a.seq';
