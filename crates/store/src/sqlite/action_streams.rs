//! Which streams have an action as their destination.

use domain::ids::{ActionId, StreamId};
use rusqlite::{Connection, Row, params};

use super::rows::{Place, query, run};
use super::writer::Writing;
use crate::StoreError;

/// The condition on a stream whose destination the action `?2` is; the index `streams_by_action` has these expressions.
pub(super) const USES_2: &str = "destination ->> '$.type' = 'action' AND destination ->> '$.action_id' = ?2";

/// The ids of the streams that use an action, in order.
pub(super) fn ids_of_action(connection: &Connection, action: ActionId) -> Result<Vec<StreamId>, StoreError> {
    let sql = "SELECT stream_id FROM streams
               WHERE destination ->> '$.type' = 'action' AND destination ->> '$.action_id' = ?1 ORDER BY stream_id";
    let read = |row: &Row<'_>| {
        let id: String = row.get(0)?;
        Ok(StreamId::parse(&id).map_err(|_| Place { table: "streams", column: "stream_id", row: &id }.corrupt()))
    };
    query(connection, sql, params![action.to_string()], read)
}

/// Has delivery hear that another version of an action runs, or none any more.
pub(super) fn action_changed(writing: &mut Writing<'_>, action: ActionId) -> Result<(), StoreError> {
    for id in ids_of_action(writing.connection, action)? {
        let version = writing.next_streams_version();
        let sql = "UPDATE streams SET version = ?2 WHERE stream_id = ?1";
        run(writing.connection, sql, params![id.to_string(), version.0])?;
    }
    Ok(())
}
