//! `POST /api/v2/client-grants`

use axum::http::StatusCode;
use domain::account::ClientGrant;
use domain::change::{Expect, Write};
use domain::ids::GrantId;

use super::check_scopes;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::client_grant::{GrantAnswer, read_new};

/// Grants an application permissions for an API.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:client_grants"])?;
    let new = read_new(payload.object().await?)?;
    check_scopes(&call, &new.audience, &new.scope).await?;
    if call.state().client_get(call.tenant(), &new.client_id).await?.is_none() {
        return Err(ApiError::NotFound(Missing::Client));
    }
    let id = GrantId::generate(&*call.app.entropy);
    let grant = ClientGrant { id, client_id: new.client_id, audience: new.audience, scope: new.scope };
    let write = Write::GrantPut(Expect::Absent, grant.clone());
    call.state().change_commit(call.tenant(), write.into()).await?;
    Ok(answer::json(StatusCode::CREATED, &GrantAnswer::from(grant)))
}
