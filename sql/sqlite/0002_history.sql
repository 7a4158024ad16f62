-- SPDX-License-Identifier: ISC
-- What became of a message, stage by stage, for as long as its row is kept.

-- "name+ms ..." since received_ms; a name may have a detail: "dead:age".
ALTER TABLE journal ADD COLUMN steps TEXT NOT NULL DEFAULT '';
ALTER TABLE journal ADD COLUMN post TEXT; -- "channel:ts"
ALTER TABLE journal ADD COLUMN replayed_ms INTEGER;
