-- SPDX-License-Identifier: ISC
--
-- Several daemons on one database. The journal's entries fall into 64
-- partitions by their app; each is leased to one node, which does its work.
-- A lease has an epoch, higher with each owner, and an entry that of whoever
-- took it: its notes count only while that is so.
--
-- A daemon that works alone calls none of this, and the one before this
-- schema works with it.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (5, 4);

-- As store/leases.c has it: of the bytes as they are. What it calls is
-- immutable itself, so that it costs no call of its own.
CREATE FUNCTION part_of(app text) RETURNS smallint
	LANGUAGE sql IMMUTABLE AS
	'SELECT (get_byte(sha256(decode(replace($1, ''\'', ''\\''), ''escape'')),
		0) & 63)::smallint';

-- part: NULL for an entry of a daemon that is alone, until one of several
-- joins. epoch: of the lease under which a node has taken it; 0: nobody has.
ALTER TABLE journal ADD COLUMN part smallint,
	ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
-- Not of "done_ms IS NULL": a plan for one entry that is not done, made while
-- the table was empty, would take it for a way to find it.
CREATE INDEX journal_work ON journal (part, epoch, seq)
	WHERE coalesce(done_ms, 0) = 0 AND part IS NOT NULL;

-- home: whoever has the same is dead, as the one that runs holds a lock.
CREATE TABLE nodes (
	id text COLLATE "C" PRIMARY KEY, -- of one run of a daemon
	home text COLLATE "C" NOT NULL UNIQUE,
	name text NOT NULL,
	takes boolean NOT NULL, -- wants partitions; false once it is to stop
	links integer NOT NULL,
	since timestamptz NOT NULL,
	until timestamptz NOT NULL
);

CREATE TABLE partitions (
	part smallint PRIMARY KEY,
	epoch bigint NOT NULL,
	node text COLLATE "C", -- NULL: free
	until timestamptz
);

