//! Searching for users: the part of the Lucene syntax that the contract asks for, and what it is compared with.
//!
//! A search looks at the document that users are answered with, so every member can be searched for by its path
//! (`app_metadata.plan`). Texts are compared without regard to case.

mod parser;

use std::cmp::Ordering;

use serde_json::Value;

pub use parser::SearchFault;

/// The members that a term without a member is looked for in.
const PLAIN_TERM_PATHS: &[&str] =
    &["email", "name", "nickname", "given_name", "family_name", "username", "phone_number", "user_id"];

/// What `q` says.
#[derive(Clone, Debug, PartialEq)]
pub struct UserQuery(Condition);

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Term(Term),
}

/// Something that a member must be; without a path, one of the usual ones.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    path: Option<String>,
    matcher: Matcher,
}

#[derive(Clone, Debug, PartialEq)]
enum Matcher {
    /// This text, in lower case.
    Text(String),
    /// These parts in this order, in lower case, with anything between them.
    Parts(Vec<String>),
    /// Within these bounds.
    Range(Bound, Bound),
    /// Anything.
    Exists,
}

#[derive(Clone, Debug, PartialEq)]
enum Bound {
    Open,
    Inclusive(String),
    Exclusive(String),
}

impl UserQuery {
    /// Reads `q`.
    ///
    /// # Errors
    /// [`SearchFault`] with what was expected, and where.
    pub fn parse(text: &str) -> Result<Self, SearchFault> {
        parser::parse(text).map(Self)
    }

    /// Whether a user's document is what is looked for.
    pub fn matches(&self, document: &Value) -> bool {
        self.0.holds(document)
    }

    /// The one e-mail address that whoever is found must have, if the query says so: it can be looked up.
    pub fn email(&self) -> Option<&str> {
        self.0.email()
    }
}

impl Condition {
    fn holds(&self, document: &Value) -> bool {
        match self {
            Self::All(all) => all.iter().all(|each| each.holds(document)),
            Self::Any(any) => any.iter().any(|each| each.holds(document)),
            Self::Not(not) => !not.holds(document),
            Self::Term(term) => term.holds(document),
        }
    }

    fn email(&self) -> Option<&str> {
        match self {
            Self::All(all) => all.iter().find_map(Self::email),
            Self::Term(Term { path: Some(path), matcher: Matcher::Text(text) }) if path == "email" => Some(text),
            _ => None,
        }
    }
}

impl Term {
    fn holds(&self, document: &Value) -> bool {
        let is_at = |path: &str| any_at(document, path, &|value| self.matcher.holds(value));
        match &self.path {
            Some(path) => is_at(path),
            None => PLAIN_TERM_PATHS.iter().any(|path| is_at(path)),
        }
    }
}

/// Whether `holds` is true of a value at a path; a list is looked at entry by entry.
fn any_at(value: &Value, path: &str, holds: &dyn Fn(&Value) -> bool) -> bool {
    if let Value::Array(items) = value {
        return items.iter().any(|item| any_at(item, path, holds));
    }
    if path.is_empty() {
        return holds(value);
    }
    let Value::Object(members) = value else { return false };
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    // A key that its owner chose may have dots in it.
    members.get(name).is_some_and(|member| any_at(member, rest, holds))
        || (!rest.is_empty() && members.get(path).is_some_and(|member| any_at(member, "", holds)))
}

