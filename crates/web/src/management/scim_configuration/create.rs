//! `POST /api/v2/connections/{id}/scim-configuration`

use axum::http::StatusCode;
use domain::change::{Expect, ScimWrite};

use super::connection;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::scim::{ConfigurationAnswer, read_configuration};

/// Has a connection provisioned with SCIM.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:scim_config"])?;
    let request = read_configuration(payload.object_or_nothing().await?)?;
    let connection = connection(&call).await?;
    let configuration = request.into_configuration(&connection, call.app.now());
    let write = ScimWrite::ConfigurationPut(Expect::Absent, Box::new(configuration.clone()));
    call.state().change_commit(call.tenant(), write.into()).await?;
    let answer = ConfigurationAnswer::new(&connection, &configuration, &call.served.tenant.name);
    Ok(answer::json(StatusCode::CREATED, &answer))
}
