-- Times are milliseconds since 1970; documents and lists are JSON. Ids sort in the order of creation where a
-- list is paged by them.

CREATE TABLE tenants (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE users (
  number       INTEGER PRIMARY KEY,
  tenant_id    INTEGER NOT NULL REFERENCES tenants (id),
  user_id      TEXT    NOT NULL,
  revision     INTEGER NOT NULL,
  connection   TEXT    NOT NULL,
  email        TEXT,
  username     TEXT,
  phone_number TEXT,
  document     TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_by_id ON users (tenant_id, user_id);
CREATE UNIQUE INDEX users_by_email ON users (tenant_id, connection, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX users_by_username ON users (tenant_id, connection, username) WHERE username IS NOT NULL;
CREATE UNIQUE INDEX users_by_phone_number ON users (tenant_id, connection, phone_number) WHERE phone_number IS NOT NULL;

CREATE TABLE connections (
  number          INTEGER PRIMARY KEY,
  tenant_id       INTEGER NOT NULL REFERENCES tenants (id),
  connection_id   TEXT    NOT NULL UNIQUE,
  revision        INTEGER NOT NULL,
  name            TEXT    NOT NULL,
  strategy        TEXT    NOT NULL,
  enabled_clients TEXT    NOT NULL,
  UNIQUE (tenant_id, name)
) STRICT;

CREATE TABLE clients (
  number      INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  client_id   TEXT    NOT NULL,
  revision    INTEGER NOT NULL,
  secret_hash TEXT    NOT NULL,
  settings    TEXT    NOT NULL,
  UNIQUE (tenant_id, client_id)
) STRICT;

CREATE TABLE client_grants (
  number    INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  grant_id  TEXT    NOT NULL UNIQUE,
  revision  INTEGER NOT NULL,
  client_id TEXT    NOT NULL,
  audience  TEXT    NOT NULL,
  scope     TEXT    NOT NULL,
  UNIQUE (tenant_id, client_id, audience)
) STRICT;

-- `destination` has everything but the secret, which is sealed beside it. `version` counts changes of all
-- streams together; `generation` how often this one was enabled or disabled; `seeks` how often it was moved in
-- the log, the last time to `sought`.
CREATE TABLE streams (
  stream_id       TEXT    PRIMARY KEY,
  tenant_id       INTEGER NOT NULL REFERENCES tenants (id),
  revision        INTEGER NOT NULL,
  version         INTEGER NOT NULL,
  generation      INTEGER NOT NULL,
  name            TEXT,
  status          TEXT    NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason TEXT,
  subscriptions   TEXT    NOT NULL,
  destination     TEXT    NOT NULL,
  secret          BLOB    NOT NULL,
  options         TEXT    NOT NULL,
  spans           TEXT    NOT NULL,
  seeks           INTEGER NOT NULL DEFAULT 0,
  sought          INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX streams_by_name ON streams (tenant_id, name) WHERE name IS NOT NULL;
CREATE INDEX streams_by_version ON streams (version);

-- Streams that were removed since the process started, so that delivery hears of it.
CREATE TABLE stream_removals (
  stream_id TEXT    PRIMARY KEY,
  version   INTEGER NOT NULL
) STRICT;

-- Every event once, in one order. Written by one writer, so the order of commit is the order of seq, and no
-- reader can see a position before the ones below it. `published` is the key of an event that was published
-- here rather than raised. An event with `only_stream` is for that one stream.
CREATE TABLE log (
  seq         INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  event_id    TEXT    NOT NULL,
  event_type  TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  time        INTEGER NOT NULL,
  published   BLOB,
  only_stream TEXT,
  body        BLOB    NOT NULL
) STRICT;

-- The keys of published events, run by run: a run is 65536 positions of the log. `filter` tells most keys that
-- a run does not hold; a run without keys has none. `place` is 1024 times the run, plus the first ten bits of
-- the keys, which are 16 bytes each, in ascending order.
CREATE TABLE published_runs (
  run    INTEGER PRIMARY KEY,
  filter BLOB
) STRICT;
CREATE TABLE published_keys (
  place INTEGER PRIMARY KEY,
  keys  BLOB    NOT NULL
) STRICT;

-- Where each stream stands: everything below `frontier` has been looked at, of that `open` is unsettled. A
-- stream with `at_head` has looked at everything below `head.frontier` too.
CREATE TABLE cursors (
  stream_id       TEXT    PRIMARY KEY REFERENCES streams (stream_id) ON DELETE CASCADE,
  frontier        INTEGER NOT NULL,
  open            BLOB    NOT NULL,
  at_head         INTEGER NOT NULL,
  failures_in_row INTEGER NOT NULL
) STRICT;

CREATE TABLE head (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  frontier INTEGER NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 0);

-- Rows only for what went wrong. The event itself is in the log, which keeps it as long.
CREATE TABLE failures (
  stream_id               TEXT    NOT NULL REFERENCES streams (stream_id) ON DELETE CASCADE,
  seq                     INTEGER NOT NULL,
  event_id                TEXT    NOT NULL,
  failed_at               INTEGER NOT NULL,
  attempts                TEXT    NOT NULL,
  redelivery_requested_at INTEGER,
  PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_by_event ON failures (stream_id, event_id);
CREATE INDEX failures_waiting ON failures (stream_id, seq) WHERE redelivery_requested_at IS NOT NULL;

CREATE TABLE parked (
  stream_id TEXT    NOT NULL REFERENCES streams (stream_id) ON DELETE CASCADE,
  seq       INTEGER NOT NULL,
  subject   INTEGER NOT NULL,
  due       INTEGER NOT NULL,
  attempts  TEXT    NOT NULL,
  PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;

-- Snapshots under way: a stream is being told of every user who existed when it was created, `as_of` that time.
-- Users with numbers up to `told` have been told of, those up to `last` are to be; and of those, the ones in
-- `snapshot_users` have been told of before their turn, because they were about to change.
CREATE TABLE snapshots (
  stream_id   TEXT    PRIMARY KEY REFERENCES streams (stream_id) ON DELETE CASCADE,
  tenant_id   INTEGER NOT NULL,
  tenant_name TEXT    NOT NULL,
  source      TEXT    NOT NULL,
  as_of       INTEGER NOT NULL,
  told        INTEGER NOT NULL,
  last        INTEGER NOT NULL
) STRICT;
CREATE TABLE snapshot_users (
  stream_id TEXT    NOT NULL REFERENCES snapshots (stream_id) ON DELETE CASCADE,
  number    INTEGER NOT NULL,
  PRIMARY KEY (stream_id, number)
) STRICT, WITHOUT ROWID;

-- Users who are to be forgotten: of the events about `subject` at positions below `up_to_seq`, those below
-- `done_to_seq` have been erased.
CREATE TABLE erasures (
  tenant_id    INTEGER NOT NULL,
  subject      TEXT    NOT NULL,
  up_to_seq    INTEGER NOT NULL,
  done_to_seq  INTEGER NOT NULL,
  requested_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_done ON erasures (done_to_seq);

CREATE TABLE signing_keys (
  key_id      TEXT    PRIMARY KEY,
  private_key BLOB    NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;

-- A known text, sealed: tells a wrong master key before anything is done with it.
CREATE TABLE master_key_check (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  sealed   BLOB NOT NULL
) STRICT;
