//! What the disk can do: the yardstick for everything that has to be durable.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

/// How many single flushes are timed.
const FLUSHES: usize = 300;
const FLUSHED_BYTES: usize = 4096;
/// How many events are written together before a flush.
const GROUP: u64 = 32;
const EVENT_BYTES: usize = 900;
const GROUPED_EVENTS: u64 = 64_000;
/// The file is written over and over, as a write-ahead log is.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disk {
    /// The median time of one `fdatasync` of one page.
    pub(crate) flush_ms: f64,
    /// Events a second, written and flushed in groups.
    pub(crate) grouped_events_per_s: f64,
}

/// Measures the disk under `folder`.
pub(crate) fn measure(folder: &Path) -> Result<Disk> {
    fs::create_dir_all(folder)?;
    let path = folder.join("disk-yardstick");
    let mut file = File::create(&path)?;
    file.write_all(&vec![0; usize::try_from(FILE_BYTES_MAX)?])?;
    file.sync_all()?;
    let flush_ms = single(&mut file)?;
    let grouped_events_per_s = grouped(&mut file)?;
    fs::remove_file(path)?;
    Ok(Disk { flush_ms, grouped_events_per_s })
}

fn single(file: &mut File) -> Result<f64> {
    file.seek(SeekFrom::Start(0))?;
    let page = vec![1_u8; FLUSHED_BYTES];
    let mut times_ms = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        file.write_all(&page)?;
        let begun = Instant::now();
        file.sync_data()?;
        times_ms.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times_ms.sort_by(f64::total_cmp);
    Ok(times_ms[FLUSHES / 2])
}

fn grouped(file: &mut File) -> Result<f64> {
    file.seek(SeekFrom::Start(0))?;
    let event = vec![b'x'; EVENT_BYTES];
    let begun = Instant::now();
    for number in 0..GROUPED_EVENTS {
        file.write_all(&event)?;
        if number % GROUP == GROUP - 1 {
            file.sync_data()?;
            if file.stream_position()? > FILE_BYTES_MAX - GROUP * EVENT_BYTES as u64 {
                file.seek(SeekFrom::Start(0))?;
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of events is far below 2^52")]
    let events = GROUPED_EVENTS as f64;
    Ok(events / begun.elapsed().as_secs_f64())
}
