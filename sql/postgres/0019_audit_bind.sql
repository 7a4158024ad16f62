-- SPDX-License-Identifier: ISC
--
-- What ended is told in a table without order, since whoever adds to the chain
-- locks its end until the commit, and one node's acks would wait for another's.
-- The chain takes it in soon after, in a transaction that nobody waits for. A
-- daemon of the schema before this one works with it, and takes in nothing.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (19, 4);

CREATE TABLE audit_new (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at_ms bigint NOT NULL,
	tenant_id text COLLATE "C" NOT NULL, -- '': none
	body text NOT NULL -- JSON
);
GRANT SELECT, INSERT, DELETE ON audit_new TO konstruct_definer;

CREATE OR REPLACE FUNCTION audit_done(entry text, done_ms bigint, held bigint,
	tenant text, body text)
	RETURNS void LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'INSERT INTO audit_new (at_ms, tenant_id, body)
		SELECT $2, $4, $5 FROM journal j WHERE j.id = $1
			AND j.done_ms = $2 AND ($3 = 0 OR j.epoch = $3)';

-- At most so many; tells how many. None while another node is at it.
CREATE FUNCTION audit_bind(most integer)
	RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	n integer := 0;
	s bigint;
	h text;
	b text;
	d text;
	r record;
BEGIN
	IF NOT EXISTS (SELECT 1 FROM audit_new) THEN
		RETURN 0;
	END IF;
	SELECT c.last, c.hash INTO s, h FROM audit_chain c
		FOR UPDATE SKIP LOCKED;
	IF s IS NULL THEN
		RETURN 0;
	END IF;
	FOR r IN WITH taken AS (DELETE FROM audit_new WHERE id = ANY (ARRAY(
			SELECT a.id FROM audit_new a ORDER BY a.id LIMIT most))
			RETURNING *)
		SELECT * FROM taken ORDER BY id LOOP
		n := n + 1;
		s := s + 1;
		b := h;
		d := encode(sha256(convert_to(r.body, 'UTF8')), 'hex');
		h := encode(sha256(convert_to(concat_ws(E'\n', b, s, r.at_ms,
			r.tenant_id, d), 'UTF8')), 'hex');
		INSERT INTO audit VALUES (s, r.at_ms, r.tenant_id, r.body, d,
			b, h);
	END LOOP;
	UPDATE audit_chain SET last = s, hash = h;
	RETURN n;
END $$;
