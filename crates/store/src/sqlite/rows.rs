//! From SQL values to domain types and back, with errors that name the place.

use domain::catalog::EventType;
use domain::event::Seq;
use rusqlite::types::ValueRef;
use rusqlite::{Params, Row, ToSql};
use serde::de::DeserializeOwned;

use crate::StoreError;

/// An error of SQLite while `doing` something.
pub(super) fn unavailable(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::Unavailable { doing, source: error.into() }
}

/// A place in a table, to say where data is corrupt.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) row: &'a dyn std::fmt::Display,
}

impl Place<'_> {
    pub(super) fn corrupt(self) -> StoreError {
        StoreError::Corrupt { table: self.table, column: self.column, row: self.row.to_string() }
    }
}

pub(super) fn json<T: DeserializeOwned>(text: &str, place: Place<'_>) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| place.corrupt())
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("stored documents have text keys only")
}

pub(super) fn event_type(name: &str, place: Place<'_>) -> Result<EventType, StoreError> {
    EventType::from_stored(name).ok_or_else(|| place.corrupt())
}

/// A position as SQLite keeps it; positions stay far below 2^63.
pub(super) fn seq_value(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

pub(super) fn seq_of(row: &Row<'_>, index: usize) -> rusqlite::Result<Seq> {
    row.get::<_, u64>(index).map(Seq)
}

/// A column's text without a copy.
pub(super) fn text_of<'a>(row: &'a Row<'_>, index: usize) -> rusqlite::Result<&'a str> {
    match row.get_ref(index)? {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|error| rusqlite::Error::Utf8Error(index, error)),
        other => Err(rusqlite::Error::InvalidColumnType(index, String::new(), other.data_type())),
    }
}

/// Runs a cached statement for its effect; answers how many rows it changed.
pub(super) fn run(connection: &rusqlite::Connection, sql: &str, values: &[&dyn ToSql]) -> Result<usize, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .map_err(unavailable("write to its database"))
}

/// Runs a query and turns each row into a value; the conversion may fail on its own account.
pub(super) fn query<T>(
    connection: &rusqlite::Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Result<T, StoreError>>,
) -> Result<Vec<T>, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(values, |row| read(row))?.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(unavailable("read its database"))?
        .into_iter()
        .collect()
}

pub(super) fn count(connection: &rusqlite::Connection, sql: &str, values: impl Params) -> Result<u64, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(values, |row| row.get(0)))
        .map_err(unavailable("count in its database"))
}
