//! Versions of actions: what was deployed, and which of them runs.

use domain::action::{ActionVersion, DeployedAction, VERSIONS_KEPT};
use domain::clock::Timestamp;
use domain::ids::{ActionId, ActionVersionId, TenantId};
use rusqlite::{Connection, Row, params};

use super::action_streams;
use super::programs::{self, ProgramPlace};
use super::rows::{Place, count, query, run};
use super::writer::Writing;
use crate::{Keyring, Page, StoreError};

const TABLE: &str = "action_versions";

/// The columns that [`version_of`] reads, of the table under the name `v`.
pub(super) const COLUMNS: &str = "v.version_id, v.number, v.created_at, v.code, v.runtime, v.secrets";

/// Adds a version. The streams that use the action hear of it. Of the versions before those that are kept, none runs
/// any more, as this one does.
pub(super) fn version_add(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    action: ActionId,
    version: &ActionVersion,
) -> Result<(), StoreError> {
    let id = version.id.to_string();
    let secrets = programs::sealed(&version.program, place(&id), writing.keyring, writing.entropy);
    let sql = "INSERT INTO action_versions (action_number, version_id, number, code, runtime, secrets, created_at)
               SELECT number, ?3, ?4, ?5, ?6, ?7, ?8 FROM actions WHERE tenant_id = ?1 AND action_id = ?2";
    let (program, action_id) = (&version.program, action.to_string());
    let values = params![
        tenant.0,
        action_id,
        id,
        version.number,
        program.code,
        program.runtime.name(),
        secrets,
        version.created_at.as_millis()
    ];
    super::change::add(writing, sql, values)?;
    let sql = "DELETE FROM action_versions WHERE number <= ?2
               AND action_number = (SELECT number FROM actions WHERE action_id = ?1)";
    run(writing.connection, sql, params![action_id, version.number.saturating_sub(VERSIONS_KEPT)])?;
    action_streams::action_changed(writing, action)
}

fn place(id: &str) -> ProgramPlace<'_> {
    ProgramPlace { table: TABLE, id }
}

/// The version in the columns [`COLUMNS`], of which `first` is the first.
pub(super) fn version_of(
    keyring: &Keyring,
    row: &Row<'_>,
    first: usize,
) -> rusqlite::Result<Result<ActionVersion, StoreError>> {
    let (id, number): (String, u32) = (row.get(first)?, row.get(first + 1)?);
    let created_at = Timestamp::from_millis(row.get(first + 2)?);
    let program = programs::program_of(row, first + 3, place(&id), keyring)?;
    let corrupt = || Place { table: TABLE, column: "version_id", row: &id }.corrupt();
    let read = program.and_then(|program| {
        let id = ActionVersionId::parse(&id).map_err(|_| corrupt())?;
        Ok(ActionVersion { id, number, program, created_at })
    });
    Ok(read)
}

pub(super) fn version_get(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    action: ActionId,
    version: ActionVersionId,
) -> Result<Option<ActionVersion>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM action_versions v JOIN actions a ON a.number = v.action_number
         WHERE a.tenant_id = ?1 AND a.action_id = ?2 AND v.version_id = ?3"
    );
    let values = params![tenant.0, action.to_string(), version.to_string()];
    Ok(query(connection, &sql, values, |row| version_of(keyring, row, 0))?.pop())
}

pub(super) fn version_page(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    action: ActionId,
    page: Page,
) -> Result<Vec<ActionVersion>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM action_versions v JOIN actions a ON a.number = v.action_number
         WHERE a.tenant_id = ?1 AND a.action_id = ?2 ORDER BY v.number DESC LIMIT ?3 OFFSET ?4"
    );
    let values = params![tenant.0, action.to_string(), page.limit, page.offset];
    query(connection, &sql, values, |row| version_of(keyring, row, 0))
}

pub(super) fn version_count(connection: &Connection, tenant: TenantId, action: ActionId) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM action_versions v JOIN actions a ON a.number = v.action_number
               WHERE a.tenant_id = ?1 AND a.action_id = ?2";
    count(connection, sql, params![tenant.0, action.to_string()])
}

pub(super) fn action_deployed(
    connection: &Connection,
    keyring: &Keyring,
    action: ActionId,
) -> Result<Option<DeployedAction>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM actions a JOIN action_versions v ON v.action_number = a.number AND v.number = a.deployed
         WHERE a.action_id = ?1"
    );
    let found = query(connection, &sql, params![action.to_string()], |row| version_of(keyring, row, 0))?.pop();
    Ok(found.map(|version| {
        let code = version.program.code();
        DeployedAction { action, version: version.id, number: version.number, code: code.code, secrets: code.secrets }
    }))
}
