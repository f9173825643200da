//! Where streams stand, and the checkpoints that move them.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::delivery::{AlertState, Cycles, Health, Parked, Position, RowChange};
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use rusqlite::{Connection, OptionalExtension, params};

use super::delivery_counts::{Counts, Owner};
use super::jobs::JobsEnded;
use super::rows::{Place, json, run, seq_of, seq_value, to_json, unavailable};
use super::writer::Writing;
use super::{alerts, delivery_counts, failures, out_of_turn, seeks, streams};
use crate::{Checkpoint, RestoredStream, StoreError, StreamProgress};

/// Ascending positions as differences in base 128: an open position is usually one or two bytes.
fn encode_positions(positions: &[Seq]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(positions.len() * 2);
    let mut previous = 0;
    for position in positions {
        let mut difference = position.0 - previous;
        previous = position.0;
        while difference >= 0x80 {
            bytes.push((difference & 0x7f) as u8 | 0x80);
            difference >>= 7;
        }
        bytes.push((difference & 0x7f) as u8);
    }
    bytes
}

fn decode_positions(bytes: &[u8]) -> Option<Vec<Seq>> {
    let mut positions = Vec::new();
    let (mut previous, mut difference, mut shift) = (0_u64, 0_u64, 0_u32);
    for byte in bytes {
        difference |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            previous = previous.checked_add(difference)?;
            positions.push(Seq(previous));
            (difference, shift) = (0, 0);
        } else {
            shift += 7;
        }
    }
    (shift == 0).then_some(positions)
}

pub(super) fn cursor_create(connection: &Connection, id: &str, position: &Position) -> Result<(), StoreError> {
    let values = params![id, seq_value(position.frontier), encode_positions(&position.open)];
    run(
        connection,
        "INSERT INTO cursors (stream_id, frontier, open, at_head, failures_in_row) VALUES (?1, ?2, ?3, 0, 0)",
        values,
    )
    .map(|_| ())
}

/// Where a stream stands, and how many failures in a row it has.
fn standing(connection: &Connection, id: &str) -> Result<Option<(Position, u32)>, StoreError> {
    let sql = "SELECT CASE WHEN c.at_head THEN max(c.frontier, h.frontier) ELSE c.frontier END, c.open,
                 c.failures_in_row
               FROM cursors c, head h WHERE c.stream_id = ?1";
    let found: Option<(Seq, Vec<u8>, u32)> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement.query_row(params![id], |row| Ok((seq_of(row, 0)?, row.get(1)?, row.get(2)?))).optional()
        })
        .map_err(unavailable("read where a stream stands"))?;
    let Some((frontier, open, in_row)) = found else { return Ok(None) };
    let open = decode_positions(&open).ok_or_else(|| Place { table: "cursors", column: "open", row: &id }.corrupt())?;
    Ok(Some((Position { frontier, open }, in_row)))
}

/// Where a stream stands in the log.
pub(super) fn position(connection: &Connection, stream: StreamId) -> Result<Option<Position>, StoreError> {
    Ok(standing(connection, &stream.to_string())?.map(|(position, _)| position))
}

/// The lowest position that a stream has still to deliver.
pub(super) fn lowest_needed(connection: &Connection, stream: StreamId) -> Result<Option<Seq>, StoreError> {
    let parked: Option<u64> = connection
        .prepare_cached("SELECT min(seq) FROM parked WHERE stream_id = ?1")
        .and_then(|mut statement| statement.query_row(params![stream.to_string()], |row| row.get(0)))
        .map_err(unavailable("read where a stream stands"))?;
    let cursor = position(connection, stream)?.map(|position| position.cursor());
    Ok(parked.map(Seq).into_iter().chain(cursor).min())
}

