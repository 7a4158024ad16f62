-- SPDX-License-Identifier: ISC
--
-- When people last edited what a line says, by Slack's clock; 0: never, or so
-- long ago that nobody noted it. A daemon of the schema before this one works
-- with it, and takes what comes last for the last edit.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (26, 4);

ALTER TABLE transcript ADD COLUMN edited_ms bigint NOT NULL DEFAULT 0;
