//! What only a partner of AWS does: making and deleting partner event sources.

use std::time::Duration;

use aws_sdk_eventbridge::config::http::HttpResponse;
use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use domain::destination::EventBridge;

use super::aws::Aws;
use super::problem::Problem;

/// What AWS says where there is one already.
const ALREADY_THERE: &str = "ResourceAlreadyExistsException";
/// What AWS says where there is none.
pub(super) const NOT_THERE: &str = "ResourceNotFoundException";

/// The partner event sources of streams, as AWS has them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Partner {
    aws: Aws,
    timeout: Duration,
}

impl Partner {
    /// `timeout` is that of a call.
    pub(super) const fn new(aws: Aws, timeout: Duration) -> Self {
        Self { aws, timeout }
    }

    /// Has AWS make a partner event source for its account. One that is there already is as good.
    ///
    /// # Errors
    /// Says why not, for people.
    pub(crate) async fn make(&self, source: &EventBridge) -> Result<(), String> {
        let made = async {
            let client = self.aws.client(source.region, None);
            let call = client.get().await.map_err(Problem::refused)?.create_partner_event_source();
            let call = call.name(source.partner_event_source.as_str()).account(source.account.as_str());
            unless(ALREADY_THERE, call.send().await)
        };
        Box::pin(self.in_time(made)).await
    }

    /// Has AWS delete a partner event source. One that is not there is as good.
    ///
    /// # Errors
    /// Says why not, for people.
    pub(crate) async fn delete(&self, source: &EventBridge) -> Result<(), String> {
        let deleted = async {
            let client = self.aws.client(source.region, None);
            let call = client.get().await.map_err(Problem::refused)?.delete_partner_event_source();
            let call = call.name(source.partner_event_source.as_str()).account(source.account.as_str());
            unless(NOT_THERE, call.send().await)
        };
        Box::pin(self.in_time(deleted)).await
    }

    async fn in_time(&self, call: impl Future<Output = Result<(), Problem>>) -> Result<(), String> {
        let answered = tokio::time::timeout(self.timeout, call).await.unwrap_or_else(|_| Err(Problem::timeout()));
        answered.map_err(|problem| problem.message)
    }
}

/// What was asked for is so, also where AWS says by `code` that it was so before.
fn unless<T, E>(code: &str, answered: Result<T, SdkError<E, HttpResponse>>) -> Result<(), Problem>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answered {
        Err(error) if error.code() != Some(code) => Err(Problem::of_call(&error)),
        _ => Ok(()),
    }
}
