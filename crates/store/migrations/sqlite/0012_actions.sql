-- Actions: the draft of each, and which version of it runs. Secrets are sealed.
CREATE TABLE actions (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  action_id  TEXT    NOT NULL UNIQUE,
  revision   INTEGER NOT NULL,
  name       TEXT    NOT NULL,
  code       TEXT    NOT NULL,
  runtime    TEXT    NOT NULL,
  secrets    BLOB,
  build      TEXT    NOT NULL,
  versions   INTEGER NOT NULL,
  deployed   INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX actions_of_tenant ON actions (tenant_id, number);

-- Snapshots of drafts, which never change.
CREATE TABLE action_versions (
  row           INTEGER PRIMARY KEY,
  action_number INTEGER NOT NULL REFERENCES actions (number) ON DELETE CASCADE,
  version_id    TEXT    NOT NULL UNIQUE,
  number        INTEGER NOT NULL,
  code          TEXT    NOT NULL,
  runtime       TEXT    NOT NULL,
  secrets       BLOB,
  created_at    INTEGER NOT NULL,
  UNIQUE (action_number, number)
) STRICT;

-- The streams whose destination an action is.
CREATE INDEX streams_by_action ON streams (destination ->> '$.action_id', stream_id)
  WHERE destination ->> '$.type' = 'action';
