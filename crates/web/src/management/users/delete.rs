//! `DELETE /api/v2/users/{id}`

use domain::change::{user_delete, user_erase, user_erase_absent};

use super::user_id;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;
use crate::wire::reader::Field;

const ERASE: Field = Field::new("headwater.erase", "Whether to erase the user's data from the events so far.");

/// Deletes a user, which raises `user.deleted`; a user who is not there is gone already. With
/// `headwater.erase=true` the user's data are erased from the log too, also when the user has gone before.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:users"])?;
    let id = user_id(&call)?;
    let erases = call.query().flag(ERASE)?.unwrap_or(false);
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let change = match call.state().user_get(call.tenant(), &id).await? {
            Some(stored) if erases => user_erase(&stored, &call.origin(client.clone())),
            Some(stored) => user_delete(&stored, &call.origin(client.clone())),
            None if erases => user_erase_absent(id.clone(), call.app.now()),
            None => return Ok(answer::no_content()),
        };
        if call.commit(change).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
