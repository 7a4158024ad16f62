-- SPDX-License-Identifier: ISC
-- The language of what the daemon itself says for an agent; '': English.
ALTER TABLE agents ADD COLUMN locale TEXT NOT NULL DEFAULT '';
