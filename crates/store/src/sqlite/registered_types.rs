//! Types of events that tenants have registered.

use std::sync::Arc;

use async_trait::async_trait;
use domain::catalog::EventType;
use domain::change::{Revision, Versioned};
use domain::clock::Timestamp;
use domain::ids::{RegisteredTypeId, TenantId};
use domain::registered_type::{REGISTERED_TYPES_MAX, RegisteredType, TypeDefinition, TypeName};
use domain::stream::EventStream;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::change::put;
use super::rows::{Place, json, run, to_json, unavailable};
use super::writer::Writing;
use crate::{Conflict, RegisteredTypes, StoreError};

#[async_trait]
impl RegisteredTypes for SqliteStore {
    async fn registered_types(&self, tenant: TenantId) -> Result<Arc<[Versioned<RegisteredType>]>, StoreError> {
        let era = match self.accounts.registered_types(tenant) {
            Ok(known) => return Ok(known),
            Err(era) => era,
        };
        let types = self.readers.read(move |connection| registered_types(connection, tenant)).await?;
        self.accounts.remember_registered_types(era, tenant, &types);
        Ok(types)
    }

    async fn registered_type_add(&self, tenant: TenantId, definition: TypeDefinition) -> Result<(), StoreError> {
        self.writer.write(move |writing| registered_type_add(writing, tenant, &definition)).await
    }

    async fn registered_type_change(
        &self,
        tenant: TenantId,
        revision: Revision,
        definition: TypeDefinition,
    ) -> Result<(), StoreError> {
        self.writer.write(move |writing| registered_type_change(writing, tenant, revision, &definition)).await
    }

    async fn registered_type_remove(
        &self,
        tenant: TenantId,
        revision: Revision,
        name: TypeName,
    ) -> Result<(), StoreError> {
        self.writer.write(move |writing| registered_type_remove(writing, tenant, revision, &name)).await
    }
}

fn type_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<RegisteredType>, StoreError>> {
    let number: u32 = row.get(0)?;
    let (name, revision): (String, u64) = (row.get(1)?, row.get(2)?);
    let (description, schema): (String, String) = (row.get(3)?, row.get(4)?);
    let example: Option<String> = row.get(5)?;
    let (created_at, updated_at) = (Timestamp::from_millis(row.get(6)?), Timestamp::from_millis(row.get(7)?));
    let place = |column| Place { table: "registered_types", column, row: &number };
    let read = || {
        let definition = TypeDefinition {
            name: TypeName::parse(&name).map_err(|_| place("name").corrupt())?,
            description,
            schema: json(&schema, place("schema"))?,
            example: example.map(|text| json(&text, place("example"))).transpose()?,
            created_at,
            updated_at,
        };
        let value = RegisteredType { id: RegisteredTypeId(number), definition };
        Ok(Versioned { revision: Revision(revision), value })
    };
    Ok(read())
}

fn registered_types(connection: &Connection, tenant: TenantId) -> Result<Arc<[Versioned<RegisteredType>]>, StoreError> {
    let sql = "SELECT number, name, revision, description, schema, example, created_at, updated_at
               FROM registered_types WHERE tenant_id = ?1 ORDER BY name";
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(params![tenant.0], type_of)?.collect::<Result<Vec<_>, _>>())
        .map_err(unavailable("read registered types"))?
        .into_iter()
        .collect()
}

fn registered_type_add(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    definition: &TypeDefinition,
) -> Result<(), StoreError> {
    writing.accounts_changed();
    let count: u32 = writing
        .connection
        .prepare_cached("SELECT count(*) FROM registered_types WHERE tenant_id = ?1")
        .and_then(|mut statement| statement.query_row(params![tenant.0], |row| row.get(0)))
        .map_err(unavailable("count registered types"))?;
    if count >= REGISTERED_TYPES_MAX {
        return Err(StoreError::Conflict(Conflict::TypesFull));
    }
    let sql = "INSERT INTO registered_types
                 (tenant_id, name, revision, description, schema, example, created_at, updated_at)
               VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        tenant.0,
        definition.name.as_str(),
        definition.description,
        to_json(&definition.schema),
        definition.example.as_ref().map(to_json),
        definition.created_at.as_millis(),
        definition.updated_at.as_millis()
    ];
    put(writing, sql, values, Conflict::TypeName)
}

fn registered_type_change(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    Revision(revision): Revision,
    definition: &TypeDefinition,
) -> Result<(), StoreError> {
    writing.accounts_changed();
    let sql = "UPDATE registered_types
               SET revision = revision + 1, description = ?4, schema = ?5, example = ?6, updated_at = ?7
               WHERE tenant_id = ?1 AND name = ?2 AND revision = ?3";
    let values = params![
        tenant.0,
        definition.name.as_str(),
        revision,
        definition.description,
        to_json(&definition.schema),
        definition.example.as_ref().map(to_json),
        definition.updated_at.as_millis()
    ];
    put(writing, sql, values, Conflict::TypeName)
}

fn registered_type_remove(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    Revision(revision): Revision,
    name: &TypeName,
) -> Result<(), StoreError> {
    writing.accounts_changed();
    let sql = "SELECT 1 FROM streams, json_each(streams.subscriptions) subscribed
               JOIN registered_types types ON subscribed.value = '#' || types.number
               WHERE streams.tenant_id = ?1 AND types.tenant_id = ?1 AND types.name = ?2";
    let is_subscribed = writing
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.exists(params![tenant.0, name.as_str()]))
        .map_err(unavailable("read streams"))?;
    if is_subscribed {
        return Err(StoreError::Conflict(Conflict::TypeSubscribed));
    }
    let sql = "DELETE FROM registered_types WHERE tenant_id = ?1 AND name = ?2 AND revision = ?3";
    let removed = run(writing.connection, sql, params![tenant.0, name.as_str(), revision])?;
    if removed == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// That the registered types which a stream subscribes to are there: one may have gone since it was looked at.
pub(super) fn subscriptions_check(
    connection: &Connection,
    tenant: TenantId,
    stream: &EventStream,
) -> Result<(), StoreError> {
    for event_type in &stream.subscriptions {
        let EventType::Registered(RegisteredTypeId(number)) = event_type else { continue };
        let exists = connection
            .prepare_cached("SELECT 1 FROM registered_types WHERE number = ?1 AND tenant_id = ?2")
            .and_then(|mut statement| statement.exists(params![number, tenant.0]))
            .map_err(unavailable("read registered types"))?;
        if !exists {
            return Err(StoreError::Stale);
        }
    }
    Ok(())
}