impl Matcher {
    fn holds(&self, value: &Value) -> bool {
        let text = match value {
            Value::Null => return false,
            Value::Object(_) | Value::Array(_) => return *self == Self::Exists,
            Value::String(text) => text.to_lowercase(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
        };
        match self {
            Self::Exists => true,
            Self::Text(wanted) => {
                *wanted == text || value.as_f64().is_some_and(|number| wanted.parse::<f64>() == Ok(number))
            }
            Self::Parts(parts) => has_parts(&text, parts),
            Self::Range(low, high) => {
                low.allows(value, &text, Ordering::Greater) && high.allows(value, &text, Ordering::Less)
            }
        }
    }
}

/// Whether `text` begins with the first part, ends with the last, and has the others in order between.
fn has_parts(text: &str, parts: &[String]) -> bool {
    let [first, middle @ .., last] = parts else { return false };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        match rest.find(part.as_str()) {
            Some(found) => rest = &rest[found + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

impl Bound {
    /// Whether a value lies on the side `side` of this bound.
    fn allows(&self, value: &Value, text: &str, side: Ordering) -> bool {
        let (bound, is_inclusive) = match self {
            Self::Open => return true,
            Self::Inclusive(bound) => (bound, true),
            Self::Exclusive(bound) => (bound, false),
        };
        let order = match (value.as_f64(), bound.parse::<f64>()) {
            (Some(number), Ok(bound)) => number.partial_cmp(&bound),
            (Some(_), Err(_)) => None,
            (None, _) => Some(text.cmp(bound)),
        };
        order.is_some_and(|order| order == side || (is_inclusive && order == Ordering::Equal))
    }
}

/// What `sort` says: a member, and in which direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSort {
    path: String,
    is_descending: bool,
}

impl UserSort {
    /// Reads `field:1` or `field:-1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, direction) = text.rsplit_once(':')?;
        let is_descending = match direction {
            "1" => false,
            "-1" => true,
            _ => return None,
        };
        let is_path = !path.is_empty() && path.split('.').all(|name| !name.is_empty());
        is_path.then(|| Self { path: path.to_owned(), is_descending })
    }

    /// The value that a document is sorted by.
    pub fn key(&self, document: &Value) -> SortKey {
        let found = self.path.split('.').try_fold(document, |value, name| value.get(name));
        match found {
            Some(Value::Number(number)) => SortKey::Number(number.as_f64().unwrap_or(f64::NAN)),
            Some(Value::String(text)) => SortKey::Text(text.to_lowercase()),
            Some(Value::Bool(flag)) => SortKey::Text(flag.to_string()),
            _ => SortKey::Missing,
        }
    }

    /// In which order two keys come; who lacks the member comes last, in both directions.
    pub fn order(&self, one: &SortKey, other: &SortKey) -> Ordering {
        let order = match (one, other) {
            (SortKey::Missing, SortKey::Missing) => return Ordering::Equal,
            (SortKey::Missing, _) => return Ordering::Greater,
            (_, SortKey::Missing) => return Ordering::Less,
            (SortKey::Number(one), SortKey::Number(other)) => one.total_cmp(other),
            (SortKey::Text(one), SortKey::Text(other)) => one.cmp(other),
            (SortKey::Number(_), SortKey::Text(_)) => Ordering::Less,
            (SortKey::Text(_), SortKey::Number(_)) => Ordering::Greater,
        };
        if self.is_descending { order.reverse() } else { order }
    }
}

/// What a user is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey {
    /// A number.
    Number(f64),
    /// A text in lower case, also the text of a time.
    Text(String),
    /// The user has no such member.
    Missing,
}

/// Which users are looked for, and in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserSearch {
    /// What they must be; anybody without it.
    pub query: Option<UserQuery>,
    /// The connection that one of their identities must be of.
    pub connection: Option<String>,
    /// In which order they come; oldest first without it.
    pub sort: Option<UserSort>,
}