/// Has a stream go on at `to`. What it had taken up below that stays; what it had from there on is forgotten.
pub(super) fn cursor_move(connection: &Connection, id: &str, to: Seq) -> Result<(), StoreError> {
    let Some((mut position, _)) = standing(connection, id)? else { return Ok(()) };
    position.open.retain(|seq| *seq < to);
    let values = params![id, seq_value(to), encode_positions(&position.open)];
    run(connection, "UPDATE cursors SET frontier = ?2, open = ?3, at_head = 0 WHERE stream_id = ?1", values)?;
    run(connection, "DELETE FROM parked WHERE stream_id = ?1 AND seq >= ?2", params![id, seq_value(to)]).map(|_| ())
}

pub(super) fn stream_restore(connection: &Connection, stream: StreamId) -> Result<Option<RestoredStream>, StoreError> {
    let unread = unavailable("read where a stream stands");
    let id = stream.to_string();
    // One snapshot for all that is read, so that it is as of one moment.
    let connection = &*connection.unchecked_transaction().map_err(&unread)?;
    let Some((position, in_row)) = standing(connection, &id)? else { return Ok(None) };
    let Some(seeks::Steered { seek, .. }) = seeks::steered(connection, &id)? else { return Ok(None) };
    let failed: Vec<Seq> = connection
        .prepare_cached("SELECT seq FROM failures WHERE stream_id = ?1 ORDER BY seq")
        .and_then(|mut statement| statement.query_map(params![id], |row| seq_of(row, 0))?.collect())
        .map_err(&unread)?;
    let rows: Vec<(Seq, i64, i64, String)> = connection
        .prepare_cached("SELECT seq, subject, due, attempts FROM parked WHERE stream_id = ?1 ORDER BY seq")
        .and_then(|mut statement| {
            statement
                .query_map(params![id], |row| Ok((seq_of(row, 0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect()
        })
        .map_err(&unread)?;
    let parked = rows
        .into_iter()
        .map(|(seq, subject, due, attempts)| {
            let attempts = json(&attempts, Place { table: "parked", column: "attempts", row: &seq })?;
            Ok(Parked { seq, subject: subject.cast_unsigned(), due: Timestamp::from_millis(due), attempts })
        })
        .collect::<Result<_, StoreError>>()?;
    let alert_state = alert_state(connection, &id)?;
    let outstanding = u32::try_from(failed.len()).unwrap_or(u32::MAX);
    let health = Health { in_row, outstanding };
    Ok(Some(RestoredStream { position, health, failed, parked, alert_state, seeks: seek.count }))
}

pub(super) fn checkpoint_save(writing: &mut Writing<'_>, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    run(writing.connection, "UPDATE head SET frontier = max(frontier, ?1)", &[&seq_value(checkpoint.head)])?;
    let mut ended = Ended::default();
    for moved in &checkpoint.streams {
        stream_save(writing, moved, checkpoint.at, &mut ended)?;
    }
    delivery_counts::logged_add(writing.connection, &checkpoint.logged, checkpoint.head)?;
    for (tenant, cycles) in ended.cycles {
        let counts = Counts { cycles, ..Counts::default() };
        delivery_counts::add_now(writing.connection, &Owner::Tenant(tenant), checkpoint.at, &counts)?;
    }
    ended.jobs.save(writing.connection, checkpoint.at)
}

/// What a checkpoint says of several streams together.
#[derive(Default)]
struct Ended {
    jobs: JobsEnded,
    cycles: BTreeMap<TenantId, Cycles>,
}

fn stream_save(
    writing: &mut Writing<'_>,
    moved: &StreamProgress,
    now: Timestamp,
    ended: &mut Ended,
) -> Result<(), StoreError> {
    let id = moved.stream.to_string();
    let progress = &moved.progress;
    let Some(seeks::Steered { tenant, generation, seek }) = seeks::steered(writing.connection, &id)? else {
        // The stream was removed meanwhile, and its rows with it.
        return Ok(());
    };
    // Moved meanwhile: it goes on at the target, and what the progress says of positions from there on is void.
    let sought = (moved.seeks != seek.count).then_some(seek.to);
    let still_holds = |seq: Seq| sought.is_none_or(|to| seq < to);
    let open: Vec<Seq> = progress.position.open.iter().copied().filter(|seq| still_holds(*seq)).collect();
    run(
        writing.connection,
        // Enabling a stream starts a new row of failures; what is counted of an older one does not belong to it.
        "UPDATE cursors SET frontier = ?2, open = ?3, at_head = ?4,
           failures_in_row = CASE WHEN ?6 THEN ?5 ELSE failures_in_row END, alert_state = ?7,
           failures_outstanding = ?8, last_delivered_at = coalesce(?9, last_delivered_at)
         WHERE stream_id = ?1",
        params![
            id,
            seq_value(sought.unwrap_or(progress.position.frontier)),
            encode_positions(&open),
            moved.at_head && sought.is_none(),
            progress.health.in_row,
            moved.generation == generation,
            progress.alerts.state.number(),
            progress.health.outstanding,
            (progress.cycles.delivered > 0).then_some(now.as_millis())
        ],
    )?;
    for change in &progress.rows {
        match change {
            RowChange::Parked(parked) if !still_holds(parked.seq) => {}
            _ => row_save(writing.connection, &id, change, &mut ended.jobs)?,
        }
    }
    ended.cycles.entry(tenant).or_default().add(&progress.cycles);
    let queue = moved.queue.map(|sample| delivery_counts::queue(writing.connection, sample, now)).transpose()?;
    let counts = Counts { cycles: progress.cycles, queue, ..Counts::default() };
    delivery_counts::add_now(writing.connection, &Owner::Stream(id), now, &counts)?;
    let disabled = match progress.disable {
        Some(reason) => streams::stream_disable(writing, moved.stream, moved.generation, reason, now)?,
        None => false,
    };
    alerts::alerts_append(writing, moved.stream, &progress.alerts.raised, disabled, now)
}

/// What has been told of a stream.
fn alert_state(connection: &Connection, id: &str) -> Result<AlertState, StoreError> {
    let number: u8 = connection
        .prepare_cached("SELECT alert_state FROM cursors WHERE stream_id = ?1")
        .and_then(|mut statement| statement.query_row(params![id], |row| row.get(0)))
        .map_err(unavailable("read where a stream stands"))?;
    AlertState::from_number(number).ok_or_else(|| Place { table: "cursors", column: "alert_state", row: &id }.corrupt())
}

fn row_save(connection: &Connection, id: &str, change: &RowChange, jobs: &mut JobsEnded) -> Result<(), StoreError> {
    match change {
        RowChange::Failed { seq, at, attempts } => {
            unpark(connection, id, *seq)?;
            failures::failure_record(connection, id, *seq, *at, attempts)
        }
        RowChange::FailedAgain { seq, attempts, redelivery } => {
            jobs.count(failures::failure_extend(connection, id, *seq, attempts, *redelivery)?, false);
            Ok(())
        }
        RowChange::Recovered { seq } => {
            jobs.count(failures::failure_remove(connection, id, *seq)?, true);
            Ok(())
        }
        RowChange::TurnEnded { seq, delivered } => {
            jobs.count(out_of_turn::end(connection, id, *seq)?, *delivered);
            Ok(())
        }
        RowChange::Parked(parked) => {
            let values = params![
                id,
                seq_value(parked.seq),
                parked.subject.cast_signed(),
                parked.due.as_millis(),
                to_json(&parked.attempts)
            ];
            run(connection, "INSERT OR REPLACE INTO parked VALUES (?1, ?2, ?3, ?4, ?5)", values).map(|_| ())
        }
        RowChange::Unparked { seq } => unpark(connection, id, *seq),
    }
}

fn unpark(connection: &Connection, id: &str, seq: Seq) -> Result<(), StoreError> {
    let sql = "DELETE FROM parked WHERE stream_id = ?1 AND seq = ?2";
    run(connection, sql, params![id, seq_value(seq)]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_their_encoding() {
        for positions in [&[][..], &[0], &[1, 2, 3], &[127, 128, 300, 1 << 40, (1 << 62) + 5]] {
            let positions: Vec<Seq> = positions.iter().copied().map(Seq).collect();
            assert_eq!(decode_positions(&encode_positions(&positions)), Some(positions));
        }
        assert_eq!(decode_positions(&[0x80]), None);
    }
}