-- One row. When nobody could renew for a while, nobody takes over before
-- owners had their time to.
CREATE TABLE renewals (
	one boolean PRIMARY KEY CHECK (one),
	last timestamptz NOT NULL,
	quiet_until timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON nodes, partitions, renewals
	TO konstruct_definer;

-- News for all nodes, on one channel:
--   work PART          an entry waits there for its owner
--   thread KEY MS      is engaged by a message of that time; 0: may be, soon
--   leases             a partition is free, or a node has come
--   apps               an app was added, changed or removed
CREATE FUNCTION tell_apps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('konstruct', 'apps');
	RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON apps
	FOR EACH STATEMENT EXECUTE FUNCTION tell_apps();

-- A run of a daemon begins, or begins anew after its row was removed.
CREATE FUNCTION node_join(node text, new_home text, new_name text,
	lease_ms integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	t timestamptz;
BEGIN
	PERFORM pg_advisory_xact_lock(1265529716, 3);
	t := clock_timestamp();
	INSERT INTO partitions (part, epoch) SELECT generate_series(0, 63), 0
		ON CONFLICT DO NOTHING;
	INSERT INTO renewals VALUES (true, t, t) ON CONFLICT DO NOTHING;
	UPDATE journal j SET part = part_of(j.app_id) FROM pending p
		WHERE p.seq = j.seq AND j.done_ms IS NULL AND j.part IS NULL;
	UPDATE partitions p SET node = NULL, until = NULL WHERE p.node = $1
		OR p.node IN (SELECT n.id FROM nodes n WHERE n.home = $2);
	DELETE FROM nodes n WHERE n.home = $2;
	INSERT INTO nodes VALUES ($1, $2, $3, true, 0, t,
		t + $4 * interval '1 ms');
	PERFORM pg_notify('konstruct', 'leases');
END $$;

-- What a node does every few seconds: renews its leases, gives up those in
-- drop, and those in leave of which it has no entry any more, and takes its
-- share of what is free. Gives back what it holds, each with the entries it
-- has taken and whether there are others; and first, as part -1, the nodes
-- that share. Nothing at all for a node that isn't there (any more).
CREATE FUNCTION node_beat(me text, lease_ms integer, wants boolean,
	live_links integer, leave smallint[], drop smallint[])
	RETURNS TABLE (part smallint, epoch bigint, taken bigint,
		waiting boolean)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
#variable_conflict use_column
DECLARE
	lease interval := lease_ms * interval '1 ms';
	t timestamptz;
	quiet boolean;
	sharing bigint;
	room bigint;
BEGIN
	-- One beat at a time, so that two can't take the same.
	PERFORM pg_advisory_xact_lock(1265529716, 3);
	t := clock_timestamp();
	UPDATE nodes SET until = t + lease, takes = wants, links = live_links
		WHERE id = me;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	UPDATE renewals SET last = t, quiet_until = CASE
		WHEN last < t - lease / 2 THEN t + lease ELSE quiet_until END
		RETURNING quiet_until > t INTO quiet;
	UPDATE partitions p SET node = NULL, until = NULL WHERE p.node = me
		AND (p.part = ANY (drop) OR p.part = ANY (leave) AND NOT EXISTS
			(SELECT 1 FROM journal j WHERE j.part = p.part
				AND j.epoch = p.epoch AND coalesce(j.done_ms, 0) = 0));
	IF FOUND THEN
		PERFORM pg_notify('konstruct', 'leases');
	END IF;
	UPDATE partitions SET until = t + lease WHERE node = me;
	GET DIAGNOSTICS room = ROW_COUNT;
	SELECT count(*) INTO sharing FROM nodes n WHERE n.takes
		AND n.until > t;
	IF wants THEN
		room := (63 + sharing) / sharing - room;
		UPDATE partitions SET node = me, epoch = epoch + 1,
			until = t + lease WHERE part IN
			(SELECT p.part FROM partitions p WHERE p.node IS NULL
				OR p.until < t AND NOT quiet
				ORDER BY p.part LIMIT greatest(room, 0));
	END IF;
	DELETE FROM nodes WHERE until < t - interval '1 hour';
	RETURN QUERY SELECT (-1)::smallint, sharing, 0::bigint, false
		UNION ALL SELECT p.part, p.epoch,
		(SELECT count(*) FROM journal j WHERE j.part = p.part
			AND j.epoch = p.epoch AND coalesce(j.done_ms, 0) = 0),
		EXISTS (SELECT 1 FROM journal j WHERE j.part = p.part
			AND j.epoch < p.epoch AND coalesce(j.done_ms, 0) = 0)
		FROM partitions p WHERE p.node = me;
END $$;

-- The last thing that a node says.
CREATE FUNCTION node_leave(me text) RETURNS void LANGUAGE plpgsql
	SECURITY DEFINER SET search_path = konstruct, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(1265529716, 3);
	UPDATE partitions SET node = NULL, until = NULL WHERE node = me;
	DELETE FROM nodes WHERE id = me;
	PERFORM pg_notify('konstruct', 'leases');
END $$;

-- For the admin, of each node: its partitions, how long ago it renewed, the
-- unfinished entries there; last, as id '', what nobody holds.
CREATE FUNCTION nodes_view(lease_ms integer)
	RETURNS TABLE (id text, name text, links integer, age_ms bigint,
		alive boolean, parts text, backlog bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'WITH held AS (SELECT coalesce(p.node, '''') AS node,
		string_agg(p.part::text, '' '' ORDER BY p.part) AS parts,
		sum((SELECT count(*) FROM journal j WHERE j.part = p.part
			AND coalesce(j.done_ms, 0) = 0))::bigint AS backlog
		FROM partitions p GROUP BY 1)
	SELECT n.id, n.name, n.links, (extract(epoch FROM clock_timestamp() -
		n.until) * 1000)::bigint + $1, n.until > clock_timestamp(),
		coalesce(h.parts, ''''), coalesce(h.backlog, 0)
		FROM (SELECT * FROM nodes UNION ALL SELECT '''', '''', '''',
			false, 0, now(), now()) n
		LEFT JOIN held h ON h.node = n.id
		ORDER BY n.id = '''', n.name, n.since';

-- held: the lease under which the node would take it itself, or 0. news: a
-- thread that others shall hear of. 0: it is there already; 1: taken; 2: left
-- to the partition's owner, who is told.
CREATE FUNCTION work_append(id text, app text, event text, at_ms bigint,
	held bigint, news text, frame bytea) RETURNS integer
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	s bigint;
	its smallint := part_of(app);
	mine boolean := held > 0 AND EXISTS (SELECT 1 FROM partitions p
		WHERE p.part = its AND p.epoch = held AND p.node IS NOT NULL);
BEGIN
	INSERT INTO journal (id, app_id, event_id, received_ms, part, epoch)
		VALUES ($1, $2, $3, $4, its,
			CASE WHEN mine THEN held ELSE 0 END)
		ON CONFLICT (app_id, event_id) DO NOTHING
		RETURNING seq INTO s;
	IF s IS NULL THEN
		RETURN 0;
	END IF;
	INSERT INTO pending (seq, frame) VALUES (s, $7);
	IF news IS NOT NULL THEN
		PERFORM pg_notify('konstruct', 'thread ' || news || ' 0');
	END IF;
	IF mine THEN
		RETURN 1;
	END IF;
	PERFORM pg_notify('konstruct', 'work ' || its);
	RETURN 2;
END $$;

-- False, and nothing is changed, unless the entry is held under that lease.
-- The row is locked so that nobody takes it until this is committed.
CREATE FUNCTION work_note(entry text, new_state text, new_verdict text,
	new_claim text, new_tenant text, new_part integer, part_ts text,
	new_answer text, thread text, thread_ms bigint, new_steps text,
	new_post text, held bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
BEGIN
	PERFORM 1 FROM journal WHERE id = entry AND epoch = held
		FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM journal_note(entry, new_state, new_verdict, new_claim,
		new_tenant, new_part, part_ts, new_answer, thread, thread_ms,
		new_steps, new_post);
	IF thread IS NOT NULL THEN
		PERFORM pg_notify('konstruct', 'thread ' || thread || ' ' ||
			thread_ms);
	END IF;
	RETURN true;
END $$;

CREATE FUNCTION work_done(entry text, at_ms bigint, dead boolean, held bigint)
	RETURNS boolean LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT EXISTS (SELECT 1 FROM journal WHERE id = $1 AND epoch = $4)
		AND journal_done($1, $2, $3)';

CREATE FUNCTION work_open(entry text, held bigint) RETURNS boolean
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT EXISTS (SELECT 1 FROM journal
		WHERE id = $1 AND epoch = $2 AND done_ms IS NULL)';

-- Takes the oldest entries of a partition that are held under no lease or an
-- earlier one; as journal_unfinished gives them. fresh: nobody had it before.
CREATE FUNCTION work_claim(of_part smallint, held bigint, most integer)
	RETURNS TABLE (seq bigint, id text, state text, received_ms bigint,
		app_id text, event_id text, claim text, tenant_id text,
		verdict text, attempts integer, frame bytea, answer text,
		posts text, replayed_ms bigint, fresh boolean)
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'WITH theirs AS MATERIALIZED (SELECT q.seq, q.epoch AS was
		FROM journal q
		WHERE q.part = $1 AND q.epoch < $2
			AND coalesce(q.done_ms, 0) = 0
			AND EXISTS (SELECT 1 FROM partitions p WHERE p.part =
				$1 AND p.epoch = $2 AND p.node IS NOT NULL)
		ORDER BY q.seq LIMIT $3 FOR NO KEY UPDATE),
	ours AS (UPDATE journal j SET epoch = $2 FROM theirs t
		WHERE j.seq = t.seq RETURNING j.*, t.was)
	SELECT j.seq, j.id, j.state, j.received_ms, j.app_id, j.event_id,
		j.claim, j.tenant_id, j.verdict, j.attempts, p.frame, p.answer,
		(SELECT string_agg(q.part || '' '' || q.ts, '','' ORDER BY
			q.part) FROM parts q WHERE q.seq = p.seq), j.replayed_ms,
		j.was = 0 AND j.state = ''new'' AND j.replayed_ms IS NULL
			AND j.attempts = 0
		FROM ours j JOIN pending p ON p.seq = j.seq ORDER BY j.seq';

-- An entry that the node took without hearing of it: to be taken again.
CREATE FUNCTION work_let_go(entry text, me text) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'UPDATE journal j SET epoch = 0 FROM partitions p WHERE j.id = $1
		AND j.done_ms IS NULL AND p.part = j.part
		AND p.epoch = j.epoch AND p.node = $2';

-- A dead letter that begins anew is for whoever has its partition.
CREATE FUNCTION reopen() RETURNS trigger LANGUAGE plpgsql
	SET search_path = konstruct, pg_temp AS $$
BEGIN
	UPDATE journal SET epoch = 0, part = part_of(app_id)
		WHERE seq = NEW.seq;
	PERFORM pg_notify('konstruct', 'work ' || part_of(NEW.app_id));
	RETURN NULL;
END $$;
CREATE TRIGGER reopen AFTER UPDATE OF done_ms ON journal FOR EACH ROW
	WHEN (OLD.done_ms IS NOT NULL AND NEW.done_ms IS NULL)
	EXECUTE FUNCTION reopen();

-- What the node has taken, and not finished in all that time.
CREATE FUNCTION work_idle(me text, before_ms bigint, most integer)
	RETURNS TABLE (id text, epoch bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT j.id, j.epoch FROM partitions p JOIN journal j
		ON j.part = p.part AND j.epoch = p.epoch
		WHERE p.node = $1 AND coalesce(j.done_ms, 0) = 0
			AND j.received_ms < $2
		ORDER BY j.seq LIMIT $3';
