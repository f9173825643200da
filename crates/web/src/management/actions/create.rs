//! `POST /api/v2/actions/actions`

use axum::http::StatusCode;
use domain::action::Action;
use domain::change::{Revision, Versioned, action_create};

use super::{body, build, deploy};
use crate::call::Authenticated;
use crate::error::{Answer, ApiError};
use crate::payload::Payload;
use crate::wire::action::{ActionAnswer, read_new};
use crate::wire::answer;
use crate::wire::reader::Invalid;

/// Creates an action, and deploys it if that is asked for. Code that cannot run is kept, and says so.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:actions"])?;
    let new = read_new(body(payload).await?)?;
    let now = call.app.now();
    let empty = Action::new(new.name, now, &*call.app.entropy);
    let mut action = empty.patched(new.members, now).map_err(|error| ApiError::Invalid(Invalid::from(error)))?;
    build(&call, &mut action).await;
    let change = action_create(action.clone(), call.app.settings.actions_max);
    call.state().change_commit(call.tenant(), change).await?;
    if new.deploy {
        action = deploy::deployed(&call, Versioned { revision: Revision(1), value: action }).await?;
    }
    Ok(answer::json(StatusCode::CREATED, &ActionAnswer::from(&action)))
}
