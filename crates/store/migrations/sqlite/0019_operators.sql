-- The people who use the dashboard of a tenant. One without a password signs in by a link or an identity provider.
CREATE TABLE operators (
  number         INTEGER PRIMARY KEY,
  tenant_id      INTEGER NOT NULL REFERENCES tenants (id),
  operator_id    TEXT NOT NULL UNIQUE,
  email          TEXT NOT NULL,
  role           TEXT NOT NULL,
  is_provisioned INTEGER NOT NULL,
  password_hash  TEXT,
  created_at     INTEGER NOT NULL,
  signed_in_at   INTEGER,
  UNIQUE (tenant_id, email)
) STRICT;

-- Where they are signed in. What the browser holds is not kept, only its digest.
CREATE TABLE operator_sessions (
  number          INTEGER PRIMARY KEY,
  session_id      TEXT NOT NULL UNIQUE,
  token_digest    BLOB NOT NULL UNIQUE,
  operator_number INTEGER NOT NULL REFERENCES operators (number) ON DELETE CASCADE,
  method          TEXT NOT NULL,
  began_at        INTEGER NOT NULL,
  seen_at         INTEGER NOT NULL,
  ends_at         INTEGER NOT NULL,
  address         TEXT NOT NULL,
  user_agent      TEXT NOT NULL
) STRICT;
CREATE INDEX operator_sessions_of_operator ON operator_sessions (operator_number);
CREATE INDEX operator_sessions_ends_at ON operator_sessions (ends_at);

-- Links that sign in once.
CREATE TABLE sign_in_links (
  token_digest    BLOB PRIMARY KEY,
  operator_number INTEGER NOT NULL REFERENCES operators (number) ON DELETE CASCADE,
  ends_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_links_of_operator ON sign_in_links (operator_number);

-- What operators did. A row is written before it is done; without an outcome, the server ended in between.
CREATE TABLE audit_log (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  at        INTEGER NOT NULL,
  operator  TEXT NOT NULL,
  act       TEXT NOT NULL,
  subject   TEXT NOT NULL,
  address   TEXT NOT NULL,
  outcome   TEXT
) STRICT;
CREATE INDEX audit_log_of_tenant ON audit_log (tenant_id, number);
