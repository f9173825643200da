//! Actions: their drafts, and which version runs. The versions are in `action_versions.rs`.

use async_trait::async_trait;
use domain::action::{Action, ActionVersion, Build, DeployedAction};
use domain::change::{ActionWrite, Expect, Revision, Versioned};
use domain::clock::Timestamp;
use domain::destination::Destination;
use domain::ids::{ActionId, ActionVersionId, StreamId, TenantId};
use domain::stream::EventStream;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::change::{delete, put, revisions};
use super::programs::{self, ProgramPlace};
use super::rows::{Place, count, json, query, to_json, unavailable};
use super::writer::Writing;
use super::{SqliteStore, action_streams, action_versions, streams};
use crate::{ActionFilter, Actions, Conflict, DeployedActions, Keyring, Page, StoreError};

const TABLE: &str = "actions";

#[async_trait]
impl Actions for SqliteStore {
    async fn action_get(&self, tenant: TenantId, id: ActionId) -> Result<Option<Versioned<Action>>, StoreError> {
        let keyring = self.keyring.clone();
        self.readers.read(move |database| action_get(database, &keyring, tenant, id)).await
    }

    async fn action_page(&self, tenant: TenantId, filter: ActionFilter, page: Page) -> Result<Vec<Action>, StoreError> {
        let keyring = self.keyring.clone();
        self.readers.read(move |database| action_page(database, &keyring, tenant, &filter, page)).await
    }

    async fn action_count(&self, tenant: TenantId, filter: ActionFilter) -> Result<u64, StoreError> {
        self.readers.read(move |database| action_count(database, tenant, &filter)).await
    }

    async fn action_version_get(
        &self,
        tenant: TenantId,
        action: ActionId,
        version: ActionVersionId,
    ) -> Result<Option<ActionVersion>, StoreError> {
        let keyring = self.keyring.clone();
        let read =
            move |database: &Connection| action_versions::version_get(database, &keyring, tenant, action, version);
        self.readers.read(read).await
    }

    async fn action_version_page(
        &self,
        tenant: TenantId,
        action: ActionId,
        page: Page,
    ) -> Result<Vec<ActionVersion>, StoreError> {
        let keyring = self.keyring.clone();
        self.readers.read(move |database| action_versions::version_page(database, &keyring, tenant, action, page)).await
    }

    async fn action_version_count(&self, tenant: TenantId, action: ActionId) -> Result<u64, StoreError> {
        self.readers.read(move |database| action_versions::version_count(database, tenant, action)).await
    }

    async fn action_streams(
        &self,
        tenant: TenantId,
        action: ActionId,
    ) -> Result<Vec<Versioned<EventStream>>, StoreError> {
        let keyring = self.keyring.clone();
        self.readers.read(move |database| streams::streams_of_action(database, &keyring, tenant, action)).await
    }
}

#[async_trait]
impl DeployedActions for SqliteStore {
    async fn action_deployed(&self, action: ActionId) -> Result<Option<DeployedAction>, StoreError> {
        let keyring = self.keyring.clone();
        self.readers.read(move |database| action_versions::action_deployed(database, &keyring, action)).await
    }
}

/// Which actions of the tenant `?1` are meant: by the name `?2`, and by whether they are deployed, `?3`.
const MEANT: &str = "a.tenant_id = ?1 AND (?2 IS NULL OR a.name = ?2)
  AND (?3 IS NULL OR (a.deployed IS NOT NULL) = ?3)";

/// The query of actions with the versions that run.
fn select(rest: &str) -> String {
    format!(
        "SELECT a.action_id, a.revision, a.name, a.build, a.versions, a.created_at, a.updated_at,
                a.code, a.runtime, a.secrets, a.deployed, {}
         FROM actions a LEFT JOIN action_versions v ON v.action_number = a.number AND v.number = a.deployed {rest}",
        action_versions::COLUMNS
    )
}

fn place(id: &str) -> ProgramPlace<'_> {
    ProgramPlace { table: TABLE, id }
}

fn action_of(keyring: &Keyring, row: &Row<'_>) -> rusqlite::Result<Result<Versioned<Action>, StoreError>> {
    let (id, revision): (String, u64) = (row.get(0)?, row.get(1)?);
    let (name, build): (String, String) = (row.get(2)?, row.get(3)?);
    let versions = row.get(4)?;
    let (created_at, updated_at) = (Timestamp::from_millis(row.get(5)?), Timestamp::from_millis(row.get(6)?));
    let draft = programs::program_of(row, 7, place(&id), keyring)?;
    let is_deployed = row.get::<_, Option<u32>>(10)?.is_some();
    let deployed = is_deployed.then(|| action_versions::version_of(keyring, row, 11)).transpose()?.transpose();
    let cell = |column| Place { table: TABLE, column, row: &id };
    let read = || {
        let build: Build = json(&build, cell("build"))?;
        let id = ActionId::parse(&id).map_err(|_| cell("action_id").corrupt())?;
        let (draft, deployed) = (draft?, deployed?);
        let value = Action { id, name, draft, build, versions, deployed, created_at, updated_at };
        Ok(Versioned { revision: Revision(revision), value })
    };
    Ok(read())
}

