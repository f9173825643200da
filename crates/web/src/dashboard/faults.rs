//! What is wrong with a form: the API's refusal of the body that it became, tied to the form's fields and put into the
//! words of a page.

use axum::http::StatusCode;

use super::error::PageError;
use crate::error::ApiError;

/// What is wrong with a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// What is wrong with the whole of it.
    whole: Option<String>,
    /// Field, sentence.
    fields: Vec<(String, String)>,
}

impl Faults {
    /// One fault of one field.
    pub(super) fn one(name: &str, sentence: &str) -> Self {
        Self { whole: None, fields: vec![(name.to_owned(), sentence.to_owned())] }
    }

    /// What the API found wrong.
    ///
    /// # Errors
    /// The error, if it is none of what was typed.
    pub(super) fn of(error: PageError) -> Result<Self, PageError> {
        match error {
            PageError::Api(ApiError::Invalid(invalid)) => {
                let (place, sentence) = put_into_words(invalid.place(), invalid.reason());
                if place.is_empty() {
                    return Ok(Self { whole: Some(sentence), fields: Vec::new() });
                }
                Ok(Self { whole: None, fields: vec![(place, sentence)] })
            }
            PageError::Api(error) if is_about_what_was_typed(error.describe().0) => {
                Ok(Self { whole: Some(error.describe().1.into_owned()), fields: Vec::new() })
            }
            other => Err(other),
        }
    }

    /// Whether anything is wrong.
    pub(super) fn are_there(&self) -> bool {
        self.whole.is_some() || !self.fields.is_empty()
    }

    /// What is wrong with the whole of it.
    pub(crate) fn whole(&self) -> Option<&str> {
        self.whole.as_deref()
    }

    /// Fields with a fault, each with its sentence.
    pub(crate) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// What is wrong with a field, or with an entry of it.
    pub(super) fn of_field(&self, name: &str) -> Option<&str> {
        let is_of =
            |place: &str| place == name || place.strip_prefix(name).is_some_and(|rest| rest.starts_with(['[', '.']));
        self.fields.iter().find(|(place, _)| is_of(place)).map(|(_, sentence)| sentence.as_str())
    }
}

const fn is_about_what_was_typed(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::PAYLOAD_TOO_LARGE)
}

/// The place of a fault in the body, and a sentence that says what to do.
fn put_into_words(place: &str, reason: &str) -> (String, String) {
    let at = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    if let Some(name) = reason.strip_prefix("Missing required property: ") {
        return (at(name), "This is needed. Fill it in.".to_owned());
    }
    let sentence = if let Some((_, minimum)) = counted(reason, "String is too short (", "minimum ") {
        format!("This is too short. Use at least {minimum} {}.", characters(minimum))
    } else if let Some((found, maximum)) = counted(reason, "String is too long (", "maximum ") {
        format!("This is too long: {found}. Use at most {maximum} {}.", characters(maximum))
    } else if let Some((_, minimum)) = counted(reason, "Array is too short (", "minimum ") {
        format!("Choose at least {minimum}.")
    } else if let Some((found, maximum)) = counted(reason, "Array is too long (", "maximum ") {
        format!("These are too many: {found}. Choose at most {maximum}.")
    } else if let Some(rest) = reason.strip_prefix("Object didn't pass validation for format ") {
        format!("This has not the form of: {}.", rest.split_once(": ").map_or(rest, |(format, _)| format))
    } else if reason.starts_with("No enum match for: ") {
        "Choose one of those that are offered.".to_owned()
    } else if reason.starts_with("Expected type integer but") {
        "Use a whole number, such as 10.".to_owned()
    } else {
        sentence_of(reason)
    };
    (place.to_owned(), sentence)
}

fn characters(number: &str) -> &'static str {
    if number == "1" { "character" } else { "characters" }
}

/// What a reason such as `String is too short (3 chars), minimum 5` found, and what it expected.
fn counted<'r>(reason: &'r str, begin: &str, limit: &str) -> Option<(&'r str, &'r str)> {
    let (found, rest) = reason.strip_prefix(begin)?.split_once(')')?;
    Some((found, rest.split_once(limit)?.1))
}

fn sentence_of(reason: &str) -> String {
    if reason.ends_with(['.', '!', '?']) { reason.to_owned() } else { format!("{reason}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reader::{Invalid, Part};

    fn faults(reason: &str, place: &str) -> Faults {
        Faults::of(PageError::Api(ApiError::Invalid(Invalid::new(Part::Payload, reason, place, "")))).unwrap()
    }

    #[test]
    fn a_refusal_is_tied_to_its_field() {
        let missing = faults("Missing required property: webhook_endpoint", "destination.configuration");
        assert_eq!(missing.of_field("destination.configuration.webhook_endpoint"), Some("This is needed. Fill it in."));
        assert_eq!(missing.of_field("destination.configuration.webhook"), None);
        let short = faults("String is too short (3 chars), minimum 12", "password");
        assert_eq!(short.of_field("password"), Some("This is too short. Use at least 12 characters."));
        let entry = faults("No enum match for: user.creatd", "subscriptions[3].event_type");
        assert_eq!(entry.of_field("subscriptions"), Some("Choose one of those that are offered."));
        assert_eq!(faults("An odd thing", "name").of_field("name"), Some("An odd thing."));
        assert_eq!(faults("Expected type object but found type array", "").whole().map(str::len), Some(42));
    }
}
