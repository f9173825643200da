//! What the stream's owner says about single events, before any destination sees them: filter and transformation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::delivery::{Failure, FailureKind, Outcome};
use domain::event::body_for_stream;
use domain::expression::{EvaluationError, EventValue, Filter, Transform};

use super::{Delivery, Destination};

/// A destination that gets only what passes, in the form that it is to have.
pub(super) struct ShapedDestination {
    filter: Option<Filter>,
    transform: Option<Transform>,
    suffix: Bytes,
    destination: Arc<dyn Destination>,
}

impl ShapedDestination {
    /// `destination`, behind the filter and the transformation where there are any.
    pub(super) fn around(
        destination: Arc<dyn Destination>,
        suffix: Bytes,
        filter: Option<Filter>,
        transform: Option<Transform>,
    ) -> Arc<dyn Destination> {
        match (&filter, &transform) {
            (None, None) => destination,
            _ => Arc::new(Self { filter, transform, suffix, destination }),
        }
    }

    /// What is to be sent: the event as it is, or another payload. `None` if it does not pass.
    fn shaped(&self, delivery: &Delivery) -> Result<Option<Delivery>, Failure> {
        let body = body_for_stream(&delivery.event.event.body, &self.suffix).concat();
        let event = EventValue::read(&body).map_err(|error| failure("the event", &error))?;
        if let Some(filter) = &self.filter
            && !filter.passes(&event).map_err(|error| failure("the filter", &error))?
        {
            return Ok(None);
        }
        let payload = self.transform.as_ref().map(|transform| transform.apply(&event)).transpose();
        let payload = payload.map_err(|error| failure("the transformation", &error))?;
        Ok(Some(Delivery { payload, ..delivery.clone() }))
    }
}

/// It would fail again in the same way, so it is not tried again; once the expression is mended it can be redelivered.
fn failure(what: &str, error: &EvaluationError) -> Failure {
    Failure::new(FailureKind::Refused, format!("{what} could not be evaluated: {error}"), Duration::ZERO)
}

#[async_trait]
impl Destination for ShapedDestination {
    async fn deliver(&self, delivery: Delivery) -> Outcome {
        match self.shaped(&delivery) {
            Ok(Some(shaped)) => self.destination.deliver(shaped).await,
            Ok(None) => Outcome::FilteredOut,
            Err(failure) => Outcome::Failed(failure),
        }
    }
}
