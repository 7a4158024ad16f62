-- SPDX-License-Identifier: ISC
--
-- When the next bot token is to be renewed, for the metrics. A daemon of the
-- schema before this one works with it.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (21, 4);

CREATE FUNCTION grants_sum()
	RETURNS TABLE (n bigint, renew_ms bigint, expires_ms bigint)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS
	'SELECT count(*), coalesce(min(g.renew_ms), 0),
		coalesce(min(nullif(g.expires_ms, 0)), 0) FROM grants g';
