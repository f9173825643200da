//! `POST /api/v2/connections/{id}/scim-configuration/tokens`

use axum::http::StatusCode;
use domain::change::ScimWrite;
use domain::ids::random_text;
use domain::scim::{ScimToken, ScimTokenId};

use super::configuration;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::scim::hash_of;
use crate::wire::answer;
use crate::wire::scim::{TokenAnswer, read_token};

/// The length of what is random in a token, 5.95 bits a character.
const TOKEN_CHARS: usize = 64;
/// How many tokens a connection has at most: one for each provider, and another while it is exchanged.
const TOKENS_MAX: usize = 10;

/// Makes a token and shows it, now or never.
pub(crate) async fn create_token(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:scim_token"])?;
    let new = read_token(payload.object_or_nothing().await?)?;
    let (connection, _) = configuration(&call).await?;
    if call.state().scim_tokens(call.tenant(), &connection.id).await?.len() >= TOKENS_MAX {
        return Err(ApiError::Refused(Refusal::TooManyScimTokens));
    }
    let (now, entropy) = (call.app.now(), &*call.app.entropy);
    let text = format!("scim_{}", random_text(entropy, TOKEN_CHARS));
    let token = ScimToken {
        id: ScimTokenId::generate(entropy),
        connection_id: connection.id,
        hash: hash_of(&text),
        scopes: new.scopes,
        created_at: now,
        valid_until: new.lifetime.map(|lifetime| now.plus(lifetime)),
        last_used_at: None,
    };
    call.state().change_commit(call.tenant(), ScimWrite::TokenAdd(Box::new(token.clone())).into()).await?;
    Ok(answer::json(StatusCode::CREATED, &TokenAnswer::made(token, &text)))
}
