//! What the events about a connection say of its options: for each strategy a list of members, none of them secret.
//! What is not listed is left out, and what is listed must have its form, because the event's object is closed
//! (event-types.md, 23 to 25).

mod listed;

use serde_json::{Map, Value};

use self::listed::Form::{self, Flag, Object, Open, Text, Texts, Word, Words};
use self::listed::{Member, lists_of};
use super::{ConnectionOptions, Strategy};

/// An option that does not have its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionFault {
    /// The members that lead to it, from the options on: `oidc_metadata.issuer`. Empty for the options themselves.
    pub place: String,
    /// What is wrong, in the contract's words.
    pub reason: String,
}

/// What the events about a connection with this strategy say of its options; nothing if there is nothing to say.
pub(super) fn event_options(strategy: Strategy, options: &ConnectionOptions) -> Option<Map<String, Value>> {
    let lists = lists_of(strategy)?;
    let said = project(lists.iter().copied().flatten(), &options.shown());
    (!said.is_empty()).then_some(said)
}

/// The first option that is not as an event would have to say it. Options that are empty say nothing.
pub fn option_fault(strategy: Strategy, options: &ConnectionOptions) -> Option<OptionFault> {
    if options.is_empty() {
        return None;
    }
    let lists = lists_of(strategy)?;
    fault_in(lists.iter().copied().flatten(), options.expose(), "")
}

fn project<'a>(members: impl Iterator<Item = &'a Member>, given: &Map<String, Value>) -> Map<String, Value> {
    let said = members.filter_map(|member| {
        let value = given.get(member.name).filter(|value| !value.is_null())?;
        let value = match (member.form, value) {
            (Object(inner), Value::Object(given)) => Value::Object(project(inner.iter(), given)),
            _ => value.clone(),
        };
        Some((member.name.to_owned(), value))
    });
    said.collect()
}

fn fault_in<'a>(
    members: impl Iterator<Item = &'a Member>,
    given: &Map<String, Value>,
    place: &str,
) -> Option<OptionFault> {
    for member in members {
        let at = if place.is_empty() { member.name.to_owned() } else { format!("{place}.{}", member.name) };
        match given.get(member.name) {
            None | Some(Value::Null) if member.required => {
                let reason = format!("Missing required property: {}", member.name);
                return Some(OptionFault { place: place.to_owned(), reason });
            }
            None | Some(Value::Null) => {}
            Some(value) => {
                if let Some(fault) = fault_of(member.form, value, at) {
                    return Some(fault);
                }
            }
        }
    }
    None
}

fn fault_of(form: Form, value: &Value, place: String) -> Option<OptionFault> {
    let wrong = |reason: String| Some(OptionFault { place: place.clone(), reason });
    let expected = |name: &str| wrong(format!("Expected type {name}"));
    match (form, value) {
        (Text, Value::String(_)) | (Flag, Value::Bool(_)) | (Open, Value::Object(_)) => None,
        (Word(words), Value::String(given)) if words.contains(&given.as_str()) => None,
        (Word(words), Value::String(_)) => wrong(format!("Expected one of: {}", words.join(", "))),
        (Object(inner), Value::Object(given)) => fault_in(inner.iter(), given, &place),
        (Texts, Value::Array(items)) if items.iter().all(Value::is_string) => None,
        (Words(words), Value::Array(items)) => {
            let is_known = |item: &Value| item.as_str().is_some_and(|given| words.contains(&given));
            if items.iter().all(is_known) { None } else { wrong(format!("Expected only: {}", words.join(", "))) }
        }
        (Texts, Value::Array(_)) => wrong("Expected items of type string".to_owned()),
        (Text | Word(_), _) => expected("string"),
        (Flag, _) => expected("boolean"),
        (Texts | Words(_), _) => expected("array"),
        (Object(_) | Open, _) => expected("object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn strategy(name: &str) -> Strategy {
        Strategy::from_name(name).unwrap()
    }

    fn options(value: Value) -> ConnectionOptions {
        ConnectionOptions::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn only_what_is_listed_is_said() {
        let given = options(json!({
            "client_id": "c", "client_secret": "hush", "scope": "openid", "x": 1, "icon_url": null,
            "connection_settings": {"pkce": "auto", "y": 2}, "upstream_params": {"z": {"alias": "z"}},
        }));
        let said = json!({
            "client_id": "c", "scope": "openid", "connection_settings": {"pkce": "auto"},
            "upstream_params": {"z": {"alias": "z"}},
        });
        assert_eq!(event_options(strategy("oidc"), &given).map(Value::Object), Some(said));
        assert_eq!(event_options(strategy("auth0"), &given), None);
        assert_eq!(event_options(strategy("ad"), &options(json!({"client_secret": "hush"}))), None);
    }

    #[test]
    fn faults_name_their_place() {
        let fault =
            |name, given: Value| option_fault(strategy(name), &options(given)).map(|fault| (fault.place, fault.reason));
        let is = |place: &str, reason: &str| Some((place.to_owned(), reason.to_owned()));
        assert_eq!(fault("okta", json!({})), None);
        assert_eq!(fault("okta", json!({"domain": "x"})), is("", "Missing required property: client_id"));
        assert_eq!(fault("waad", json!({"client_id": "c", "scope": "x"})), is("scope", "Expected type array"));
        assert_eq!(
            fault("google-apps", json!({"client_id": "c", "scope": [1]})),
            is("scope", "Expected items of type string")
        );
        assert_eq!(
            fault("samlp", json!({"digestAlgorithm": "md5"})),
            is("digestAlgorithm", "Expected one of: sha1, sha256")
        );
        assert_eq!(
            fault("oidc", json!({"client_id": "c", "oidc_metadata": {"issuer": 1}})),
            is("oidc_metadata", "Missing required property: authorization_endpoint")
        );
        assert_eq!(fault("ad", json!({"ips": null, "certs": ["c"]})), None);
        assert_eq!(fault("github", json!({"client_id": 5})), None);
    }
}
