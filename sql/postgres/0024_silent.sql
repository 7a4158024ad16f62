-- SPDX-License-Identifier: ISC
--
-- Who answers nobody, and why; and what was greeted goes with its channel. A
-- daemon of the schema before this one works with it.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (24, 4);

-- Of agents no more than whether they answer.
CREATE POLICY across ON agents FOR SELECT TO konstruct_definer USING (true);
GRANT SELECT (tenant_id, active) ON agents TO konstruct_definer;

CREATE FUNCTION silent(most integer) RETURNS TABLE (tenant text, why text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT t.name, CASE WHEN t.paused THEN ''paused''
		WHEN NOT EXISTS (SELECT 1 FROM agents a
			WHERE a.tenant_id = t.id AND a.active) THEN ''no agent''
		WHEN EXISTS (SELECT 1 FROM connections c
			WHERE c.tenant_id = t.id) THEN ''uninstalled''
		ELSE ''no workspace'' END
		FROM tenants t WHERE t.paused
		OR NOT EXISTS (SELECT 1 FROM agents a
			WHERE a.tenant_id = t.id AND a.active)
		OR NOT EXISTS (SELECT 1 FROM connections c
			WHERE c.tenant_id = t.id AND c.gone_ms = 0)
		ORDER BY t.name LIMIT $1';

-- Erases about so many rows of what is of that workspace alone, as the tenant
-- that is set; how many. What is of another one too stays.
CREATE OR REPLACE FUNCTION homes_erase(tenant text, app text, workspace text,
	most integer) RETURNS integer LANGUAGE plpgsql
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	h homes;
	sum integer := 0;
	n integer;
BEGIN
	SELECT * INTO h FROM homes WHERE tenant_id = tenant AND app_id = app
		AND workspace_id = workspace LIMIT 1;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM homes o JOIN connections c
		USING (tenant_id, app_id, workspace_id)
		WHERE o.tenant_id = tenant AND o.kind = h.kind
		AND o.who = h.who AND c.erased_ms = 0
		AND (o.app_id, o.workspace_id) <> (app, workspace)) THEN
		DELETE FROM usage_by WHERE ctid = ANY (ARRAY(SELECT ctid
			FROM usage_by WHERE tenant_id = tenant
			AND kind = h.kind AND who = h.who LIMIT most));
		GET DIAGNOSTICS sum = ROW_COUNT;
		DELETE FROM budget_marks WHERE tenant_id = tenant
			AND who = h.who;
		IF h.kind = 'channel' THEN
			DELETE FROM greeted WHERE tenant_id = tenant
				AND channel = h.who;
			DELETE FROM transcript WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM transcript
				WHERE tenant_id = tenant AND channel = h.who
				LIMIT most));
		ELSE
			DELETE FROM feedback WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM feedback
				WHERE tenant_id = tenant AND user_id = h.who
				LIMIT most));
		END IF;
		GET DIAGNOSTICS n = ROW_COUNT;
		sum := sum + n;
	END IF;
	IF sum = 0 THEN
		DELETE FROM homes WHERE tenant_id = tenant AND app_id = app
			AND workspace_id = workspace AND kind = h.kind
			AND who = h.who;
		sum := 1;
	END IF;
	RETURN sum;
END $$;
