-- SPDX-License-Identifier: ISC
-- Messages of one thread that are answered together.

-- The entry whose answer is also this one's: it is taken up with that one,
-- and finished with it.
ALTER TABLE journal ADD COLUMN leader TEXT;
CREATE INDEX journal_leader ON journal (leader) WHERE leader IS NOT NULL;
