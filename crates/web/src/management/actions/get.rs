//! `GET /api/v2/actions/actions/{id}`

use axum::http::StatusCode;
use domain::action::{Action, Build};
use domain::change::{ActionWrite, Expect, Versioned};
use store::StoreError;

use super::{build, found, id};
use crate::call::{Authenticated, Call};
use crate::error::Answer;
use crate::wire::action::ActionAnswer;
use crate::wire::answer;

/// Answers an action. A draft that could not be looked at before is looked at now, since callers ask again until it is built.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:actions"])?;
    let found = found(&call, id(&call)?).await?;
    let action = looked_at(&call, found).await?;
    Ok(answer::json(StatusCode::OK, &ActionAnswer::from(&action)))
}

async fn looked_at(call: &Call, stored: Versioned<Action>) -> Result<Action, StoreError> {
    let mut action = stored.value;
    if action.build == Build::Pending {
        build(call, &mut action).await;
        if action.build != Build::Pending {
            // Whoever has changed it meanwhile has had it looked at too.
            call.commit(ActionWrite::Put(Expect::At(stored.revision), Box::new(action.clone())).into()).await?;
        }
    }
    Ok(action)
}
