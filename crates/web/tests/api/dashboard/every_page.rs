//! What holds for every page there is, and for every one that is added.

use domain::operator::OperatorRole;

use super::browser::{Browser, SITE};
use crate::server::{Reply, Server};

/// What anybody may send, or an operator on their own behalf.
const OPEN: [&str; 4] = ["/preferences", "/sign-in", "/sign-in/{token}", "/sign-out"];

/// The addresses of all pages, with something in place of what varies.
fn paths(method: &str) -> Vec<(&'static str, String)> {
    let pages = web::pages().into_iter().filter(|page| page.method == method);
    let filled = |path: &str| {
        path.split('/').map(|part| if part.starts_with('{') { "unknown" } else { part }).collect::<Vec<_>>().join("/")
    };
    pages.map(|page| (page.path, filled(page.path))).collect()
}

#[track_caller]
fn assert_guarded(path: &str, reply: &Reply) {
    let expected = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    assert_eq!(reply.header("content-security-policy"), Some(expected), "{path}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
    assert_eq!(reply.header("referrer-policy"), Some("same-origin"), "{path}");
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
}

/// Whether a tag of the page has an attribute that begins so.
fn has_attribute(html: &str, begin: &str) -> bool {
    let tags = html.split('<').skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
    tags.into_iter().any(|tag| tag.split_whitespace().skip(1).any(|part| part.starts_with(begin)))
}

#[tokio::test]
async fn no_page_has_anything_inline_or_from_elsewhere() {
    let server = Server::start().await;
    let browser = Browser::signed_in(&server, OperatorRole::Owner).await;
    let nobody = Browser::new(&server);
    for (_, path) in paths("GET") {
        for reply in [browser.get(&path).await, nobody.get(&path).await] {
            assert_guarded(&path, &reply);
            let html = reply.text();
            if !html.starts_with("<!doctype html>") {
                continue;
            }
            for begin in ["style=", "onclick=", "onload=", "onerror=", "onsubmit=", "onchange="] {
                assert!(!has_attribute(html, begin), "{path} has {begin}");
            }
            assert!(!html.contains("<style") && !html.contains("javascript:"), "{path}");
            let scripts = html.matches("<script").count();
            assert_eq!(scripts, html.matches(r#"<script src="/assets/"#).count(), "{path} has a script of its own");
            assert!(
                !has_attribute(html, "src=\"http") && !html.contains("<link rel=\"stylesheet\" href=\"http"),
                "{path}"
            );
            assert_eq!(html.matches("<h1").count(), 1, "{path} has one heading of the first level");
            assert!(html.contains(" · Headwater</title>"), "{path}");
        }
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to() {
    let server = Server::start().await;
    let nobody = Browser::new(&server);
    for (page, path) in paths("GET") {
        if OPEN.contains(&page) {
            continue;
        }
        let reply = nobody.get(&path).await;
        assert_eq!(reply.status.as_u16(), 303, "{path}");
        let location = reply.header("location").unwrap();
        assert!(location.starts_with("/sign-in"), "{path}: {location}");
    }
    for (page, path) in paths("POST") {
        if OPEN.contains(&page) && page != "/sign-out" {
            continue;
        }
        let reply = nobody.post_from(&path, &[], Some(SITE)).await;
        assert_eq!(reply.header("location"), Some("/sign-in"), "{path}");
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let server = Server::start().await;
    let browser = Browser::signed_in(&server, OperatorRole::Owner).await;
    let token = browser.form_token().await;
    let right = [("form_token", token.as_str())];
    for (_, path) in paths("POST") {
        for origin in [None, Some("https://evil.example"), Some("null"), Some("http://acme.example:8443.evil.example")]
        {
            let reply = browser.post_from(&path, &right, origin).await;
            assert_eq!(reply.status.as_u16(), 403, "{path} from {origin:?}");
            assert!(reply.text().contains("does not come from your present session"), "{path}");
            assert_guarded(&path, &reply);
        }
        for wrong in [&[][..], &[("form_token", "")], &[("form_token", "x")]] {
            let reply = browser.post_from(&path, wrong, Some(SITE)).await;
            assert_eq!(reply.status.as_u16(), 403, "{path} with {wrong:?}");
        }
    }
    assert_eq!(browser.get("/").await.status.as_u16(), 200, "the session is still there");
}

#[tokio::test]
async fn a_viewer_changes_nothing() {
    let server = Server::start().await;
    let viewer = Browser::signed_in(&server, OperatorRole::Viewer).await;
    for (page, path) in paths("POST") {
        if OPEN.contains(&page) || page.starts_with("/account") {
            continue;
        }
        let reply = viewer.post(&path, &[]).await;
        assert_eq!(reply.status.as_u16(), 403, "{path}: {}", reply.text());
        assert!(reply.text().contains("Your role does not allow this"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_to_people_and_to_programs() {
    let server = Server::start().await;
    let browser = Browser::signed_in(&server, OperatorRole::Viewer).await;
    let page = browser.get("/nowhere").await;
    assert_eq!(page.status.as_u16(), 404);
    assert!(page.text().contains("There is no page here") && page.text().contains("<nav"), "{}", page.text());
    assert_guarded("/nowhere", &page);
    let gate = Browser::new(&server).get("/nowhere").await;
    assert!(gate.status.as_u16() == 404 && !gate.text().contains("<nav"), "{}", gate.text());
    assert_eq!(browser.get("/api/v2/nowhere").await.expect(404)["message"], "Not Found");
    assert_eq!(server.call("GET", "/nowhere").await.expect(404)["message"], "Not Found");
    assert_eq!(browser.get("/sign-out").await.status.as_u16(), 405);
}

#[tokio::test]
async fn assets_are_kept_by_browsers_and_pages_name_their_version() {
    let server = Server::start().await;
    let nobody = Browser::new(&server);
    let page = nobody.page("/sign-in").await;
    for name in ["tokens.css", "app.css", "app.js", "mark.svg"] {
        let end = page.find(&format!("/{name}\"")).unwrap_or_else(|| panic!("the page names {name}"));
        let begin = page[..end].rfind('"').unwrap() + 1;
        let path = format!("{}/{name}", &page[begin..end]);
        let asset = nobody.get(&path).await;
        assert_eq!(asset.status.as_u16(), 200, "{path}");
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
        let other = nobody.get(&format!("/assets/0123456789abcdef/{name}")).await;
        assert_eq!(other.status.as_u16(), 404, "another version is not there");
    }
}

#[tokio::test]
async fn the_theme_is_kept_by_the_browser() {
    let server = Server::start().await;
    let nobody = Browser::new(&server);
    let reply = nobody.post_from("/preferences", &[("theme", "dark")], Some(SITE)).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, Some("/")));
    assert!(nobody.page("/sign-in").await.contains(r#"<html lang="en" data-theme="dark">"#));
    nobody.post_from("/preferences", &[("theme", "system")], Some(SITE)).await;
    assert!(nobody.page("/sign-in").await.contains(r#"<html lang="en">"#));
}
