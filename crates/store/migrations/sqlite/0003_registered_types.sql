-- Types of events that tenants have registered. A number is never given twice, so what the log and the streams' spans
-- say of one that has gone is never taken for another. They have it as `#` and the number.
CREATE TABLE registered_types (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  name        TEXT    NOT NULL,
  revision    INTEGER NOT NULL,
  description TEXT    NOT NULL,
  schema      TEXT    NOT NULL,
  example     TEXT,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  UNIQUE (tenant_id, name)
) STRICT;
