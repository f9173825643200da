-- The key that a tenant's offsets are sealed with, sealed: it follows from the master key that there was when the tenant
-- was made, and stays when that changes.
CREATE TABLE offset_keys (
  tenant_id INTEGER PRIMARY KEY REFERENCES tenants (id),
  sealed    BLOB NOT NULL
) STRICT;

-- For how many seconds the longest of the tokens holds that may have been signed with a key, and, once it signs no more,
-- when the last of them has expired.
ALTER TABLE signing_keys ADD COLUMN token_lifetime INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN retires_at INTEGER;
UPDATE signing_keys SET token_lifetime = coalesce(
  (SELECT max(document ->> '$.token_lifetime') FROM resource_servers r WHERE r.tenant_id = signing_keys.tenant_id), 0);
