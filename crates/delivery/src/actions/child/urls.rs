//! What `URL` and `URLSearchParams` are made of, as JSON.

use serde_json::{Value, json};
use url::{Url, form_urlencoded, quirks};

/// The parts of a URL; `None` if it is none.
pub(super) fn parse(text: &str, base: Option<&str>) -> Option<String> {
    let base = base.map(Url::parse).transpose().ok()?;
    let url = Url::options().base_url(base.as_ref()).parse(text).ok()?;
    Some(parts(&url).to_string())
}

/// The parts of `href` with one of them changed; `None` if it stays as it is.
pub(super) fn set(href: &str, part: &str, value: &str) -> Option<String> {
    let mut url = Url::parse(href).ok()?;
    match part {
        "protocol" => quirks::set_protocol(&mut url, value).ok()?,
        "username" => quirks::set_username(&mut url, value).ok()?,
        "password" => quirks::set_password(&mut url, value).ok()?,
        "host" => quirks::set_host(&mut url, value).ok()?,
        "hostname" => quirks::set_hostname(&mut url, value).ok()?,
        "port" => quirks::set_port(&mut url, value).ok()?,
        "pathname" => quirks::set_pathname(&mut url, value),
        "search" => quirks::set_search(&mut url, value),
        "hash" => quirks::set_hash(&mut url, value),
        _ => return None,
    }
    Some(parts(&url).to_string())
}

fn parts(url: &Url) -> Value {
    json!({
        "href": quirks::href(url),
        "origin": quirks::origin(url),
        "protocol": quirks::protocol(url),
        "username": quirks::username(url),
        "password": quirks::password(url),
        "host": quirks::host(url),
        "hostname": quirks::hostname(url),
        "port": quirks::port(url),
        "pathname": quirks::pathname(url),
        "search": quirks::search(url),
        "hash": quirks::hash(url),
    })
}

/// The pairs of a form.
pub(super) fn form_parse(text: &str) -> String {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    json!(pairs).to_string()
}

/// A form of such pairs.
pub(super) fn form_serialize(pairs: &str) -> String {
    let pairs: Vec<(String, String)> = serde_json::from_str(pairs).unwrap_or_default();
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(parts: Option<String>, name: &str) -> Value {
        serde_json::from_str::<Value>(&parts.unwrap()).unwrap()[name].clone()
    }

    #[test]
    fn urls_are_those_of_the_web() {
        assert_eq!(
            part(parse("../b?x=1#y", Some("https://h.example:8443/a/c")), "href"),
            "https://h.example:8443/b?x=1#y"
        );
        assert_eq!(parse("not a url", None), None);
        assert_eq!(part(set("https://h.example/a", "host", "i.example:81"), "origin"), "https://i.example:81");
        assert_eq!(part(set("https://h.example/a", "search", "q=ü"), "search"), "?q=%C3%BC");
    }

    #[test]
    fn forms() {
        assert_eq!(form_parse("a=1&b=x+y"), r#"[["a","1"],["b","x y"]]"#);
        assert_eq!(form_serialize(r#"[["a","1"],["b","x y"]]"#), "a=1&b=x+y");
    }
}
