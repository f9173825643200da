//! An event stream as commands show it, and how one is picked.

use reqwest::Method;
use serde_json::Value;

use crate::asking::Choice;
use crate::client::{ClientError, ManagementClient};
use crate::document::Document;
use crate::exit::Failure;
use crate::path::segment;
use crate::session::Session;

/// How many streams are asked for at once.
const PAGE_SIZE: &str = "100";
/// What to do when there is no stream.
pub(super) const EMPTY_HINT: &str = "Use 'headwater events create' to add one";

/// An event stream, as the server told of it.
#[derive(Debug)]
pub(super) struct Stream<'a>(pub(super) &'a Document);

impl Stream<'_> {
    pub(super) fn subscriptions(&self) -> Vec<String> {
        let list = self.0.value()["subscriptions"].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|each| each["event_type"].as_str()).map(str::to_owned).collect()
    }

    fn destination_type(&self) -> String {
        self.0.value()["destination"]["type"].as_str().unwrap_or_default().to_owned()
    }

    fn configuration(&self) -> String {
        let configuration = self.0.part("destination").part("configuration");
        if configuration.value().is_null() { String::new() } else { configuration.text().to_owned() }
    }

    /// Id, name, type, status, subscriptions, configuration.
    pub(super) fn cells(&self) -> [String; 6] {
        [
            self.0.member("id").to_owned(),
            self.0.member("name").to_owned(),
            self.destination_type(),
            self.0.member("status").to_owned(),
            self.subscriptions().join(", "),
            self.configuration(),
        ]
    }

    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        const LABELS: [&str; 6] = ["ID", "NAME", "TYPE", "STATUS", "SUBSCRIPTIONS", "CONFIGURATION"];
        LABELS.into_iter().zip(self.cells()).collect()
    }
}

/// The path of a stream, or of something of it; an id from the command line cannot leave it.
pub(super) fn path(id: &str) -> String {
    format!("event-streams/{}", segment(id))
}

/// All streams, page by page.
pub(super) async fn all(client: &ManagementClient) -> Result<Vec<Document>, ClientError> {
    let mut streams = Vec::new();
    let mut query = vec![("take".to_owned(), PAGE_SIZE.to_owned())];
    loop {
        let page = client.document(Method::GET, "event-streams", &query, None).await?;
        streams.extend(page.part("eventStreams").elements()?);
        match &page.value()["next"] {
            Value::String(next) if !next.is_empty() => {
                query.truncate(1);
                query.push(("from".to_owned(), next.clone()));
            }
            _ => return Ok(streams),
        }
    }
}

/// Reads a stream.
pub(super) async fn read(session: &Session, id: &str) -> Result<Document, Failure> {
    let client = session.client().await?;
    let read = client.document(Method::GET, &path(id), &[], None).await;
    read.map_err(|error| Failure::from(error).while_doing(&format!("failed to read event stream with ID {id:?}")))
}

/// The id that was given, or that of a stream which is picked.
pub(super) async fn id(session: &Session, given: Option<String>) -> Result<String, Failure> {
    if given.is_some() || !session.asking().is_possible() {
        return session.asking().text(given, "the id of an event stream", "Event stream").await;
    }
    let streams = all(session.client().await?)
        .await
        .map_err(|error| Failure::from(error).while_doing("failed to list event streams"))?;
    if streams.is_empty() {
        return Err(Failure::refused(format!("No event streams available. {EMPTY_HINT}")));
    }
    let choices = streams.iter().map(|stream| Choice::named(stream, "id", "name")).collect();
    session.asking().choice(None, "the id of an event stream", "Event stream", choices).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_within_its_segment() {
        assert_eq!(path("est_1"), "event-streams/est_1");
        assert_eq!(path("../users?x=#"), "event-streams/%2E%2E%2Fusers%3Fx%3D%23");
    }

    #[test]
    fn a_stream_that_lacks_members_has_empty_cells() {
        let document = Document::parse(r#"{"id":"est_1","destination":{"type":"webhook"}}"#).unwrap();
        assert_eq!(Stream(&document).cells(), ["est_1", "", "webhook", "", "", ""].map(str::to_owned));
    }
}
