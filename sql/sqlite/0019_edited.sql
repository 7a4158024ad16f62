-- SPDX-License-Identifier: ISC
-- When people last edited what a line says, by Slack's clock; 0: never, or so
-- long ago that nobody noted it.
ALTER TABLE transcript ADD COLUMN edited_ms INTEGER NOT NULL DEFAULT 0;
