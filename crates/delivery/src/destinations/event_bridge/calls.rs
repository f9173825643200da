//! The calls that put events: to an event bus, or as a partner of AWS.

use std::sync::Arc;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutPartnerEventsRequestEntry};
use domain::clock::Timestamp;

use super::aws::SharedClient;
use super::batches::Taken;
use super::problem::Problem;

/// An event as EventBridge takes it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) time: Timestamp,
    pub(super) source: Arc<str>,
    pub(super) detail_type: String,
    pub(super) detail: String,
}

impl Entry {
    /// How many bytes AWS counts for a time.
    pub(super) const TIME_BYTES: usize = 14;

    /// Its size as AWS counts it.
    pub(super) fn size(&self) -> usize {
        Self::TIME_BYTES + self.source.len() + self.detail_type.len() + self.detail.len()
    }

    fn time(&self) -> DateTime {
        DateTime::from_millis(self.time.as_millis())
    }
}

/// Where one stream's events are put.
pub(super) struct Calls {
    pub(super) client: Arc<SharedClient>,
    pub(super) target: Target,
}

/// What they are put to.
pub(super) enum Target {
    /// The ARN of an event bus.
    Bus(String),
    /// The partner event source that the entries name.
    PartnerEventSource,
}

impl Calls {
    /// Puts entries, and says of each whether it was taken.
    pub(super) async fn put(&self, entries: &[Entry]) -> Result<Vec<Taken>, Problem> {
        let client = self.client.get().await.map_err(Problem::refused)?;
        let taken = match &self.target {
            Target::Bus(arn) => put_events(client, arn, entries).await?,
            Target::PartnerEventSource => put_partner_events(client, entries).await?,
        };
        if taken.len() == entries.len() {
            Ok(taken)
        } else {
            Err(Problem::unreachable("AWS did not answer about every event that it was sent"))
        }
    }
}

async fn put_events(client: &Client, bus: &str, entries: &[Entry]) -> Result<Vec<Taken>, Problem> {
    let entry = |entry: &Entry| {
        PutEventsRequestEntry::builder()
            .time(entry.time())
            .source(&*entry.source)
            .detail_type(&entry.detail_type)
            .detail(&entry.detail)
            .event_bus_name(bus)
            .build()
    };
    let put = client.put_events().set_entries(Some(entries.iter().map(entry).collect())).send().await;
    let answered = put.map_err(|error| Problem::of_call(&error))?;
    Ok(answered.entries().iter().map(|each| taken(each.error_code(), each.error_message())).collect())
}

async fn put_partner_events(client: &Client, entries: &[Entry]) -> Result<Vec<Taken>, Problem> {
    let entry = |entry: &Entry| {
        PutPartnerEventsRequestEntry::builder()
            .time(entry.time())
            .source(&*entry.source)
            .detail_type(&entry.detail_type)
            .detail(&entry.detail)
            .build()
    };
    let put = client.put_partner_events().set_entries(Some(entries.iter().map(entry).collect())).send().await;
    let answered = put.map_err(|error| Problem::of_call(&error).unless_it_is_made(error.code()))?;
    let taken = |code: Option<&str>, message| taken(code, message).map_err(|problem| problem.unless_it_is_made(code));
    Ok(answered.entries().iter().map(|each| taken(each.error_code(), each.error_message())).collect())
}

fn taken(error_code: Option<&str>, error_message: Option<&str>) -> Taken {
    error_code.map_or(Ok(()), |code| Err(Problem::of_entry(code, error_message)))
}
