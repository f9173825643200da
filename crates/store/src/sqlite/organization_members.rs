//! The members of organizations, and the roles that they have in them.

use async_trait::async_trait;
use domain::change::{Member, Revision};
use domain::ids::{OrganizationId, RoleId, TenantId, UserId};
use domain::organization::Organization;
use domain::role::Role;
use domain::user::User;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::change::{add, remove};
use super::organizations::{NUMBER, organization_of};
use super::roles::{role_of, values_of};
use super::rows::{count, query};
use super::users::user_of;
use super::writer::Writing;
use crate::{Numbered, OrganizationMembers, Page, Slice, StoreError};

/// The member `?3` of the organization `?2` of the tenant `?1`.
#[async_trait]
impl OrganizationMembers for SqliteStore {
    async fn member_slice(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        slice: Slice,
    ) -> Result<Vec<Numbered<User>>, StoreError> {
        let organization = organization.clone();
        self.readers.read(move |database| member_slice(database, tenant, &organization, slice)).await
    }

    async fn member_count(&self, tenant: TenantId, organization: &OrganizationId) -> Result<u64, StoreError> {
        let organization = organization.clone();
        self.readers.read(move |database| member_count(database, tenant, &organization)).await
    }

    async fn user_organization_page(
        &self,
        tenant: TenantId,
        user: &UserId,
        page: Page,
    ) -> Result<Vec<Organization>, StoreError> {
        let user = user.clone();
        let sql = format!(
            "SELECT o.number, revision, organization_id, o.document {OF_USER} ORDER BY m.number LIMIT ?3 OFFSET ?4"
        );
        let read = move |database: &Connection| {
            query(database, &sql, params![tenant.0, user.as_str(), page.limit, page.offset], organization_of)
        };
        let found = self.readers.read(read).await?;
        Ok(found.into_iter().map(|each| each.value.value).collect())
    }

    async fn user_organization_count(&self, tenant: TenantId, user: &UserId) -> Result<u64, StoreError> {
        let user = user.clone();
        let sql = format!("SELECT count(*) {OF_USER}");
        self.readers.read(move |database| count(database, &sql, params![tenant.0, user.as_str()])).await
    }

    async fn members_among(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let organization = organization.clone();
        let users = users.to_vec();
        self.readers.read(move |database| members_among(database, tenant, &organization, &users)).await
    }

    async fn member_role_page(&self, tenant: TenantId, member: &Member, page: Page) -> Result<Vec<Role>, StoreError> {
        let member = member.clone();
        self.readers.read(move |database| member_role_page(database, tenant, &member, page)).await
    }

    async fn member_role_count(&self, tenant: TenantId, member: &Member) -> Result<u64, StoreError> {
        let member = member.clone();
        self.readers.read(move |database| member_role_count(database, tenant, &member)).await
    }

    async fn member_roles_among(
        &self,
        tenant: TenantId,
        member: &Member,
        roles: &[RoleId],
    ) -> Result<Vec<RoleId>, StoreError> {
        let member = member.clone();
        let roles = roles.to_vec();
        self.readers.read(move |database| member_roles_among(database, tenant, &member, &roles)).await
    }
}

/// The organizations that the user `?2` of the tenant `?1` is a member of.
const OF_USER: &str = "FROM organization_members m JOIN organizations o ON o.number = m.organization_number
  WHERE m.user_number = (SELECT number FROM users WHERE tenant_id = ?1 AND user_id = ?2)";
const MEMBER: &str = "(SELECT m.number FROM organization_members m
  JOIN organizations o ON o.number = m.organization_number JOIN users u ON u.number = m.user_number
  WHERE o.tenant_id = ?1 AND o.organization_id = ?2 AND u.tenant_id = ?1 AND u.user_id = ?3)";
/// The role `?4` at the revision `?5`.
const ROLE: &str = "(SELECT number FROM roles WHERE tenant_id = ?1 AND role_id = ?4 AND revision = ?5)";

pub(super) fn member_add(
    writing: &Writing<'_>,
    tenant: TenantId,
    revision: Revision,
    organization: &OrganizationId,
    user: &UserId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO organization_members (organization_number, user_number)
               SELECT o.number, u.number FROM organizations o, users u
               WHERE o.tenant_id = ?1 AND o.organization_id = ?2 AND o.revision = ?4
               AND u.tenant_id = ?1 AND u.user_id = ?3 AND u.linked_to IS NULL";
    add(writing, sql, params![tenant.0, organization.as_str(), user.as_str(), revision.0])
}

