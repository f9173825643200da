//! What an event stream fails to deliver, looked for again and again.

use std::collections::BTreeMap;

use domain::ids::StreamId;
use serde_json::Value;

use crate::client::{ClientError, ManagementClient};

/// Failed deliveries that are looked at: the newest ones.
const LOOKED_AT_MAX: usize = 100;

/// A delivery that has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FailedDelivery {
    pub(super) id: String,
    pub(super) event_type: String,
    pub(super) attempts: usize,
    /// Why the last attempt failed.
    pub(super) reason: String,
}

/// An event stream, and how many attempts of each failed delivery are known.
pub(super) struct Failures<'a> {
    client: &'a ManagementClient,
    path: String,
    subscriptions: Vec<String>,
    status: String,
    known: BTreeMap<String, usize>,
}

impl<'a> Failures<'a> {
    /// Those of the event stream with this id. What has failed by now is no news.
    pub(super) async fn of(client: &'a ManagementClient, id: StreamId) -> Result<Self, ClientError> {
        let path = format!("event-streams/{id}");
        let stream = client.get(&path).await?;
        let subscriptions = stream["subscriptions"].as_array().into_iter().flatten();
        let subscriptions = subscriptions.filter_map(|each| Some(each["event_type"].as_str()?.to_owned())).collect();
        let mut failures = Self { client, path, subscriptions, status: String::new(), known: BTreeMap::new() };
        failures.news().await?;
        Ok(failures)
    }

    /// The types that it subscribes to.
    pub(super) fn subscriptions(&self) -> &[String] {
        &self.subscriptions
    }

    /// How the stream stands, in a few words.
    pub(super) fn standing(&self) -> String {
        let failed = self.known.len();
        let more = if failed >= LOOKED_AT_MAX { " or more" } else { "" };
        format!("stream {}, {failed}{more} failed", self.status)
    }

    /// What has failed since the last look.
    pub(super) async fn news(&mut self) -> Result<Vec<FailedDelivery>, ClientError> {
        self.status = status_of(&self.client.get(&self.path).await?);
        let answer = self.client.get(&format!("{}/deliveries?take={LOOKED_AT_MAX}", self.path)).await?;
        Ok(self.compare(failed(&answer)))
    }

    fn compare(&mut self, failed: Vec<FailedDelivery>) -> Vec<FailedDelivery> {
        let now = failed.iter().map(|delivery| (delivery.id.clone(), delivery.attempts)).collect();
        let known = std::mem::replace(&mut self.known, now);
        failed.into_iter().filter(|delivery| known.get(&delivery.id) != Some(&delivery.attempts)).collect()
    }
}

fn status_of(stream: &Value) -> String {
    stream["status"].as_str().unwrap_or("unknown").to_owned()
}

/// The failed deliveries of an answer, the oldest first.
fn failed(answer: &Value) -> Vec<FailedDelivery> {
    let deliveries = answer["deliveries"].as_array().or_else(|| answer.as_array());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut failed: Vec<FailedDelivery> = deliveries
        .into_iter()
        .flatten()
        .filter(|delivery| delivery["status"] == "failed")
        .map(|delivery| {
            let attempts = delivery["attempts"].as_array().map_or(&[][..], Vec::as_slice);
            let reason = attempts.last().map(|attempt| text(&attempt["error_message"])).unwrap_or_default();
            let (id, event_type) = (text(&delivery["id"]), text(&delivery["event_type"]));
            FailedDelivery { id, event_type, attempts: attempts.len(), reason }
        })
        .collect();
    failed.sort_by(|one, other| one.id.cmp(&other.id));
    failed
}

#[cfg(test)]
mod tests {
    use domain::secret::Secret;
    use serde_json::json;

    use super::*;
    use crate::{Connection, Credentials};

    fn answer(ids: &[(&str, usize)]) -> Value {
        let attempt = json!({"status": "failed", "error_message": "the server answered 500"});
        let delivery = |(id, attempts): &(&str, usize)| json!({"id": id, "event_type": "user.created", "status": "failed", "attempts": vec![&attempt; *attempts]});
        json!({"deliveries": ids.iter().map(delivery).collect::<Vec<_>>()})
    }

    #[test]
    fn only_what_has_failed_anew_is_news() {
        let credentials = Credentials::Token(Secret::new("t"));
        let connection = Connection { url: "http://x".into(), credentials, extra_ca: None };
        let client = ManagementClient::new(connection).unwrap();
        let mut failures = Failures {
            client: &client,
            path: String::new(),
            subscriptions: Vec::new(),
            status: "enabled".into(),
            known: BTreeMap::from([("evt_2".into(), 4)]),
        };
        let mut look = |ids| {
            let news = failures.compare(failed(&answer(ids)));
            let shown = news.into_iter().map(|each| format!("{} {} {}", each.id, each.attempts, each.reason));
            (shown.collect::<Vec<_>>(), failures.standing())
        };
        assert_eq!(look(&[("evt_2", 4)]), (vec![], "stream enabled, 1 failed".into()));
        let reason = "the server answered 500";
        let (news, standing) = look(&[("evt_4", 4), ("evt_3", 1), ("evt_2", 4)]);
        assert_eq!(news, [format!("evt_3 1 {reason}"), format!("evt_4 4 {reason}")]);
        assert_eq!(standing, "stream enabled, 3 failed");
        assert_eq!(look(&[("evt_4", 8)]).0, [format!("evt_4 8 {reason}")], "redelivered in vain");
        assert_eq!(look(&[]).0, Vec::<String>::new());
    }
}
