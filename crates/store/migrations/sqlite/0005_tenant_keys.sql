-- Each tenant signs with keys of its own; those that there are belong to the tenant that there was.
CREATE TABLE tenant_signing_keys (
  key_id      TEXT    PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  private_key BLOB    NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;
INSERT INTO tenant_signing_keys
  SELECT key_id, tenants.id, private_key, created_at FROM signing_keys, tenants WHERE tenants.name = 'default'
  ORDER BY signing_keys.rowid;
DROP TABLE signing_keys;
ALTER TABLE tenant_signing_keys RENAME TO signing_keys;
