//! `POST /api/v2/actions/actions`

use axum::http::StatusCode;
use domain::action::Action;
use domain::change::{NotBuilt, action_create, action_create_deployed};

use super::{body, build, deploy};
use crate::call::Authenticated;
use crate::error::{Answer, ApiError};
use crate::payload::Payload;
use crate::wire::action::{ActionAnswer, read_new};
use crate::wire::answer;
use crate::wire::reader::Invalid;

/// Creates an action, and deploys it if that is asked for. Code that cannot run is kept, and says so, unless it was to be
/// deployed: then nothing is created.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:actions"])?;
    let new = read_new(body(payload).await?)?;
    let now = call.app.now();
    let empty = Action::new(new.name, now, &*call.app.entropy);
    let mut action = empty.patched(new.members, now).map_err(|error| ApiError::Invalid(Invalid::from(error)))?;
    build(&call, &mut action).await;
    let actions_max = call.app.settings.actions_max;
    let change = if new.deploy {
        let created = action_create_deployed(action.clone(), actions_max, now, &*call.app.entropy);
        let (deployed, change) = created.map_err(|NotBuilt| deploy::refused(action.build))?;
        action = deployed;
        change
    } else {
        action_create(action.clone(), actions_max)
    };
    call.state().change_commit(call.tenant(), change).await?;
    Ok(answer::json(StatusCode::CREATED, &ActionAnswer::from(&action)))
}
