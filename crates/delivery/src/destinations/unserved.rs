//! A destination of a type that this server does not deliver to: every delivery fails at once, and says so.

use std::time::Duration;

use async_trait::async_trait;
use domain::delivery::{Failure, FailureKind, Outcome};

use super::{Delivery, Destination};

/// Stands for the destination of a stream that cannot be delivered to.
pub(super) struct UnservedDestination {
    /// For the stream's owner: what is missing.
    pub(super) reason: &'static str,
}

#[async_trait]
impl Destination for UnservedDestination {
    async fn deliver(&self, _: Delivery) -> Outcome {
        Outcome::Failed(Failure::new(FailureKind::Refused, self.reason, Duration::ZERO))
    }
}
