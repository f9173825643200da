//! Erasing what the log says of users who are to be forgotten, in steps, beside whatever else is written.
//!
//! A step looks at a stretch of the log with a connection that only reads, for all erasures at once, and then
//! overwrites what it found in one small change. Looking needs no lock: positions below an erasure's end hold
//! what they held, until retention removes them.

use std::collections::HashMap;

use domain::clock::Timestamp;
use domain::delivery::Attempt;
use domain::erasure::{erased_body, subject_of};
use domain::event::{Event, LoggedEvent, Seq};
use domain::ids::{TenantId, UserId};
use rusqlite::{Connection, params};

use super::rows::{Place, json, run, seq_of, seq_value, text_of, to_json, unavailable};
use super::writer::Writing;
use super::{log, users};
use crate::{ErasureStep, StoreError};

/// Events overwritten in one step at most, so that no change waits long for it.
const EVENTS_MAX: usize = 64;

/// Erasures that one step looks for at once.
const ERASURES_MAX: u32 = 1000;

/// Has everything about a user up to here erased.
///
/// # Errors
/// [`StoreError::Stale`] if there is (again) such a user.
pub(super) fn erasure_begin(
    writing: &Writing<'_>,
    tenant: TenantId,
    user: &UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    if users::user_get(writing.connection, tenant, user)?.is_some() {
        return Err(StoreError::Stale);
    }
    let sql = "INSERT INTO erasures VALUES (?1, ?2, ?3, 0, ?4) ON CONFLICT (tenant_id, subject)
               DO UPDATE SET up_to_seq = excluded.up_to_seq, requested_at = excluded.requested_at";
    let subject = subject_of(user);
    let values = params![tenant.0, subject.as_str(), seq_value(writing.log_end()), now.as_millis()];
    run(writing.connection, sql, values).map(|_| ())
}

/// Runs `change` so that what it deletes is overwritten in the file, also the pages that it frees. That would
/// cost too much to have it always: removing old events would write them all once more.
pub(super) fn securely<T>(
    writing: &mut Writing<'_>,
    change: impl FnOnce(&mut Writing<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let set = |connection: &Connection, how: &str| {
        connection.pragma_update(None, "secure_delete", how).map_err(unavailable("erase data"))
    };
    set(writing.connection, "ON")?;
    let done = change(writing);
    set(writing.connection, "FAST")?;
    done
}

/// An erasure as it was when a step began.
struct Erasure {
    tenant: TenantId,
    subject: String,
    up_to: Seq,
    done_to: Seq,
}

/// A stretch of the log that was looked at.
pub(super) struct Stretch {
    erasures: Vec<Erasure>,
    found: Vec<Seq>,
    /// Everything below this was looked at.
    end: Seq,
}

/// Looks at the next stretch; `None` if there is nothing to erase. It begins with what the erasure that is
/// furthest behind has to look at: those further on wait for it, and go on together with it.
pub(super) fn look(connection: &Connection, most: u32) -> Result<Option<Stretch>, StoreError> {
    let erasures = erasures(connection)?;
    let Some(start) = erasures.iter().map(|erasure| erasure.done_to).min() else { return Ok(None) };
    let until = erasures.iter().map(|erasure| erasure.up_to).max().unwrap_or(start);
    let mut wanted: HashMap<&str, Vec<&Erasure>> = HashMap::new();
    for erasure in &erasures {
        wanted.entry(&erasure.subject).or_default().push(erasure);
    }
    let failed = unavailable("read its log");
    let sql = "SELECT seq, tenant_id, subject FROM log WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let mut rows = statement.query(params![seq_value(start), seq_value(until), most.max(1)]).map_err(&failed)?;
    let (mut looked_at, mut found, mut next) = (0, Vec::new(), until);
    while let Some(row) = rows.next().map_err(&failed)? {
        let seq = seq_of(row, 0).map_err(&failed)?;
        let tenant = TenantId(row.get(1).map_err(&failed)?);
        looked_at += 1;
        next = seq.next();
        let is_wanted =
            |erasure: &&Erasure| erasure.tenant == tenant && (erasure.done_to..erasure.up_to).contains(&seq);
        if wanted.get(text_of(row, 2).map_err(&failed)?).is_some_and(|all| all.iter().any(is_wanted)) {
            found.push(seq);
        }
        if found.len() == EVENTS_MAX {
            break;
        }
    }
    let is_cut = looked_at >= most.max(1) || found.len() == EVENTS_MAX;
    drop(rows);
    drop(statement);
    Ok(Some(Stretch { found, end: if is_cut { next } else { until }, erasures }))
}

fn erasures(connection: &Connection) -> Result<Vec<Erasure>, StoreError> {
    let sql = "SELECT tenant_id, subject, up_to_seq, done_to_seq FROM erasures ORDER BY done_to_seq LIMIT ?1";
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_map(params![ERASURES_MAX], |row| {
                    let (up_to, done_to) = (seq_of(row, 2)?, seq_of(row, 3)?);
                    Ok(Erasure { tenant: TenantId(row.get(0)?), subject: row.get(1)?, up_to, done_to })
                })?
                .collect()
        })
        .map_err(unavailable("read erasures"))
}

