-- Roles, and who has them. The numbers of what can be told of in a snapshot, or paged through, are never used again.
CREATE TABLE roles (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  role_id     TEXT    NOT NULL,
  revision    INTEGER NOT NULL,
  name        TEXT    NOT NULL,
  description TEXT,
  UNIQUE (tenant_id, role_id)
) STRICT;

-- What belongs to a user, a role, an organization or a connection goes with it.
CREATE TABLE user_roles (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  role_number INTEGER NOT NULL REFERENCES roles (number) ON DELETE CASCADE,
  UNIQUE (user_number, role_number)
) STRICT;
CREATE INDEX user_roles_by_role ON user_roles (role_number, number);

CREATE TABLE organizations (
  number          INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id       INTEGER NOT NULL REFERENCES tenants (id),
  organization_id TEXT    NOT NULL,
  revision        INTEGER NOT NULL,
  name            TEXT    NOT NULL,
  document        TEXT    NOT NULL,
  UNIQUE (tenant_id, organization_id),
  UNIQUE (tenant_id, name)
) STRICT;

CREATE TABLE organization_members (
  number              INTEGER PRIMARY KEY AUTOINCREMENT,
  organization_number INTEGER NOT NULL REFERENCES organizations (number) ON DELETE CASCADE,
  user_number         INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  UNIQUE (organization_number, user_number)
) STRICT;
CREATE INDEX organization_members_in_order ON organization_members (organization_number, number);
CREATE INDEX organization_members_by_user ON organization_members (user_number);

CREATE TABLE organization_member_roles (
  number        INTEGER PRIMARY KEY AUTOINCREMENT,
  member_number INTEGER NOT NULL REFERENCES organization_members (number) ON DELETE CASCADE,
  role_number   INTEGER NOT NULL REFERENCES roles (number) ON DELETE CASCADE,
  UNIQUE (member_number, role_number)
) STRICT;
CREATE INDEX organization_member_roles_by_role ON organization_member_roles (role_number);

-- A connection in an organization; `settings` are the organization's for it.
CREATE TABLE organization_connections (
  number              INTEGER PRIMARY KEY AUTOINCREMENT,
  organization_number INTEGER NOT NULL REFERENCES organizations (number) ON DELETE CASCADE,
  connection_number   INTEGER NOT NULL REFERENCES connections (number) ON DELETE CASCADE,
  revision            INTEGER NOT NULL,
  settings            TEXT    NOT NULL,
  UNIQUE (organization_number, connection_number)
) STRICT;
CREATE INDEX organization_connections_in_order ON organization_connections (organization_number, number);
CREATE INDEX organization_connections_by_connection ON organization_connections (connection_number);

-- The row of a user who is an identity of another one now keeps the id and the addresses taken, and is nothing else:
-- its document is empty.
ALTER TABLE users ADD COLUMN linked_to INTEGER REFERENCES users (number) ON DELETE CASCADE;
CREATE INDEX users_linked ON users (linked_to) WHERE linked_to IS NOT NULL;

-- APIs that tokens can be for. The row of the Management API, if there is one, has what was changed of it.
CREATE TABLE resource_servers (
  number             INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id          INTEGER NOT NULL REFERENCES tenants (id),
  resource_server_id TEXT    NOT NULL,
  revision           INTEGER NOT NULL,
  identifier         TEXT    NOT NULL,
  document           TEXT    NOT NULL,
  signing_secret     BLOB,
  UNIQUE (tenant_id, resource_server_id),
  UNIQUE (tenant_id, identifier)
) STRICT;
