//! `GET /api/v2/actions/triggers`

use axum::http::StatusCode;
use domain::action::{Runtime, TRIGGER_ID, TRIGGER_VERSION};
use serde::Serialize;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;

#[derive(Serialize)]
struct Triggers {
    triggers: [Trigger; 1],
}

#[derive(Serialize)]
struct Trigger {
    id: &'static str,
    version: &'static str,
    status: &'static str,
    runtimes: [&'static str; 2],
    default_runtime: &'static str,
    compatible_triggers: [(); 0],
}

/// Answers what can have actions run: events on their way to streams.
pub(crate) async fn list_triggers(caller: Authenticated) -> Answer {
    let _call = caller.authorise(&["read:actions"])?;
    let trigger = Trigger {
        id: TRIGGER_ID,
        version: TRIGGER_VERSION,
        status: "CURRENT",
        runtimes: Runtime::ALL.map(Runtime::name),
        default_runtime: Runtime::default().name(),
        compatible_triggers: [],
    };
    Ok(answer::json(StatusCode::OK, &Triggers { triggers: [trigger] }))
}
