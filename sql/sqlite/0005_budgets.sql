-- SPDX-License-Identifier: ISC
-- What each channel and each person has used, beside the tenant's usage, and
-- the budgets that the tenant has set to all three.

ALTER TABLE tenants ADD COLUMN budget TEXT NOT NULL DEFAULT '';

CREATE TABLE usage_by (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	kind TEXT NOT NULL, -- "channel" or "person", whose id is
	who TEXT NOT NULL,
	day TEXT NOT NULL, -- UTC
	model TEXT NOT NULL,
	answers INTEGER NOT NULL,
	prompt_tokens INTEGER NOT NULL,
	completion_tokens INTEGER NOT NULL,
	PRIMARY KEY (tenant_id, kind, who, day, model)
) STRICT, WITHOUT ROWID;

-- Of which budget was warned, and when.
CREATE TABLE budget_marks (
	tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
	since TEXT NOT NULL, -- first day of the period, UTC
	budget TEXT NOT NULL, -- "person/tokens/day"
	who TEXT NOT NULL, -- '' of the tenant's own
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (tenant_id, since, budget, who)
) STRICT, WITHOUT ROWID;
