-- SPDX-License-Identifier: ISC
--
-- The language of what the daemon itself says for an agent; '': English. An
-- older program goes on in English.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (13, 4);

ALTER TABLE agents ADD COLUMN locale text NOT NULL DEFAULT '';
