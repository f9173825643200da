//! Groups and their members.

use async_trait::async_trait;
use domain::change::{Expect, GroupWrite, Revision, Versioned};
use domain::clock::Timestamp;
use domain::group::Group;
use domain::ids::{ConnectionId, GroupId, TenantId, UserId};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::change::{add, delete, put, remove, revisions};
use super::group_roles::{role_assign, role_delete};
use super::rows::{Place, count, query, to_json};
use super::scim::identity_of;
use super::writer::Writing;
use crate::{Conflict, GroupFilter, GroupMember, Groups, Page, ScimIdentity, StoreError};

#[async_trait]
impl Groups for SqliteStore {
    async fn group_get(&self, tenant: TenantId, id: GroupId) -> Result<Option<Versioned<Group>>, StoreError> {
        let filter = GroupFilter { id: Some(id), ..GroupFilter::default() };
        Ok(self.group_page(tenant, filter, Page { offset: 0, limit: 1 }).await?.pop())
    }

    async fn groups_after(
        &self,
        tenant: TenantId,
        filter: GroupFilter,
        after: Option<GroupId>,
        take: u32,
    ) -> Result<Vec<Group>, StoreError> {
        let filter = Filter::from(filter);
        let sql = format!("{COLUMNS} {} AND group_id > ?7 ORDER BY group_id LIMIT ?8", filter.sql());
        let after = after.map_or(String::new(), |after| after.to_string());
        let read = move |reader: &Connection| {
            let Filter { id, connection, name, external_id, search } = &filter;
            let values = params![tenant.0, id, connection, name, external_id, search, after, take];
            query(reader, &sql, values, group_of)
        };
        Ok(self.readers.read(read).await?.into_iter().map(|group| group.value).collect())
    }

    async fn group_page(
        &self,
        tenant: TenantId,
        filter: GroupFilter,
        page: Page,
    ) -> Result<Vec<Versioned<Group>>, StoreError> {
        let filter = Filter::from(filter);
        let sql = format!("{COLUMNS} {} ORDER BY group_id LIMIT ?7 OFFSET ?8", filter.sql());
        let read = move |reader: &Connection| {
            let Filter { id, connection, name, external_id, search } = &filter;
            let values = params![tenant.0, id, connection, name, external_id, search, page.limit, page.offset];
            query(reader, &sql, values, group_of)
        };
        self.readers.read(read).await
    }

    async fn group_count(&self, tenant: TenantId, filter: GroupFilter) -> Result<u64, StoreError> {
        let filter = Filter::from(filter);
        let sql = format!("SELECT count(*) FROM groups {}", filter.sql());
        let read = move |reader: &Connection| {
            let Filter { id, connection, name, external_id, search } = &filter;
            count(reader, &sql, params![tenant.0, id, connection, name, external_id, search])
        };
        self.readers.read(read).await
    }

    async fn group_members_after(
        &self,
        tenant: TenantId,
        group: GroupId,
        after: Option<&UserId>,
        take: u32,
    ) -> Result<Vec<GroupMember>, StoreError> {
        let after = after.map_or(String::new(), |after| after.as_str().to_owned());
        let sql = "SELECT user_id, added_at FROM group_members JOIN users ON users.number = user_number
                   WHERE group_id = ?1 AND tenant_id = ?2 AND user_id > ?3 ORDER BY user_id LIMIT ?4";
        let read = move |reader: &Connection| {
            query(reader, sql, params![group.to_string(), tenant.0, after, take], |row| {
                let user_id = UserId::from_text(row.get::<_, String>(0)?);
                Ok(Ok(GroupMember { user_id, added_at: Timestamp::from_millis(row.get(1)?) }))
            })
        };
        self.readers.read(read).await
    }

    async fn group_scim_members(&self, tenant: TenantId, group: GroupId) -> Result<Vec<ScimIdentity>, StoreError> {
        let sql = "SELECT scim_id, user_id, user_name FROM group_members
                   JOIN users ON users.number = group_members.user_number
                   JOIN scim_users ON scim_users.user_number = users.number
                   WHERE group_id = ?1 AND users.tenant_id = ?2 ORDER BY scim_id";
        let read = move |reader: &Connection| query(reader, sql, params![group.to_string(), tenant.0], identity_of);
        self.readers.read(read).await
    }

    async fn group_members_among(
        &self,
        tenant: TenantId,
        group: GroupId,
        users: Vec<UserId>,
    ) -> Result<Vec<UserId>, StoreError> {
        let sql = "SELECT user_id FROM users JOIN group_members ON user_number = users.number
                   WHERE group_id = ?1 AND tenant_id = ?2 AND user_id IN (SELECT value FROM json_each(?3))";
        let read = move |reader: &Connection| {
            query(reader, sql, params![group.to_string(), tenant.0, to_json(&users)], |row| {
                Ok(Ok(UserId::from_text(row.get::<_, String>(0)?)))
            })
        };
        self.readers.read(read).await
    }
}

