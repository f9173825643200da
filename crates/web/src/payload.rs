//! The body of a request, read only after the caller may send one: bounded in size and in time.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::error::ApiError;
use crate::state::App;
use crate::wire::reader::ObjectReader;

/// How long a body may take to arrive.
const BODY_READ_MAX: Duration = Duration::from_secs(30);

/// A body that has not been read yet.
pub(crate) struct Payload {
    body: Body,
    bytes_max: usize,
}

impl FromRequest<Arc<App>> for Payload {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(Self { body: request.into_body(), bytes_max: app.settings.body_bytes_max })
    }
}

impl Payload {
    /// The body that a form of the dashboard became.
    #[allow(dead_code, reason = "the pages with forms come next")]
    pub(crate) fn of(value: &Value) -> Self {
        // A form is bounded itself, and JSON of it is not much longer.
        Self { body: Body::from(value.to_string()), bytes_max: usize::MAX }
    }

    /// The same body with another limit.
    pub(crate) fn up_to(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// The body's bytes.
    pub(crate) async fn bytes(self) -> Result<Bytes, ApiError> {
        let too_large = || ApiError::BodyTooLarge(self.bytes_max);
        // A body that says how long it is need not be read to be refused.
        if self.body.size_hint().lower() > self.bytes_max as u64 {
            return Err(too_large());
        }
        let collecting = Limited::new(self.body, self.bytes_max).collect();
        match tokio::time::timeout(BODY_READ_MAX, collecting).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if is_too_large(&*error) => Err(too_large()),
            Ok(Err(_)) | Err(_) => Err(ApiError::BodyIncomplete),
        }
    }

    /// The JSON object that the body is.
    pub(crate) async fn object(self) -> Result<ObjectReader, ApiError> {
        parse(&self.bytes().await?)
    }

    /// The JSON that the body is, whatever it is.
    pub(crate) async fn value(self) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.bytes().await?).map_err(|_| ApiError::NotJson)
    }

    /// The JSON object that the body is, where it may be left out.
    pub(crate) async fn object_or_nothing(self) -> Result<ObjectReader, ApiError> {
        let bytes = self.bytes().await?;
        parse(if bytes.is_empty() { b"{}" } else { &bytes })
    }
}

fn parse(bytes: &[u8]) -> Result<ObjectReader, ApiError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| ApiError::NotJson)?;
    Ok(ObjectReader::root(value)?)
}

fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| error.is::<LengthLimitError>())
}
