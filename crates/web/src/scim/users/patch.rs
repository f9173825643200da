//! `PATCH …/Users/{id}`

use domain::scim::patched;

use super::update;
use crate::payload::Payload;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;
use crate::scim::request;

/// Changes a user's document, which raises `user.updated` if it makes another user of it.
pub(crate) async fn patch(caller: ScimCaller, payload: Payload) -> ScimAnswer {
    let call = caller.authorise("patch:users")?;
    let operations = request::operations(payload).await?;
    update(&call, |document| patched(document, operations.clone())).await
}
