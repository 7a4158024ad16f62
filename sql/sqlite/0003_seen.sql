-- SPDX-License-Identifier: ISC

-- When a link of an app was last known to be live: after a longer gap what
-- was said meanwhile is looked for.
CREATE TABLE seen (
	app_id TEXT NOT NULL PRIMARY KEY REFERENCES apps ON DELETE CASCADE,
	at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
