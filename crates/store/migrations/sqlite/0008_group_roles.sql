-- The roles of groups, by themselves (`organization_number` is NULL) and in organizations. They go with the group, the
-- role and the organization.
CREATE TABLE group_roles (
  group_id            TEXT    NOT NULL REFERENCES groups (group_id) ON DELETE CASCADE,
  role_number         INTEGER NOT NULL REFERENCES roles (number) ON DELETE CASCADE,
  organization_number INTEGER REFERENCES organizations (number) ON DELETE CASCADE,
  assigned_at         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX group_roles_by_group ON group_roles (group_id, ifnull(organization_number, 0), role_number);
CREATE INDEX group_roles_by_role ON group_roles (role_number, group_id);
CREATE INDEX group_roles_by_organization ON group_roles (organization_number, group_id)
  WHERE organization_number IS NOT NULL;
