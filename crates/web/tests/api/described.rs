//! Every answer that any test gets is compared with the description of its endpoint: its status, its media type, and
//! its body by the schema. Here is how; [`super::openapi`] looks at the description itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use jsonschema::Validator;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::record;
use crate::server::Reply;

pub(crate) const PATH: &str = "/api/v2/openapi.json";

static DESCRIPTION: OnceLock<Value> = OnceLock::new();

/// The description that `router` serves; it is the same everywhere but for the server's address.
pub(crate) async fn description(router: &Router) -> &'static Value {
    if let Some(known) = DESCRIPTION.get() {
        return known;
    }
    let answer = router.clone().oneshot(Request::get(PATH).body(Body::empty()).unwrap()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    DESCRIPTION.get_or_init(|| {
        if let Some(folder) = record::folder() {
            std::fs::write(folder.join("openapi.json"), &body).unwrap();
        }
        serde_json::from_slice(&body).unwrap()
    })
}

/// The path of the description that a request is for: of those that fit, the one with the fewest blanks.
fn path_of<'d>(description: &'d Value, asked: &str) -> Option<&'d str> {
    let is_blank = |segment: &str| segment.starts_with('{');
    let fits = |path: &str| {
        let (mut given, mut known) = (asked.split('/'), path.split('/'));
        let each_fits = given
            .by_ref()
            .zip(known.by_ref())
            .all(|(given, known)| known == given || (is_blank(known) && !given.is_empty()));
        each_fits && asked.split('/').count() == path.split('/').count()
    };
    let paths = description["paths"].as_object().unwrap().keys().map(String::as_str).filter(|path| fits(path));
    paths.min_by_key(|path| path.split('/').filter(|segment| is_blank(segment)).count())
}

/// The description of an answer, wherever it is written.
fn resolved<'d>(description: &'d Value, found: &'d Value) -> &'d Value {
    match found["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap(),
        None => found,
    }
}

fn validator(description: &Value, schema: &Value) -> Arc<Validator> {
    static KNOWN: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap();
    let made = known.entry(schema.to_string()).or_insert_with(|| {
        let mut root = schema.clone();
        root["components"] = json!({"schemas": description["components"]["schemas"]});
        Arc::new(jsonschema::options().should_validate_formats(true).build(&root).unwrap())
    });
    Arc::clone(made)
}

/// Checks an answer. A path or a method that is not served is not described.
#[track_caller]
pub(crate) fn check(description: &Value, method: &str, asked: &str, reply: &Reply) {
    let Some(path) = path_of(description, asked) else { return };
    let Some(operation) = description["paths"][path].get(method.to_ascii_lowercase()) else { return };
    record::note(&["answer", method, path, reply.status.as_str()]);
    let place = format!("{method} {path} answers {}", reply.status.as_u16());
    let answer = operation["responses"].get(reply.status.as_str());
    let answer = resolved(description, answer.unwrap_or_else(|| panic!("{place}, which is not described")));
    for (name, header) in answer["headers"].as_object().into_iter().flatten() {
        let is_required = resolved(description, header)["required"] == true;
        assert!(!is_required || reply.header(name).is_some(), "{place} without {name}");
    }
    let Some(content) = answer.get("content") else {
        assert!(reply.body.is_empty(), "{place} with a body, which is not described: {}", reply.text());
        return;
    };
    let media_type = reply.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let schema = content.get(media_type).unwrap_or_else(|| panic!("{place} as {media_type}, which is not described"));
    let body = reply.json();
    let errors: Vec<String> =
        validator(description, &schema["schema"]).iter_errors(&body).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{place} otherwise than described: {errors:?}\n{body:#}");
}
