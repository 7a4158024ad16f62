-- SPDX-License-Identifier: ISC
-- For how many days what is stored of a tenant's people is kept; -1: as the
-- configuration says, 0: as long as the tenant is there.

CREATE TABLE keep (
	tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenants
		ON DELETE CASCADE,
	transcripts INTEGER NOT NULL,
	usage INTEGER NOT NULL,
	feedback INTEGER NOT NULL,
	audit INTEGER NOT NULL,
	history INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is old is found without a look at the rest.
CREATE INDEX transcript_old ON transcript (tenant_id, ts);
CREATE INDEX usage_by_old ON usage_by (tenant_id, day);
CREATE INDEX feedback_old ON feedback (tenant_id, at_ms);
CREATE INDEX journal_old ON journal (tenant_id, done_ms)
	WHERE done_ms IS NOT NULL;
CREATE INDEX audit_old ON audit (at_ms) WHERE body IS NOT NULL;
