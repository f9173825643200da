//! `PUT …/Users/{id}`

use super::update;
use crate::payload::Payload;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;
use crate::scim::request;

/// Gives a user another document, which raises `user.updated` if it makes another user of it.
pub(crate) async fn replace(caller: ScimCaller, payload: Payload) -> ScimAnswer {
    let call = caller.authorise("put:users")?;
    let document = request::document(payload).await?;
    update(&call, |_| Ok(document.clone())).await
}
