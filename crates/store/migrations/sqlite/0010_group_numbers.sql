-- Groups, their members and their roles are told of in snapshots; so each has a number that is never used again. What is
-- there gets its numbers in the order of creation.
CREATE TABLE numbered_groups (
  number        INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id      TEXT    NOT NULL UNIQUE,
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
INSERT INTO numbered_groups
  (group_id, tenant_id, connection_id, revision, name, name_folded, external_id, created_at, updated_at)
  SELECT group_id, tenant_id, connection_id, revision, name, name_folded, external_id, created_at, updated_at
  FROM groups ORDER BY group_id;

CREATE TABLE numbered_group_members (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id    TEXT    NOT NULL REFERENCES numbered_groups (group_id) ON DELETE CASCADE,
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  added_at    INTEGER NOT NULL,
  UNIQUE (group_id, user_number)
) STRICT;
INSERT INTO numbered_group_members (group_id, user_number, added_at)
  SELECT group_id, user_number, added_at FROM group_members ORDER BY group_id, user_number;

CREATE TABLE numbered_group_roles (
  number              INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id            TEXT    NOT NULL REFERENCES numbered_groups (group_id) ON DELETE CASCADE,
  role_number         INTEGER NOT NULL REFERENCES roles (number) ON DELETE CASCADE,
  organization_number INTEGER REFERENCES organizations (number) ON DELETE CASCADE,
  assigned_at         INTEGER NOT NULL
) STRICT;
INSERT INTO numbered_group_roles (group_id, role_number, organization_number, assigned_at)
  SELECT group_id, role_number, organization_number, assigned_at FROM group_roles ORDER BY rowid;

-- Those that refer to another go before it: what they refer to would take their rows along.
DROP TABLE group_roles;
DROP TABLE group_members;
DROP TABLE groups;
ALTER TABLE numbered_groups RENAME TO groups;
ALTER TABLE numbered_group_members RENAME TO group_members;
ALTER TABLE numbered_group_roles RENAME TO group_roles;

CREATE INDEX groups_by_tenant ON groups (tenant_id, group_id);
CREATE INDEX groups_by_connection ON groups (connection_id, group_id);
CREATE INDEX groups_by_external_id ON groups (connection_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX group_members_by_user ON group_members (user_number);
CREATE UNIQUE INDEX group_roles_by_group ON group_roles (group_id, ifnull(organization_number, 0), role_number);
CREATE INDEX group_roles_by_role ON group_roles (role_number, group_id);
CREATE INDEX group_roles_by_organization ON group_roles (organization_number, group_id)
  WHERE organization_number IS NOT NULL;
