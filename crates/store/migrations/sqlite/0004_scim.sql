-- How the users and groups of a connection are provisioned with SCIM, and the tokens that may do it: of each only
-- the SHA-256 hash.
CREATE TABLE scim_configurations (
  connection_id     TEXT    PRIMARY KEY REFERENCES connections (connection_id) ON DELETE CASCADE,
  tenant_id         INTEGER NOT NULL REFERENCES tenants (id),
  revision          INTEGER NOT NULL,
  user_id_attribute TEXT    NOT NULL,
  mapping           TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL
) STRICT;
CREATE TABLE scim_tokens (
  token_id      TEXT    PRIMARY KEY,
  tenant_id     INTEGER NOT NULL REFERENCES tenants (id),
  connection_id TEXT    NOT NULL REFERENCES scim_configurations (connection_id) ON DELETE CASCADE,
  hash          BLOB    NOT NULL UNIQUE,
  scopes        TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  valid_until   INTEGER,
  last_used_at  INTEGER
) STRICT;
CREATE INDEX scim_tokens_by_connection ON scim_tokens (connection_id, created_at);

-- Users as SCIM has them: what they are besides being a user. Names and addresses are in lower case. One goes with
-- its user, and with its connection.
CREATE TABLE scim_users (
  scim_id       TEXT    PRIMARY KEY,
  tenant_id     INTEGER NOT NULL REFERENCES tenants (id),
  connection_id TEXT    NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
  user_number   INTEGER NOT NULL UNIQUE REFERENCES users (number) ON DELETE CASCADE,
  revision      INTEGER NOT NULL,
  user_name     TEXT    NOT NULL,
  external_id   TEXT,
  email         TEXT,
  document      TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  UNIQUE (connection_id, user_name)
) STRICT;
CREATE INDEX scim_users_by_age ON scim_users (connection_id, scim_id);
CREATE INDEX scim_users_by_external_id ON scim_users (connection_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX scim_users_by_email ON scim_users (connection_id, email) WHERE email IS NOT NULL;

-- Groups of a connection; `name_folded` is in lower case. Ids sort in the order of creation. Members and roles go with
-- either side.
CREATE TABLE groups (
  group_id      TEXT    PRIMARY KEY,
  tenant_id     INTEGER NOT NULL REFERENCES tenants (id),
  connection_id TEXT    NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
  revision      INTEGER NOT NULL,
  name          TEXT    NOT NULL,
  name_folded   TEXT    NOT NULL,
  external_id   TEXT,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  UNIQUE (connection_id, name_folded)
) STRICT;
CREATE INDEX groups_by_tenant ON groups (tenant_id, group_id);
CREATE INDEX groups_by_connection ON groups (connection_id, group_id);
CREATE INDEX groups_by_external_id ON groups (connection_id, external_id) WHERE external_id IS NOT NULL;
CREATE TABLE group_members (
  group_id    TEXT    NOT NULL REFERENCES groups (group_id) ON DELETE CASCADE,
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  added_at    INTEGER NOT NULL,
  PRIMARY KEY (group_id, user_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_user ON group_members (user_number);
