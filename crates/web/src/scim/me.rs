//! `…/Me` (RFC 7644, 3.11): the user behind the token, whom a provider's token does not have.

use super::call::ScimCaller;
use super::error::{ScimAnswer, ScimError};

/// Says that there is nobody.
pub(crate) async fn me(caller: ScimCaller) -> ScimAnswer {
    caller.any();
    Err(ScimError::Unsupported("a SCIM token is an identity provider's, so it is no user's: use Users/{id}"))
}
