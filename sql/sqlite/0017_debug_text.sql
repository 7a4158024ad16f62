-- SPDX-License-Identifier: ISC
-- Until when text of a tenant's people may stand in the log (base/log_text.h).
ALTER TABLE tenants ADD COLUMN text_until_ms INTEGER NOT NULL DEFAULT 0;
