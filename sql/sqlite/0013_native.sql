-- SPDX-License-Identifier: ISC
-- What a tenant has opted into of what Slack offers to agents.

ALTER TABLE tenants ADD COLUMN agent_sessions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN streaming INTEGER NOT NULL DEFAULT 0;
