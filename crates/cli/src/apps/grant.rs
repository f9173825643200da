//! What an application is granted for the Management API.

use reqwest::Method;
use serde_json::json;

use crate::client::ClientError;
use crate::entity::pair;
use crate::exit::{Failure, WhileDoing};
use crate::path::segment;
use crate::session::Session;

/// Grants these scopes, and no others: makes the grant, or changes the one that there is.
pub(super) async fn set(session: &Session, client_id: &str, scopes: &[String]) -> Result<(), Failure> {
    let client = session.client().await?;
    let audience = client.audience()?;
    let body = json!({"client_id": client_id, "audience": audience, "scope": scopes});
    let granted = match client.document(Method::POST, "client-grants", &[], Some(&body)).await {
        Err(ClientError::Refused { status: 409, .. }) => {
            let mut query = Vec::from(pair("client_id", client_id));
            query.extend(pair("audience", &audience));
            let grants = client.document(Method::GET, "client-grants", &query, None).await?.elements()?;
            let Some(grant) = grants.first() else {
                return Err(Failure::refused("the grant was removed meanwhile").hint("try again"));
            };
            let path = format!("client-grants/{}", segment(grant.member("id")));
            client.document(Method::PATCH, &path, &[], Some(&json!({"scope": scopes}))).await
        }
        other => other,
    };
    granted.while_doing(&format!("failed to grant scopes to application with ID {client_id:?}")).map(|_| ())
}
