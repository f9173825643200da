//! `POST /api/v2/roles`

use axum::http::StatusCode;
use domain::change::{Expect, RoleWrite};
use domain::ids::RoleId;
use domain::role::Role;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::{answer, role};

/// Creates a role. It is answered with 200, as the contract has it.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:roles"])?;
    let new = role::read_new(payload.object().await?)?;
    let id = RoleId::generate(&*call.app.entropy);
    let role = Role { id, name: new.name, description: new.description };
    let write = RoleWrite::Put(Expect::Absent, role.clone());
    call.state().change_commit(call.tenant(), write.into()).await?;
    Ok(answer::json(StatusCode::OK, &role))
}
