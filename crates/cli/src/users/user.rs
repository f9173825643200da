//! A user as commands show one.

use crate::document::Document;
use crate::entity::Entity;
use crate::exit::Failure;
use crate::output::{Format, Listing};
use crate::session::Session;

/// How users are spoken of.
pub(crate) const USERS: Entity = Entity {
    one: "user",
    many: "users",
    path: "users",
    id: "user_id",
    name: "email",
    hint: "Use 'headwater users create' to add one",
};

/// What a user is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KnownBy {
    Email,
    EmailAndUsername,
    PhoneNumber,
}

/// A user, as the server told of them.
#[derive(Debug)]
pub(super) struct User<'a>(pub(super) &'a Document);

impl User<'_> {
    /// The connections of all identities.
    fn connections(&self) -> String {
        let identities = self.0.value()["identities"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<&str> = identities.iter().filter_map(|each| each["connection"].as_str()).collect();
        names.join(", ")
    }

    pub(super) fn rows(&self, known_by: KnownBy) -> Vec<(&'static str, String)> {
        let text = |member| self.0.member(member).to_owned();
        let contact = match known_by {
            KnownBy::PhoneNumber => ("PHONE-NUMBER", text("phone_number")),
            KnownBy::Email | KnownBy::EmailAndUsername => ("EMAIL", text("email")),
        };
        let mut rows = vec![("ID", text("user_id")), contact, ("CONNECTION", self.connections())];
        if known_by == KnownBy::EmailAndUsername {
            rows.push(("USERNAME", text("username")));
        }
        rows
    }

    /// What this user has.
    pub(super) fn known_by(&self) -> KnownBy {
        let has = |name| !self.0.member(name).is_empty();
        match (has("email"), has("username"), has("phone_number")) {
            (_, true, _) => KnownBy::EmailAndUsername,
            (false, false, true) => KnownBy::PhoneNumber,
            (..) => KnownBy::Email,
        }
    }

    /// Id, e-mail address (a phone number where there is none), connection.
    fn cells(&self) -> Vec<String> {
        let known_by = if self.known_by() == KnownBy::PhoneNumber { KnownBy::PhoneNumber } else { KnownBy::Email };
        self.rows(known_by).into_iter().map(|(_, cell)| cell).collect()
    }
}

/// Shows a list of users.
pub(super) fn show_users(session: &Session, format: Format, users: &[Document]) -> Result<(), Failure> {
    let listing = Listing {
        resource: USERS.many,
        hint: USERS.hint,
        columns: &["UserID", "Email", "Connection"],
        rows: users.iter().map(|user| User(user).cells()).collect(),
        documents: users,
    };
    session.show_list(format, &listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(text: &str) -> Vec<(&'static str, String)> {
        let user = Document::parse(text).unwrap();
        User(&user).rows(User(&user).known_by())
    }

    #[test]
    fn a_user_is_shown_by_what_there_is() {
        let of = |rows: [(&'static str, &str); 3]| rows.map(|(label, value)| (label, value.to_owned())).to_vec();
        let text = r#"{"user_id":"sms|1","phone_number":"+1","identities":[{"connection":"sms"},{"connection":"db"}]}"#;
        assert_eq!(rows_of(text), of([("ID", "sms|1"), ("PHONE-NUMBER", "+1"), ("CONNECTION", "sms, db")]));
        assert_eq!(rows_of("{}"), of([("ID", ""), ("EMAIL", ""), ("CONNECTION", "")]));
        let rows = rows_of(r#"{"email":"a@b.c","username":"ab"}"#);
        assert_eq!(rows[3], ("USERNAME", "ab".to_owned()));
    }
}
