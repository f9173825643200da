//! `PATCH /api/v2/connections/{id}/scim-configuration`

use axum::http::StatusCode;
use domain::change::{Expect, ScimWrite};

use super::configuration;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::scim::{ConfigurationAnswer, read_configuration};

/// Changes how a connection is provisioned. Users who are there already are looked at anew when their provider changes
/// them; their ids stay.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:scim_config"])?;
    let request = read_configuration(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let (connection, found) = configuration(&call).await?;
        let changed = request.applied_to(&found.value, call.app.now());
        let write = ScimWrite::ConfigurationPut(Expect::At(found.revision), Box::new(changed.clone()));
        if changed == found.value || call.commit(write.into()).await? {
            let answer = ConfigurationAnswer::new(&connection, &changed, &call.served.tenant.name);
            return Ok(answer::json(StatusCode::OK, &answer));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
