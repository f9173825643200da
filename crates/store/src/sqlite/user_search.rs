//! Looking for users: by e-mail address with the index, by anything else through all documents, in steps.

use async_trait::async_trait;
use domain::ids::TenantId;
use domain::user::User;
use domain::user_search::{SortKey, UserSearch, UserSort};
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::SqliteStore;
use super::rows::{Place, json, query};
use crate::{FoundUsers, Page, StoreError, Total, UserSearches};

/// Users looked at in one step: between two, the reader holds nothing that others wait for.
const STEP_USERS: u32 = 1000;

#[async_trait]
impl UserSearches for SqliteStore {
    async fn user_search(
        &self,
        tenant: TenantId,
        search: UserSearch,
        page: Page,
        total: Total,
    ) -> Result<FoundUsers, StoreError> {
        self.readers.read(move |database| user_search(database, tenant, &search, page, total)).await
    }

    async fn users_by_email(&self, tenant: TenantId, email: &str) -> Result<Vec<User>, StoreError> {
        let email = email.to_owned();
        let found = self.readers.read(move |database| with_email(database, tenant, &email)).await?;
        found.iter().map(Candidate::user).collect()
    }
}

/// A user who may be what is looked for.
struct Candidate {
    number: i64,
    id: String,
    document: String,
}

impl Candidate {
    const PLACE: (&'static str, &'static str) = ("users", "document");

    fn parsed<T: serde::de::DeserializeOwned>(&self) -> Result<T, StoreError> {
        let (table, column) = Self::PLACE;
        json(&self.document, Place { table, column, row: &self.id })
    }

    fn user(&self) -> Result<User, StoreError> {
        self.parsed()
    }
}

fn candidate_of(row: &Row<'_>) -> rusqlite::Result<Result<Candidate, StoreError>> {
    Ok(Ok(Candidate { number: row.get(0)?, id: row.get(1)?, document: row.get(2)? }))
}

/// Addresses are unique in a connection, so the index that sees to that finds them, one connection after another.
fn with_email(connection: &Connection, tenant: TenantId, email: &str) -> Result<Vec<Candidate>, StoreError> {
    let sql = "WITH RECURSIVE names (name) AS (
                 SELECT min(connection) FROM users WHERE tenant_id = ?1 AND email IS NOT NULL
                 UNION ALL
                 SELECT (SELECT min(connection) FROM users
                         WHERE tenant_id = ?1 AND email IS NOT NULL AND connection > name)
                 FROM names WHERE name IS NOT NULL)
               SELECT u.number, u.user_id, u.document FROM names
               CROSS JOIN users u ON u.tenant_id = ?1 AND u.connection = name AND u.email = ?2
               WHERE u.linked_to IS NULL ORDER BY u.number";
    query(connection, sql, params![tenant.0, email], candidate_of)
}

fn step(connection: &Connection, tenant: TenantId, after: i64) -> Result<Vec<Candidate>, StoreError> {
    let sql = "SELECT number, user_id, document FROM users
               WHERE tenant_id = ?1 AND number > ?2 AND linked_to IS NULL ORDER BY number LIMIT ?3";
    query(connection, sql, params![tenant.0, after, STEP_USERS], candidate_of)
}

/// What was found so far: as many as are needed for the page.
struct Finding<'a> {
    search: &'a UserSearch,
    /// How many are needed.
    most: usize,
    found: Vec<(SortKey, Candidate)>,
    count: u64,
}

impl Finding<'_> {
    fn look_at(&mut self, candidate: Candidate) -> Result<(), StoreError> {
        let document: Value = candidate.parsed()?;
        if !self.search.matches(&document) {
            return Ok(());
        }
        self.count += 1;
        match &self.search.sort {
            None if self.found.len() < self.most => self.found.push((SortKey::Missing, candidate)),
            None => {}
            Some(sort) => {
                self.found.push((sort.key(&document), candidate));
                // Sorting now and then costs less than finding a place for each.
                if self.found.len() >= 2 * self.most.max(1) {
                    self.keep_first(sort);
                }
            }
        }
        Ok(())
    }

    fn keep_first(&mut self, sort: &UserSort) {
        // A stable sort, so that equal ones stay oldest first.
        self.found.sort_by(|(one, _), (other, _)| sort.order(one, other));
        self.found.truncate(self.most);
    }

    /// Whether looking at more cannot change the page.
    fn is_complete(&self) -> bool {
        self.search.sort.is_none() && self.found.len() == self.most
    }
}

fn user_search(
    connection: &Connection,
    tenant: TenantId,
    search: &UserSearch,
    page: Page,
    total: Total,
) -> Result<FoundUsers, StoreError> {
    let most = page.offset as usize + page.limit as usize;
    let mut finding = Finding { search, most, found: Vec::new(), count: 0 };
    match search.query.as_ref().and_then(|query| query.email()) {
        Some(email) => with_email(connection, tenant, email)?.into_iter().try_for_each(|each| finding.look_at(each))?,
        None => {
            let mut after = 0;
            while total == Total::Wanted || !finding.is_complete() {
                let candidates = step(connection, tenant, after)?;
                let Some(last) = candidates.last() else { break };
                after = last.number;
                candidates.into_iter().try_for_each(|each| finding.look_at(each))?;
            }
        }
    }
    if let Some(sort) = &search.sort {
        finding.keep_first(sort);
    }
    let on_page = finding.found.iter().skip(page.offset as usize);
    let users = on_page.map(|(_, candidate)| candidate.user()).collect::<Result<_, _>>()?;
    Ok(FoundUsers { users, total: (total == Total::Wanted).then_some(finding.count) })
}
