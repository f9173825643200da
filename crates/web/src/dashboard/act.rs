//! What operators do, with its entry in the audit log. The entry is written first: nothing is done without one, and one
//! without an outcome tells of a server that ended in between.

use std::future::Future;

use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::Value;
use store::AuditAct;

use super::error::PageError;
use super::operator::Operator;
use crate::error::ApiError;

/// What the audit log says of what was done.
const DONE: &str = "Done";
/// How much of what an act was about is kept, in characters.
const SUBJECT_CHARS_MAX: usize = 300;

/// Does something on something, with an entry in the audit log.
pub(super) async fn perform<T, E>(
    operator: &Operator,
    what: &str,
    on: &str,
    doing: impl Future<Output = Result<T, E>>,
) -> Result<T, PageError>
where
    PageError: From<E>,
{
    let act = AuditAct {
        at: operator.app.now(),
        operator: operator.person().email.to_string(),
        act: what.to_owned(),
        subject: on.chars().take(SUBJECT_CHARS_MAX).collect(),
        address: operator.address.clone(),
    };
    let number = operator.state().audit_begin(operator.tenant(), act).await?;
    let done = doing.await.map_err(PageError::from);
    let outcome = done.as_ref().err().map_or_else(|| DONE.to_owned(), |error| error.describe().1.into_owned());
    operator.state().audit_end(operator.tenant(), number, outcome).await?;
    done
}

/// The JSON that an operation answered; `null` where it answered nothing.
pub(super) async fn body_of(response: Response) -> Result<Value, ApiError> {
    let body = response.into_body().collect().await;
    let bytes = body.map_err(|error| ApiError::Internal("an answer cannot be read", error.into()))?.to_bytes();
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).map_err(|error| ApiError::Internal("an answer is not JSON", error.into()))
}
