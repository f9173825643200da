//! `POST …/Users`

use axum::http::StatusCode;
use domain::change::{Revision, Versioned, scim_user_create};
use domain::scim::ScimUser;

use super::answered;
use crate::payload::Payload;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;
use crate::scim::request;

/// Creates a user of the connection, which raises `user.created`.
pub(crate) async fn create(caller: ScimCaller, payload: Payload) -> ScimAnswer {
    let call = caller.authorise("post:users")?;
    let document = request::document(payload).await?;
    let origin = call.origin();
    let (scim_user, user) = ScimUser::new(&call.connection, &call.configuration, document, origin.now, origin.entropy)?;
    let created = Versioned { revision: Revision(1), value: scim_user.clone() };
    call.state().change_commit(call.tenant(), scim_user_create(scim_user, user, &origin)).await?;
    Ok(answered(&call, StatusCode::CREATED, &created))
}
