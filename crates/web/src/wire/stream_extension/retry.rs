//! `retry`: `"contract"`, `"patient"`, or `{"delays_s": […]}`.

use domain::delivery_settings::{DELAYS_TOTAL_S_MAX, Delays, DelaysError, Retry};
use serde::Serialize;
use serde_json::Value;

use crate::wire::reader::{Field, Invalid, ObjectReader};

pub(super) const RETRY: Field =
    Field::new("retry", "When a delivery is tried again: contract, patient, or an object with delays_s.");
const DELAYS: Field = Field::new("delays_s", "The waits before the second, third … attempt, in seconds.");
const CONTRACT: &str = "contract";
const PATIENT: &str = "patient";

/// Reads the member, if it is there.
pub(super) fn read(extension: &mut ObjectReader) -> Result<Option<Retry>, Invalid> {
    if extension.peek(RETRY).is_some_and(Value::is_string) {
        return extension.word(RETRY, |word| match word {
            CONTRACT => Some(Retry::Contract),
            PATIENT => Some(Retry::Patient),
            _ => None,
        });
    }
    let Some(mut schedule) = extension.object(RETRY)? else { return Ok(None) };
    let seconds =
        schedule.numbers(DELAYS, 1, DELAYS_TOTAL_S_MAX.into())?.ok_or_else(|| schedule.missing_with_path(DELAYS))?;
    let seconds = seconds.into_iter().map(|each| u32::try_from(each).unwrap_or(u32::MAX)).collect();
    let delays = Delays::new(seconds).map_err(|error| match error {
        DelaysError::Zero(index) => schedule.fault_within(DELAYS, &index.to_string(), &error.to_string()),
        DelaysError::TooMany(_) | DelaysError::TooLong(_) => schedule.fault_at(DELAYS, &error.to_string()),
    })?;
    schedule.finish_with_path()?;
    Ok(Some(Retry::Delays(delays)))
}

/// A schedule as it is answered.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum RetryAnswer {
    Word(&'static str),
    Delays { delays_s: Vec<u32> },
}

impl RetryAnswer {
    /// The schedule, if it is not the default.
    pub(super) fn of(retry: &Retry) -> Option<Self> {
        match retry {
            Retry::Contract => None,
            Retry::Patient => Some(Self::Word(PATIENT)),
            Retry::Delays(delays) => Some(Self::Delays { delays_s: delays.seconds().to_vec() }),
        }
    }
}
