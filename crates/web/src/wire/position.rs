//! Positions of streams in the log: the extension's members and the answer of a move (docs/extensions.md).

use domain::clock::{Entropy, Timestamp};
use domain::place::{Place, Resume};
use serde::Serialize;
use store::{Moved, Offsets, SeekMode};

use super::reader::{Field, Invalid, ObjectReader, Text};

const START_FROM: Text = Text::new(
    "start_from",
    "Where a new stream starts: now, beginning, snapshot, an RFC 3339 time, or an offset that the server gave.",
);
const RESUME: Text = Text::new(
    "resume",
    "What a stream that is enabled again gets of what it missed: now, position, or an RFC 3339 time.",
);
const TO: Text =
    Text::new("to", "Where the stream goes on: now, beginning, an RFC 3339 time, or an offset that the server gave.");
const DRY_RUN: Field = Field::new("dry_run", "Whether only to say what would come of it.");

/// Where a new stream is asked to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At a place in the log.
    Place(Place),
    /// Now, with everything that exists first.
    Snapshot,
}

/// Reads `start_from`, if it is there.
pub(crate) fn read_start(extension: &mut ObjectReader, offsets: &Offsets) -> Result<Option<Start>, Invalid> {
    let Some(given) = extension.text(&START_FROM)? else { return Ok(None) };
    let start = if given == "snapshot" { Some(Start::Snapshot) } else { place_of(&given, offsets).map(Start::Place) };
    start.map(Some).ok_or_else(|| malformed(extension, &START_FROM, &given))
}

/// That a snapshot was asked for, where there cannot be one.
pub(crate) fn snapshot_of_disabled(extension: &ObjectReader) -> Invalid {
    extension.fault_at(START_FROM.field(), "A snapshot goes to an enabled stream; leave out the status, or enable it")
}

/// Reads `resume`, if it is there.
pub(crate) fn read_resume(extension: &mut ObjectReader) -> Result<Option<Resume>, Invalid> {
    let Some(given) = extension.text(&RESUME)? else { return Ok(None) };
    match given.as_str() {
        "now" => Ok(Some(Resume::Now)),
        "position" => Ok(Some(Resume::Position)),
        _ => match Timestamp::parse(&given) {
            Ok(time) => Ok(Some(Resume::Time(time))),
            Err(_) => Err(malformed(extension, &RESUME, &given)),
        },
    }
}

/// That `resume` goes with another status.
pub(crate) fn resume_without_enabling(extension: &ObjectReader) -> Invalid {
    extension.fault_at(RESUME.field(), "It goes with the status enabled; give that too, or leave it out")
}

/// A move that is asked for.
pub(crate) struct SeekRequest {
    /// Where to.
    pub to: Place,
    /// Whether it is meant.
    pub mode: SeekMode,
}

/// Reads the body of a move.
pub(crate) fn read_seek(mut body: ObjectReader, offsets: &Offsets) -> Result<SeekRequest, Invalid> {
    let given = body.text_required(&TO)?;
    let to = place_of(&given, offsets).ok_or_else(|| malformed(&body, &TO, &given))?;
    let dry_run = body.boolean(DRY_RUN)?.unwrap_or(false);
    body.finish()?;
    Ok(SeekRequest { to, mode: if dry_run { SeekMode::DryRun } else { SeekMode::Apply } })
}

fn place_of(given: &str, offsets: &Offsets) -> Option<Place> {
    match given {
        "now" => Some(Place::Now),
        "beginning" => Some(Place::Beginning),
        _ => {
            let time = Timestamp::parse(given).ok().map(Place::Time);
            time.or_else(|| offsets.read(given).ok().map(Place::Position))
        }
    }
}

fn malformed(object: &ObjectReader, text: &Text, given: &str) -> Invalid {
    let reason = format!("Object didn't pass validation for format {}: {given}", text.name());
    object.fault_at(text.field(), &reason)
}

/// What came of a move.
#[derive(Serialize)]
pub(crate) struct SeekAnswer {
    from_offset: String,
    to_offset: String,
    events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_up_to: Option<String>,
    dry_run: bool,
}

impl SeekAnswer {
    /// The answer to a move of one of the tenant's streams.
    pub(crate) fn new(moved: Moved, mode: SeekMode, offsets: &Offsets, entropy: &dyn Entropy) -> Self {
        let offset = |seq| offsets.of_place(seq, entropy);
        Self {
            from_offset: offset(moved.from),
            to_offset: offset(moved.to),
            events: moved.events,
            counted_up_to: moved.counted_below.map(offset),
            dry_run: mode == SeekMode::DryRun,
        }
    }
}
