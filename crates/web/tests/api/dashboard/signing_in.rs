//! Coming and going.

use std::time::Duration;

use domain::operator::OperatorRole;
use store::{OperatorChange, Operators, State};

use super::browser::{Browser, SITE, link_for, operator};
use crate::server::{IDLE_MAX, Server};

const PASSWORD: &str = "a long and unusual one";
const SESSION: &str = "__Host-headwater_session";

/// A server with an operator who has a password.
async fn house() -> Server {
    let server = Server::start().await;
    let ops = operator(&server, "ops@acme.example", OperatorRole::Operator).await;
    let tenant = server.store.tenant_ensure("default").await.unwrap().id;
    let hash = web::password_hash(PASSWORD, &crate::server::SystemEntropy).unwrap();
    let set = server.store.operator_set_password(tenant, &ops.id, hash).await.unwrap();
    assert_eq!(set, OperatorChange::Done);
    server
}

fn typed<'a>(email: &'a str, password: &'a str) -> [(&'a str, &'a str); 3] {
    [("email", email), ("password", password), ("to", "/events?type=user.created")]
}

#[tokio::test]
async fn with_a_password_and_back_to_where_one_was() {
    let server = house().await;
    let browser = Browser::new(&server);
    let asked = browser.get("/nowhere-yet?x=1").await;
    assert_eq!(asked.status.as_u16(), 404, "what is not there needs nobody to be signed in");
    assert_eq!(browser.get("/").await.header("location"), Some("/sign-in"));
    let page = browser.page("/sign-in?to=%2Fevents%3Ftype%3Duser.created").await;
    assert!(page.contains(r#"name="to" value="/events?type=user.created""#), "{page}");
    let reply = browser.post_from("/sign-in", &typed(" OPS@acme.example", PASSWORD), Some(SITE)).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, Some("/events?type=user.created")));
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.starts_with(SESSION) && cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let home = browser.page("/").await;
    assert!(home.contains("ops@acme.example") && home.contains("Operator"), "{home}");
    assert_eq!(browser.get("/sign-in").await.header("location"), Some("/"), "who is signed in need not");
}

#[tokio::test]
async fn nobody_is_told_what_of_it_is_wrong() {
    let server = house().await;
    let browser = Browser::new(&server);
    let mut said = Vec::new();
    for (email, password) in [("ops@acme.example", "wrong"), ("nobody@acme.example", PASSWORD), ("ops", PASSWORD)] {
        let reply = browser.post_from("/sign-in", &typed(email, password), Some(SITE)).await;
        assert_eq!(reply.status.as_u16(), 422);
        assert!(reply.text().contains(&format!(r#"value="{email}""#)), "what was typed is kept");
        assert!(!reply.text().contains(PASSWORD), "but no password");
        said.push(reply.text().replace(email, "…"));
        assert_eq!(browser.cookie(SESSION), None);
    }
    assert!(said[0] == said[1] && said[1] == said[2] && said[0].contains("do not match"));
}

#[tokio::test]
async fn tries_are_limited() {
    let server = house().await;
    let browser = Browser::new(&server);
    for _ in 0..10 {
        let reply = browser.post_from("/sign-in", &typed("ops@acme.example", "wrong"), Some(SITE)).await;
        assert_eq!(reply.status.as_u16(), 422);
    }
    let reply = browser.post_from("/sign-in", &typed("ops@acme.example", PASSWORD), Some(SITE)).await;
    assert_eq!(reply.status.as_u16(), 429, "{}", reply.text());
    assert!(reply.text().contains("too many tries"));
    server.clock.advance(Duration::from_secs(15));
    let reply = browser.post_from("/sign-in", &typed("ops@acme.example", PASSWORD), Some(SITE)).await;
    assert_eq!(reply.status.as_u16(), 303, "after a while there is another one");
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_by_its_button() {
    let server = house().await;
    let owner = operator(&server, "dev@localhost", OperatorRole::Owner).await;
    let link = link_for(&server, &owner).await;
    let (first, second) = (Browser::new(&server), Browser::new(&server));
    for _ in 0..2 {
        let page = first.page(&link).await;
        assert!(page.contains("dev@localhost") && first.cookie(SESSION).is_none(), "looking at it does nothing");
    }
    assert_eq!(first.post(&link, &[]).await.header("location"), Some("/"));
    assert!(first.page("/").await.contains("dev@localhost"));
    let again = second.post(&link, &[]).await;
    assert_eq!(again.header("location"), Some("/sign-in"));
    assert!(second.page("/sign-in").await.contains("does not work any more"));
    assert!(!second.page("/sign-in").await.contains("does not work any more"), "it is reported once");
    let late = link_for(&server, &owner).await;
    server.clock.advance(Duration::from_secs(600));
    assert_eq!(second.post(&late, &[]).await.header("location"), Some("/sign-in"));
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_when_it_is_old_and_when_it_is_ended() {
    let server = house().await;
    let browser = Browser::signed_in(&server, OperatorRole::Viewer).await;
    for _ in 0..14 {
        server.clock.advance(IDLE_MAX - Duration::from_secs(60));
        browser.page("/").await;
    }
    server.clock.advance(IDLE_MAX - Duration::from_secs(60));
    assert_eq!(browser.get("/").await.header("location"), Some("/sign-in"), "a week has gone");
    let browser = Browser::signed_in(&server, OperatorRole::Viewer).await;
    server.clock.advance(IDLE_MAX);
    assert_eq!(browser.get("/").await.header("location"), Some("/sign-in"), "nobody did anything");
    let browser = Browser::signed_in(&server, OperatorRole::Viewer).await;
    let token = browser.cookie(SESSION).unwrap();
    assert_eq!(browser.post("/sign-out", &[]).await.header("location"), Some("/sign-in"));
    assert_eq!(browser.cookie(SESSION), None);
    browser.set_cookie(SESSION, &token);
    assert_eq!(browser.get("/").await.header("location"), Some("/sign-in"), "the server has forgotten it too");
}

#[tokio::test]
async fn nobody_is_sent_to_another_server_after_signing_in() {
    let server = house().await;
    for to in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let fields = [("email", "ops@acme.example"), ("password", PASSWORD), ("to", to)];
        let reply = Browser::new(&server).post_from("/sign-in", &fields, Some(SITE)).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, Some("/")), "{to}");
    }
}

#[tokio::test]
async fn without_operators_the_page_says_how_to_add_one() {
    let server = Server::start().await;
    let page = Browser::new(&server).page("/sign-in").await;
    assert!(page.contains("headwater operators add you@example.com --role owner"), "{page}");
}
