//! `GET /api/v2/actions/actions/{id}/versions`

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::actions::{found, id};
use crate::wire::action::{VersionAnswer, paged};

/// Answers a page of the versions of an action that are kept, newest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:actions"])?;
    let id = id(&call)?;
    let page = call.query().offset()?.page;
    let action = found(&call, id).await?.value;
    let total = call.state().action_version_count(call.tenant(), id).await?;
    let versions = call.state().action_version_page(call.tenant(), id, page).await?;
    let versions: Vec<_> = versions.iter().map(|version| VersionAnswer::of(version, &action)).collect();
    Ok(paged("versions", page, total, &versions))
}