fn action_get(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    id: ActionId,
) -> Result<Option<Versioned<Action>>, StoreError> {
    let sql = select("WHERE a.tenant_id = ?1 AND a.action_id = ?2");
    Ok(query(connection, &sql, params![tenant.0, id.to_string()], |row| action_of(keyring, row))?.pop())
}

fn action_page(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    filter: &ActionFilter,
    page: Page,
) -> Result<Vec<Action>, StoreError> {
    let sql = select(&format!("WHERE {MEANT} ORDER BY a.number LIMIT ?4 OFFSET ?5"));
    let values = params![tenant.0, filter.name, filter.deployed, page.limit, page.offset];
    let found = query(connection, &sql, values, |row| action_of(keyring, row))?;
    Ok(found.into_iter().map(|versioned| versioned.value).collect())
}

fn action_count(connection: &Connection, tenant: TenantId, filter: &ActionFilter) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM actions a WHERE {MEANT}");
    count(connection, &sql, params![tenant.0, filter.name, filter.deployed])
}

pub(super) fn action_write(writing: &mut Writing<'_>, tenant: TenantId, write: &ActionWrite) -> Result<(), StoreError> {
    match write {
        ActionWrite::Put(expect, action) => action_put(writing, tenant, *expect, action),
        ActionWrite::Below(max) => actions_below(writing.connection, tenant, *max),
        ActionWrite::VersionAdd(id, version) => action_versions::version_add(writing, tenant, *id, version),
        ActionWrite::UsedBy(id, expected) => used_by(writing, *id, expected),
        ActionWrite::Delete(revision, id) => {
            delete(writing, TABLE, "action_id", tenant, &id.to_string(), *revision)?;
            action_streams::action_changed(writing, *id)
        }
    }
}

fn action_put(writing: &Writing<'_>, tenant: TenantId, expect: Expect, action: &Action) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let id = action.id.to_string();
    let secrets = programs::sealed(&action.draft, place(&id), writing.keyring, writing.entropy);
    let deployed = action.deployed.as_ref().map(|version| version.number);
    let (build, runtime) = (to_json(&action.build), action.draft.runtime.name());
    let (created_at, updated_at) = (action.created_at.as_millis(), action.updated_at.as_millis());
    let code = &action.draft.code;
    match current {
        None => put(
            writing,
            "INSERT INTO actions (tenant_id, action_id, revision, name, code, runtime, secrets, build, versions, deployed,
               created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                tenant.0, id, revision, action.name, code, runtime, secrets, build, action.versions, deployed,
                created_at, updated_at
            ],
            Conflict::Action,
        ),
        Some(current) => put(
            writing,
            "UPDATE actions SET revision = ?3, name = ?4, code = ?5, runtime = ?6, secrets = ?7, build = ?8, versions = ?9,
               deployed = ?10, updated_at = ?11
             WHERE tenant_id = ?1 AND action_id = ?2 AND revision = ?12",
            params![
                tenant.0, id, revision, action.name, code, runtime, secrets, build, action.versions, deployed,
                updated_at, current
            ],
            Conflict::Action,
        ),
    }
}

fn actions_below(connection: &Connection, tenant: TenantId, max: u32) -> Result<(), StoreError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM actions WHERE tenant_id = ?1 LIMIT ?2)";
    let found = count(connection, sql, params![tenant.0, max])?;
    if found < u64::from(max) { Ok(()) } else { Err(StoreError::Conflict(Conflict::ActionsFull)) }
}

fn used_by(writing: &Writing<'_>, id: ActionId, expected: &[StreamId]) -> Result<(), StoreError> {
    let found = action_streams::ids_of_action(writing.connection, id)?;
    if found == expected { Ok(()) } else { Err(StoreError::Stale) }
}

/// That a destination can be delivered to: if it is an action, it is the tenant's, and a version of it runs.
pub(super) fn destination_check(
    connection: &Connection,
    tenant: TenantId,
    destination: &Destination,
) -> Result<(), StoreError> {
    let Destination::Action(action) = destination else { return Ok(()) };
    let deployed: Option<bool> = connection
        .prepare_cached("SELECT deployed IS NOT NULL FROM actions WHERE tenant_id = ?1 AND action_id = ?2")
        .and_then(|mut statement| {
            statement.query_row(params![tenant.0, action.action_id.to_string()], |row| row.get(0)).optional()
        })
        .map_err(unavailable("read an action"))?;
    match deployed {
        Some(true) => Ok(()),
        Some(false) => Err(StoreError::Conflict(Conflict::ActionUndeployed)),
        None => Err(StoreError::Conflict(Conflict::ActionUnknown)),
    }
}
