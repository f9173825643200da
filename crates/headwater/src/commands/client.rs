//! The client's commands: what they find around them is read here.

use std::process::ExitCode;
use std::sync::Arc;

use cli::{ClientCommand, Surroundings};
use jiff::tz::TimeZone;

use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;
use crate::environment::Environment;

pub(super) async fn run(command: ClientCommand, environment: &Environment) -> ExitCode {
    let surroundings = Surroundings {
        variables: environment.all(),
        clock: Arc::new(SystemClock::new()),
        entropy: Box::new(SystemEntropy),
        time_zone: TimeZone::system(),
    };
    ExitCode::from(command.run(surroundings).await.code())
}