impl UserSearch {
    /// Whether it neither leaves anybody out nor sorts.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a user's document is what is looked for.
    pub fn matches(&self, document: &Value) -> bool {
        let is_of = |name: &str| any_at(document, "identities.connection", &|value| value.as_str() == Some(name));
        self.query.as_ref().is_none_or(|query| query.matches(document)) && self.connection.as_deref().is_none_or(is_of)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jane() -> Value {
        json!({
            "user_id": "auth0|1", "email": "jane@example.com", "name": "Jane Doe", "email_verified": true,
            "logins_count": 12, "created_at": "2026-01-16T08:50:33.955Z",
            "identities": [{"connection": "db", "provider": "auth0"}, {"connection": "Okta", "provider": "okta"}],
            "app_metadata": {"plan": {"name": "Gold"}, "roles": ["admin", "ops"], "a.b": "dotted"},
        })
    }

    fn finds(text: &str) -> bool {
        UserQuery::parse(text).unwrap().matches(&jane())
    }

    #[test]
    fn terms() {
        for text in [
            r#"email:"jane@example.com""#,
            "email:JANE@example.com",
            r#"name:"jane doe""#,
            "name:jane*",
            "name:*doe",
            "name:j*d*e",
            "name:*",
            "email_verified:true",
            "logins_count:12",
            "logins_count:12.0",
            "logins_count:[10 TO 20]",
            "logins_count:{11 TO *]",
            "created_at:[2026-01-16 TO 2026-01-17}",
            "created_at:[2026-01-16T08:50:33.955Z TO *]",
            "identities.connection:okta",
            "app_metadata.plan.name:gold",
            "app_metadata.roles:ops",
            "app_metadata.a.b:dotted",
            "_exists_:app_metadata.plan",
            "jane*",
            r"user_id:auth0\|1",
            "user_id:auth0|1",
        ] {
            assert!(finds(text), "{text}");
        }
        for text in [
            "email:jane",
            r#"email:"jane*""#,
            "name:doe*",
            "name:e*d*j",
            "nickname:*",
            "logins_count:{12 TO 20]",
            "logins_count:[a TO b]",
            "_exists_:nickname",
            "app_metadata.plan:gold",
            "joe*",
        ] {
            assert!(!finds(text), "{text}");
        }
    }

    #[test]
    fn conditions() {
        let (yes, no) = ("name:jane*", "name:joe*");
        for (text, expected) in [
            (format!("{yes} AND {no}"), false),
            (format!("{yes} OR {no}"), true),
            (format!("NOT {no}"), true),
            (format!("-{yes}"), false),
            (format!("{no} AND {no} OR {yes}"), true),
            (format!("{yes} OR {no} AND {no}"), true),
            (format!("({yes} OR {no}) AND {no}"), false),
            (format!("NOT ({no} OR {no}) AND {yes}"), true),
            (format!("{yes} && !{no}"), true),
            (format!("{no} || {yes}"), true),
        ] {
            assert_eq!(finds(&text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_that_everybody_found_must_have_is_known() {
        let email = |text: &str| UserQuery::parse(text).unwrap().email().map(str::to_owned);
        assert_eq!(email(r#"email:"J@x.com" AND blocked:true"#).as_deref(), Some("j@x.com"));
        assert_eq!(email("(blocked:true AND email:a@b)").as_deref(), Some("a@b"));
        for text in ["email:a@b OR email:c@d", "NOT email:a@b", "email:a*", "name:a"] {
            assert_eq!(email(text), None, "{text}");
        }
    }

    #[test]
    fn sorting() {
        let sort = |text: &str| UserSort::parse(text);
        assert_eq!(sort("email"), None);
        assert_eq!(sort("email:2"), None);
        assert_eq!(sort(":1"), None);
        let (up, down) = (sort("n:1").unwrap(), sort("n:-1").unwrap());
        let keys: Vec<_> =
            [json!({"n": 2}), json!({"n": 10}), json!({"n": "b"}), json!({})].iter().map(|it| up.key(it)).collect();
        for (index, one) in keys.iter().enumerate() {
            for other in &keys[index + 1..] {
                assert_eq!(up.order(one, other), Ordering::Less);
                let expected = if *other == SortKey::Missing { Ordering::Less } else { Ordering::Greater };
                assert_eq!(down.order(one, other), expected);
            }
        }
    }
}
