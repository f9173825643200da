//! `POST /api/v2/actions/actions/{id}/test`

use axum::http::StatusCode;
use domain::action::TestRun;

use super::{body, found, id};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::action::{RunAnswer, read_test};
use crate::wire::answer;

/// Runs the draft of an action once, with its secrets, and answers what came of it.
pub(crate) async fn test(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:actions"])?;
    let id = id(&call)?;
    let message = read_test(body(payload).await?)?;
    let action = found(&call, id).await?.value;
    let report = call.app.runner.run(TestRun { code: action.draft.code(), message }).await;
    Ok(answer::json(StatusCode::OK, &RunAnswer::from(report)))
}
