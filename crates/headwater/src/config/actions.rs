//! What actions may use.

use std::time::Duration;

use super::layers::Layers;
use super::{ConfigError, required, value};

/// The limits of actions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actions {
    pub(crate) timeout: Duration,
    pub(crate) memory_bytes_max: usize,
    pub(crate) console_bytes_max: usize,
    pub(crate) requests_max: u32,
    pub(crate) request_bytes_max: usize,
    pub(crate) answer_bytes_max: usize,
    pub(crate) processes_max: usize,
    pub(crate) processes_per_stream_max: usize,
}

impl Actions {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        Ok(Self {
            timeout: required(layers, "action_timeout", value::positive_duration)?,
            memory_bytes_max: required(layers, "action_memory_bytes_max", memory)?,
            console_bytes_max: required(layers, "action_console_bytes_max", value::bytes)?,
            requests_max: required(layers, "action_requests_max", value::count)?,
            request_bytes_max: required(layers, "action_request_bytes_max", value::bytes)?,
            answer_bytes_max: required(layers, "action_answer_bytes_max", value::bytes)?,
            processes_max: required(layers, "action_processes_max", value::count)? as usize,
            processes_per_stream_max: required(layers, "action_processes_per_stream_max", value::count)? as usize,
        })
    }
}

/// What the engine needs before there is any code to run.
const MEMORY_BYTES_MIN: usize = 4 * 1024 * 1024;

fn memory(text: &str) -> Result<usize, value::Expected> {
    value::bytes(text).ok().filter(|bytes| *bytes >= MEMORY_BYTES_MIN).ok_or_else(|| "a size of at least 4MiB".into())
}
