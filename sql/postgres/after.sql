-- SPDX-License-Identifier: ISC
--
-- Run behind the last migration, in its transaction. What sees across tenants
-- belongs to konstruct_definer, which may make nothing by itself; and nobody
-- but the daemon may call it: PUBLIC could by default.

SET LOCAL search_path = konstruct, pg_temp;
-- A function's owner must be able to make it.
GRANT CREATE ON SCHEMA konstruct TO konstruct_definer;
DO $$
DECLARE
	f regprocedure;
	v regclass;
BEGIN
	FOR v IN SELECT c.oid FROM pg_class c WHERE c.relkind = 'v'
		AND c.relnamespace = 'konstruct'::regnamespace LOOP
		EXECUTE format('ALTER VIEW %s OWNER TO konstruct_definer', v);
	END LOOP;
	FOR f IN SELECT p.oid FROM pg_proc p
		WHERE p.pronamespace = 'konstruct'::regnamespace LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s'
			' TO konstruct_daemon', f);
		EXECUTE format('ALTER FUNCTION %s OWNER TO konstruct_definer',
			f);
	END LOOP;
END $$;
REVOKE CREATE ON SCHEMA konstruct FROM konstruct_definer;
