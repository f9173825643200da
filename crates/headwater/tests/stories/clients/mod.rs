//! The product as its users meet it: official clients over HTTPS (the folder `clients` of the repository), replays of
//! two that cannot always be had, curl from the README, and the demo.

mod curl;
mod official;
mod replays;
mod secure;

use std::process::Command;

pub(crate) use crate::server::is_prepared_for;
use crate::server::{binary, output_of};

/// What a command printed that has to end well.
pub(crate) fn assert_success(command: Command, what: &str) -> String {
    let output = output_of(command);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} failed\nstdout:\n{stdout}\nstderr:\n{stderr}");
    stdout
}

#[test]
fn the_demo_plays_it_by_itself() {
    let mut command = binary();
    command.arg("demo");
    let shown = assert_success(command, "headwater demo");
    for part in ["POST", "content-type: application/json", "user.created", "redeliver"] {
        assert!(shown.contains(part), "the demo shows {part:?}:\n{shown}");
    }
}