const COLUMNS: &str = "SELECT revision, group_id, connection_id, name, external_id, created_at, updated_at FROM groups";

/// A filter as the columns have it.
struct Filter {
    id: Option<String>,
    connection: Option<String>,
    name: Option<String>,
    external_id: Option<String>,
    search: Option<String>,
}

impl From<GroupFilter> for Filter {
    fn from(filter: GroupFilter) -> Self {
        Self {
            id: filter.id.map(|id| id.to_string()),
            connection: filter.connection.map(|id| id.as_str().to_owned()),
            name: filter.name.map(|name| name.to_lowercase()),
            external_id: filter.external_id,
            search: filter.search.map(|search| search.to_lowercase()),
        }
    }
}

impl Filter {
    /// The condition. What is asked for is in it only if it is, so that its index is used.
    fn sql(&self) -> String {
        let mut sql = "WHERE tenant_id = ?1".to_owned();
        let asked = [
            (&self.id, " AND group_id = ?2"),
            (&self.connection, " AND connection_id = ?3"),
            (&self.name, " AND name_folded = ?4"),
            (&self.external_id, " AND external_id = ?5"),
            (&self.search, " AND (instr(name_folded, ?6) > 0 OR instr(lower(external_id), ?6) > 0)"),
        ];
        asked.into_iter().filter(|(value, _)| value.is_some()).for_each(|(_, condition)| sql.push_str(condition));
        // Every value that is given must be named.
        sql.push_str(" AND coalesce(?2, ?3, ?4, ?5, ?6, '') IS NOT NULL");
        sql
    }
}

pub(super) fn group_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<Group>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let id: String = row.get(1)?;
    let connection_id = ConnectionId::from_text(row.get::<_, String>(2)?);
    let (name, external_id) = (row.get(3)?, row.get(4)?);
    let created_at = Timestamp::from_millis(row.get(5)?);
    let updated_at = Timestamp::from_millis(row.get(6)?);
    let place = Place { table: "groups", column: "group_id", row: &id };
    Ok(GroupId::parse(&id).map_err(|_| place.corrupt()).map(|id| Versioned {
        revision,
        value: Group { id, connection_id, name, external_id, created_at, updated_at },
    }))
}

pub(super) fn write(writing: &Writing<'_>, tenant: TenantId, write: GroupWrite) -> Result<(), StoreError> {
    match write {
        GroupWrite::Put(expect, group) => group_put(writing, tenant, expect, &group),
        GroupWrite::Delete(revision, id) => delete(writing, "groups", "group_id", tenant, &id.to_string(), revision),
        GroupWrite::MemberAdd(group, user, now) => member_add(writing, tenant, group, &user, now),
        GroupWrite::MemberDelete(group, user) => member_delete(writing, tenant, group, &user),
        GroupWrite::RoleAssign(group, scope, role, now) => role_assign(writing, tenant, group, &scope, &role, now),
        GroupWrite::RoleDelete(group, scope, role) => role_delete(writing, tenant, group, &scope, &role),
    }
}

fn group_put(writing: &Writing<'_>, tenant: TenantId, expect: Expect, group: &Group) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let (id, folded, updated_at) = (group.id.to_string(), group.name.to_lowercase(), group.updated_at.as_millis());
    match current {
        None => put(
            writing,
            "INSERT INTO groups
             (group_id, tenant_id, connection_id, revision, name, name_folded, external_id, created_at, updated_at)
             SELECT ?1, ?2, connection_id, ?4, ?5, ?6, ?7, ?8, ?9 FROM connections
             WHERE tenant_id = ?2 AND connection_id = ?3",
            params![
                id,
                tenant.0,
                group.connection_id.as_str(),
                revision,
                group.name,
                folded,
                group.external_id,
                group.created_at.as_millis(),
                updated_at
            ],
            Conflict::Group,
        ),
        Some(current) => put(
            writing,
            "UPDATE groups SET revision = ?3, name = ?4, name_folded = ?5, external_id = ?6, updated_at = ?7
             WHERE group_id = ?1 AND tenant_id = ?2 AND revision = ?8",
            params![id, tenant.0, revision, group.name, folded, group.external_id, updated_at, current],
            Conflict::Group,
        ),
    }
}

fn member_add(
    writing: &Writing<'_>,
    tenant: TenantId,
    group: GroupId,
    user: &UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO group_members (group_id, user_number, added_at)
               SELECT ?1, number, ?4 FROM users WHERE tenant_id = ?2 AND user_id = ?3";
    add(writing, sql, params![group.to_string(), tenant.0, user.as_str(), now.as_millis()])
}

fn member_delete(writing: &Writing<'_>, tenant: TenantId, group: GroupId, user: &UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM group_members WHERE group_id = ?1
               AND user_number = (SELECT number FROM users WHERE tenant_id = ?2 AND user_id = ?3)";
    remove(writing, sql, params![group.to_string(), tenant.0, user.as_str()])
}
