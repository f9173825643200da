//! A reader of the Events API, frame by frame.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use domain::account::DEFAULT_TENANT;
use domain::event::Seq;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::{Log, Offsets, State, TenantKeys};
use tower::ServiceExt;

use crate::described::{check, description};
use crate::record;
use crate::server::{Reply, Server};

pub(crate) const PATH: &str = "/api/v2/events";
pub(crate) const GREETING: [&str; 2] = [":connected", "retry: 2000"];
const SOON: Duration = Duration::from_secs(30);

/// What the server sends, cut at its blank lines.
pub(crate) struct Reading {
    pub(crate) headers: HeaderMap,
    body: Body,
    text: String,
}

/// A message with its three lines.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

impl Message {
    fn read(frame: &str) -> Option<Self> {
        let mut lines = frame.lines();
        let event = lines.next()?.strip_prefix("event: ")?.to_owned();
        let mut line = lines.next()?;
        let mut id = "";
        if let Some(given) = line.strip_prefix("id: ") {
            (id, line) = (given, lines.next()?);
        }
        let data = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
        lines.next().is_none().then_some(Self { event, id: id.to_owned(), data })
    }
}

impl Reading {
    /// The next frame, without the blank line after it; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(frame);
            }
            match tokio::time::timeout(SOON, self.body.frame()).await.expect("something comes, or the end") {
                Some(part) => {
                    let part = part.unwrap().into_data().unwrap();
                    self.text.push_str(std::str::from_utf8(&part).unwrap());
                }
                None => {
                    assert_eq!(self.text, "", "the answer ends with a whole frame");
                    return None;
                }
            }
        }
    }

    /// The next message; comments are passed over.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        loop {
            let frame = self.frame().await?;
            if !frame.starts_with(':') && !frame.starts_with("retry:") {
                return Some(Message::read(&frame).unwrap_or_else(|| panic!("not a message: {frame:?}")));
            }
        }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Message {
        loop {
            let message = self.message().await.expect("an event comes");
            assert_ne!(message.event, "error", "{message:?}");
            if message.event != "offset-only" {
                assert_eq!(message.data["offset"], message.id);
                return message;
            }
        }
    }

    /// The ids of the next events.
    pub(crate) async fn event_ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            ids.push(self.event().await.data["event"]["id"].as_str().unwrap().to_owned());
        }
        ids
    }
}

impl Server {
    /// Makes and reads the default tenant's offsets, as the server does.
    async fn offsets(&self) -> Offsets {
        let tenant = self.store.tenant_ensure(DEFAULT_TENANT).await.unwrap().id;
        Offsets::new(&self.store.offset_key(tenant))
    }

    /// The offset of a position that follows an event.
    pub(crate) async fn offset(&self, position: u64) -> String {
        self.offsets().await.after_event(Seq(position - 1))
    }

    /// The position of an offset.
    pub(crate) async fn position(&self, offset: &str) -> u64 {
        self.offsets().await.read(offset).unwrap().0
    }

    /// The next position of the log.
    pub(crate) fn end(&self) -> u64 {
        self.store.heads().borrow().log.0
    }

    /// Connects; what is answered instead, if it is refused.
    pub(crate) async fn try_subscribe_with(&self, query: &str, headers: &[(&str, &str)]) -> Result<Reading, Reply> {
        self.try_subscribe_as(&self.token, query, headers).await
    }

    pub(crate) async fn try_subscribe_as(
        &self,
        token: &str,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<Reading, Reply> {
        let mut request = Request::get(format!("{PATH}{query}")).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        if parts.status == StatusCode::OK {
            record::note(&["answer", "GET", PATH, parts.status.as_str()]);
            return Ok(Reading { headers: parts.headers, body, text: String::new() });
        }
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        check(description(&self.router).await, "GET", PATH, &reply);
        Err(reply)
    }

    /// Connects.
    pub(crate) async fn subscribe(&self, query: &str) -> Reading {
        self.subscribe_with(query, &[]).await
    }

    pub(crate) async fn subscribe_with(&self, query: &str, headers: &[(&str, &str)]) -> Reading {
        match self.try_subscribe_with(query, headers).await {
            Ok(reading) => reading,
            Err(reply) => panic!("{}: {}", reply.status, reply.text()),
        }
    }

    /// The answer to somebody who is refused.
    pub(crate) async fn refused(&self, query: &str, headers: &[(&str, &str)]) -> Reply {
        match self.try_subscribe_with(query, headers).await {
            Ok(_) => panic!("{query:?} {headers:?} is not refused"),
            Err(reply) => reply,
        }
    }

    /// Publishes so many events of a type, in batches; answers their ids.
    pub(crate) async fn raise(&self, event_type: &str, count: usize) -> Vec<String> {
        let (kind, _) = event_type.split_once('.').unwrap();
        let id = if kind == "user" { "user_id" } else { "id" };
        let first = self.end();
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let batch: Vec<Value> = (ids.len()..count.min(ids.len() + 1000))
                .map(|number| {
                    json!({
                        "specversion": "1.0", "type": event_type, "source": "urn:test",
                        "id": format!("{first}-{number}"), "data": {"object": {id: "1"}},
                    })
                })
                .collect();
            let request = Request::post(PATH)
                .header("authorization", format!("Bearer {}", self.token))
                .header("content-type", "application/cloudevents-batch+json");
            let answer = self.send(request.body(Body::from(json!(batch).to_string())).unwrap()).await.expect(202);
            ids.extend(serde_json::from_value::<Vec<String>>(answer["ids"].clone()).unwrap());
        }
        ids
    }
}
