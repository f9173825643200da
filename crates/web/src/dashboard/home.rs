//! `GET /`: where people begin.

use askama::Template;
use domain::operator::OperatorRole;
use store::Page;

use super::error::PageAnswer;
use super::layout::{Layout, Section, page};
use super::operator::SignedIn;

/// The way to a first delivered event.
#[derive(Template)]
#[template(path = "dashboard/first_run.html")]
struct FirstRun {
    layout: Layout,
    url: String,
    /// How many of the steps are done, in order.
    done: usize,
    may_change: bool,
}

impl FirstRun {
    /// `done`, `now` or `next`.
    fn step(&self, number: usize) -> &'static str {
        match number.cmp(&(self.done + 1)) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "next",
        }
    }

    fn lede(&self) -> &'static str {
        match self.done {
            1 => "One of five steps is done. The rest takes about a minute.",
            2 => "Two of five steps are done. The rest takes about a minute.",
            3 => "Three of five steps are done.",
            _ => "Four of five steps are done. What is missing is a delivery.",
        }
    }
}

/// The first steps.
pub(super) async fn home(signed_in: SignedIn) -> PageAnswer {
    let operator = signed_in.at_least(OperatorRole::Viewer)?;
    let (state, tenant) = (operator.state(), operator.tenant());
    let has_application = !state.client_page(tenant, Page { offset: 0, limit: 1 }).await?.is_empty();
    let has_stream = !state.stream_page(tenant, None, 1).await?.is_empty();
    let has_event = state.wake().borrow().log.0 > 1;
    let steps = [true, has_application, has_stream, has_event];
    let done = steps.into_iter().take_while(|done| *done).count();
    let url = operator.served.public_url.as_str().to_owned();
    let may_change = operator.may(OperatorRole::Operator);
    page(&FirstRun { layout: operator.layout(Section::Streams), url, done, may_change })
}