/// Overwrites what was found, and notes how far the erasures have come.
pub(super) fn erase(writing: &mut Writing<'_>, stretch: &Stretch) -> Result<ErasureStep, StoreError> {
    let events = securely(writing, |writing| overwrite(writing, &stretch.found))?;
    for erasure in &stretch.erasures {
        // One that was asked for once more meanwhile has to look beyond its former end.
        let done_to = seq_value(stretch.end.min(erasure.up_to));
        let sql = "UPDATE erasures SET done_to_seq = ?3 WHERE tenant_id = ?1 AND subject = ?2 AND done_to_seq < ?3";
        run(writing.connection, sql, params![erasure.tenant.0, erasure.subject, done_to])?;
        let sql = "DELETE FROM erasures WHERE tenant_id = ?1 AND subject = ?2 AND done_to_seq >= up_to_seq";
        run(writing.connection, sql, params![erasure.tenant.0, erasure.subject])?;
    }
    let more = writing
        .connection
        .prepare_cached("SELECT 1 FROM erasures LIMIT 1")
        .and_then(|mut statement| statement.exists([]))
        .map_err(unavailable("read erasures"))?;
    Ok(ErasureStep { events, more })
}

fn overwrite(writing: &mut Writing<'_>, found: &[Seq]) -> Result<u32, StoreError> {
    let mut events = 0;
    for logged in log::log_get(writing.connection, found)? {
        answers_clear(writing.connection, "failures", logged.seq)?;
        answers_clear(writing.connection, "parked", logged.seq)?;
        let body = erased_body(&logged.event);
        if body != logged.event.body {
            let event = Event { body, ..logged.event.clone() };
            writing.rewrite(LoggedEvent { event, ..LoggedEvent::clone(&logged) }.into())?;
            events += 1;
        }
    }
    Ok(events)
}

/// Forgets what receivers answered to an event: they may have said something of what was in it.
fn answers_clear(connection: &Connection, table: &'static str, seq: Seq) -> Result<(), StoreError> {
    // By stream and position, which is how these rows are found.
    let sql = format!(
        "SELECT s.stream_id, t.attempts FROM streams s CROSS JOIN {table} t ON t.stream_id = s.stream_id AND t.seq = ?1"
    );
    let rows: Vec<(String, String)> = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement.query_map(params![seq_value(seq)], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(unavailable("read failed deliveries"))?;
    for (stream, stored) in rows {
        let mut attempts: Vec<Attempt> = json(&stored, Place { table, column: "attempts", row: &seq })?;
        let repeats = |attempt: &Attempt| attempt.answer.is_some() || !attempt.console.is_empty();
        if attempts.iter().any(repeats) {
            for attempt in &mut attempts {
                attempt.answer = None;
                attempt.console.clear();
            }
            let sql = format!("UPDATE {table} SET attempts = ?3 WHERE stream_id = ?1 AND seq = ?2");
            run(connection, &sql, params![stream, seq_value(seq), to_json(&attempts)])?;
        }
    }
    Ok(())
}
