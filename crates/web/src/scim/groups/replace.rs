//! `PUT …/Groups/{id}`

use domain::scim::GroupChanges;

use super::update;
use crate::payload::Payload;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;
use crate::scim::request;

/// Gives a group another name, external id and other members: only the difference raises events.
pub(crate) async fn replace(caller: ScimCaller, payload: Payload) -> ScimAnswer {
    let call = caller.authorise("put:groups")?;
    let changes = GroupChanges::of_document(&request::document(payload).await?)?;
    update(&call, &changes).await
}