pub(super) fn member_remove(
    writing: &Writing<'_>,
    tenant: TenantId,
    revision: Revision,
    organization: &OrganizationId,
    user: &UserId,
) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM organization_members WHERE number = {MEMBER}
         AND ?4 = (SELECT revision FROM organizations WHERE number = organization_number)"
    );
    remove(writing, &sql, params![tenant.0, organization.as_str(), user.as_str(), revision.0])
}

pub(super) fn role_assign(
    writing: &Writing<'_>,
    tenant: TenantId,
    member: &Member,
    revision: Revision,
    role: &RoleId,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO organization_member_roles (member_number, role_number)
         SELECT m.number, r.number FROM organization_members m, roles r WHERE m.number = {MEMBER} AND r.number = {ROLE}"
    );
    let (organization, user) = (member.organization.as_str(), member.user.as_str());
    add(writing, &sql, params![tenant.0, organization, user, role.as_str(), revision.0])
}

pub(super) fn role_remove(
    writing: &Writing<'_>,
    tenant: TenantId,
    member: &Member,
    revision: Revision,
    role: &RoleId,
) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM organization_member_roles WHERE member_number = {MEMBER} AND role_number = {ROLE}");
    let (organization, user) = (member.organization.as_str(), member.user.as_str());
    remove(writing, &sql, params![tenant.0, organization, user, role.as_str(), revision.0])
}

fn member_slice(
    connection: &Connection,
    tenant: TenantId,
    organization: &OrganizationId,
    slice: Slice,
) -> Result<Vec<Numbered<User>>, StoreError> {
    let sql = format!(
        "SELECT m.number, u.user_id, u.document FROM organization_members m JOIN users u ON u.number = m.user_number
         WHERE m.organization_number = {NUMBER} AND m.number > ?3 ORDER BY m.number LIMIT ?4 OFFSET ?5"
    );
    let values = params![tenant.0, organization.as_str(), slice.after, slice.limit, slice.offset];
    query(connection, &sql, values, |row| {
        let (number, id, document): (u64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(user_of(&id, &document).map(|value| Numbered { number, value }))
    })
}

fn member_count(connection: &Connection, tenant: TenantId, organization: &OrganizationId) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM organization_members WHERE organization_number = {NUMBER}");
    count(connection, &sql, params![tenant.0, organization.as_str()])
}

fn members_among(
    connection: &Connection,
    tenant: TenantId,
    organization: &OrganizationId,
    users: &[UserId],
) -> Result<Vec<UserId>, StoreError> {
    let sql = format!("SELECT count(*) WHERE {MEMBER} IS NOT NULL");
    let mut found = Vec::new();
    for user in users {
        if count(connection, &sql, params![tenant.0, organization.as_str(), user.as_str()])? > 0 {
            found.push(user.clone());
        }
    }
    Ok(found)
}

const ROLES: &str = "FROM roles r JOIN organization_member_roles mr ON mr.role_number = r.number";

fn member_role_page(
    connection: &Connection,
    tenant: TenantId,
    member: &Member,
    page: Page,
) -> Result<Vec<Role>, StoreError> {
    let sql = format!(
        "SELECT r.revision, r.role_id, r.name, r.description {ROLES} WHERE mr.member_number = {MEMBER}
         ORDER BY mr.number LIMIT ?4 OFFSET ?5"
    );
    let (organization, user) = (member.organization.as_str(), member.user.as_str());
    values_of(query(connection, &sql, params![tenant.0, organization, user, page.limit, page.offset], role_of))
}

fn member_role_count(connection: &Connection, tenant: TenantId, member: &Member) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) {ROLES} WHERE mr.member_number = {MEMBER}");
    count(connection, &sql, params![tenant.0, member.organization.as_str(), member.user.as_str()])
}

fn member_roles_among(
    connection: &Connection,
    tenant: TenantId,
    member: &Member,
    roles: &[RoleId],
) -> Result<Vec<RoleId>, StoreError> {
    let sql = format!("SELECT count(*) {ROLES} WHERE mr.member_number = {MEMBER} AND r.role_id = ?4");
    let (organization, user) = (member.organization.as_str(), member.user.as_str());
    let mut found = Vec::new();
    for role in roles {
        if count(connection, &sql, params![tenant.0, organization, user, role.as_str()])? > 0 {
            found.push(role.clone());
        }
    }
    Ok(found)
}
