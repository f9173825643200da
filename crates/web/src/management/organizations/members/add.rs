//! `POST /api/v2/organizations/{id}/members`

use domain::change::members_add;

use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::organizations::{organization_id, stored};
use crate::management::users;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::organization::read_members;

/// Makes users members, each of whom raises `organization.member.added`; who is one already raises nothing.
pub(crate) async fn add(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:organization_members"])?;
    let id = organization_id(&call)?;
    let given = read_members(payload.object().await?)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let organization = stored(&call, &id).await?;
        for user in &given {
            users::stored(&call, user).await?;
        }
        let members = call.state().members_among(call.tenant(), &id, &given).await?;
        let new = given.iter().filter(|user| !members.contains(user)).cloned().collect();
        if call.commit(members_add(&organization, new, &call.origin(client.clone()))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
