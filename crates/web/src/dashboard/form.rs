//! What somebody typed. A form is taken only from a page of this server and of the same session, becomes the JSON body
//! that the API takes, and comes back to the page when the API refuses that.

use std::sync::Arc;

use askama::Template;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::{PageAnswer, PageError};
use super::faults::Faults;
use super::layout::page_with;
use super::origin;
use super::visitor::Visitor;
use crate::payload::Payload;
use crate::state::App;
use crate::wire::reader::{Invalid, Part};

/// The field that says which session a form is of.
const TOKEN_FIELD: &str = "form_token";
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";
/// How many fields a form has at most.
const FIELDS_MAX: usize = 5000;

/// The fields of a form, in order; a field may be there several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, PageError> {
        let visitor = request.extensions().get::<Arc<Visitor>>().expect("serving.rs looks who it is before any page");
        let visitor = Arc::clone(visitor);
        let headers = request.headers();
        if !origin::is_same(headers, visitor.served.public_url.as_str()) {
            return Err(PageError::Forged);
        }
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if media_type.split(';').next().map(str::trim) != Some(MEDIA_TYPE) {
            return Err(PageError::NotAForm);
        }
        let Ok(payload) = Payload::from_request(request, app).await;
        let bytes = payload.bytes().await?;
        let fields = form_urlencoded::parse(&bytes).into_owned().take(FIELDS_MAX);
        let mut form = Self { fields: fields.collect() };
        if let Some(signed_in) = &visitor.signed_in {
            let given = form.take(TOKEN_FIELD).unwrap_or_default();
            verify_slices_are_equal(given.as_bytes(), signed_in.form_token.as_bytes())
                .map_err(|_| PageError::Forged)?;
        }
        Ok(form)
    }
}

impl Form {
    /// A form with these fields: what a page shows before anything was typed.
    pub(crate) fn of<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        Self { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.fields.iter().position(|(given, _)| given == name)?;
        Some(self.fields.swap_remove(at).1)
    }

    /// What is filled in, without white space around it; `None` if nothing is.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value.trim())
            .find(|value| !value.is_empty())
    }

    /// What is filled in as it stands, such as a password.
    pub(crate) fn verbatim(&self, name: &str) -> &str {
        self.fields.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// Everything that is filled in under a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.fields.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.trim());
        values.filter(|value| !value.is_empty())
    }

    /// Whether the field is there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(given, _)| given == name)
    }

    /// The JSON body that the API takes, to be filled in from this form. A field is named as the place in the body:
    /// `destination.configuration.webhook_endpoint`.
    pub(crate) fn body(&self) -> FormBody<'_> {
        FormBody { form: self, members: Map::new(), fault: None }
    }

    /// The page again, with what was typed and what is wrong with it, if that is why the API refused it.
    pub(crate) fn refused<T: Template>(self, error: PageError, page: impl FnOnce(Filled) -> T) -> PageAnswer {
        let faults = Faults::of(error)?;
        Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(Filled { form: self, faults })))
    }
}

/// A JSON body in the making.
#[derive(Debug)]
pub(crate) struct FormBody<'f> {
    form: &'f Form,
    members: Map<String, Value>,
    fault: Option<Invalid>,
}

impl FormBody<'_> {
    /// A member with a value of the page's own.
    #[must_use]
    pub(crate) fn set(mut self, place: &str, value: impl Into<Value>) -> Self {
        put(&mut self.members, place, value.into());
        self
    }

    /// A text, if it is filled in.
    #[must_use]
    pub(crate) fn text(self, place: &str) -> Self {
        match self.form.text(place) {
            Some(text) => self.set(place, text),
            None => self,
        }
    }

    /// A text as it stands, such as a password or code, if there is any.
    #[must_use]
    pub(crate) fn verbatim(self, place: &str) -> Self {
        match self.form.verbatim(place) {
            "" => self,
            text => self.set(place, text),
        }
    }

    /// A text; `null` if the field was emptied.
    #[must_use]
    pub(crate) fn text_or_null(self, place: &str) -> Self {
        match self.form.text(place) {
            Some(text) => self.set(place, text),
            None if self.form.has(place) => self.set(place, Value::Null),
            None => self,
        }
    }

    /// A whole number, if it is filled in; what is none goes on as it is, for the API to say so.
    #[must_use]
    pub(crate) fn number(self, place: &str) -> Self {
        match self.form.text(place) {
            None => self,
            Some(text) => match text.parse::<u64>() {
                Ok(number) => self.set(place, number),
                Err(_) => self.set(place, text),
            },
        }
    }

    /// Whether a box is ticked.
    #[must_use]
    pub(crate) fn ticked(self, place: &str) -> Self {
        let is_ticked = self.form.has(place);
        self.set(place, is_ticked)
    }

    /// Every text under the name, as a list.
    #[must_use]
    pub(crate) fn texts(self, place: &str) -> Self {
        let texts: Vec<Value> = self.form.all(place).map(Value::from).collect();
        self.set(place, texts)
    }

    /// JSON that was typed, if any was.
    #[must_use]
    pub(crate) fn json(mut self, place: &str) -> Self {
        match self.form.text(place).map(serde_json::from_str::<Value>) {
            None => self,
            Some(Ok(value)) => self.set(place, value),
            Some(Err(error)) => {
                let reason = format!("This is not JSON: {error}");
                self.fault.get_or_insert(Invalid::new(Part::Payload, &reason, place, ""));
                self
            }
        }
    }

    /// The body.
    ///
    /// # Errors
    /// If JSON was typed that is none.
    pub(crate) fn build(self) -> Result<Value, PageError> {
        match self.fault {
            Some(fault) => Err(fault.into()),
            None => Ok(Value::Object(self.members)),
        }
    }
}

/// Puts a value where a dotted place says.
fn put(members: &mut Map<String, Value>, place: &str, value: Value) {
    let Some((first, rest)) = place.split_once('.') else {
        members.insert(place.to_owned(), value);
        return;
    };
    let inner = members.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}

/// What a form shows: what was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filled {
    form: Form,
    faults: Faults,
}

impl From<Form> for Filled {
    fn from(form: Form) -> Self {
        Self { form, faults: Faults::default() }
    }
}

impl Filled {
    /// The form with a fault that a page found by itself.
    pub(crate) fn with_fault(form: Form, name: &str, sentence: &str) -> Self {
        Self { form, faults: Faults::one(name, sentence) }
    }

    /// What is filled in.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.form.verbatim(name)
    }

    /// Whether one of several values is chosen.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.form.all(name).any(|given| given == value)
    }

    /// What is wrong with a field.
    pub(crate) fn fault(&self, name: &str) -> Option<&str> {
        self.faults.of_field(name)
    }

    /// What is wrong, on top of the form.
    pub(crate) fn faults(&self) -> Option<&Faults> {
        self.faults.are_there().then_some(&self.faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_becomes_the_body_that_the_api_takes() {
        let fields = [("name", " Crm "), ("destination.configuration.webhook_endpoint", "https://x"), ("limit", "12")];
        let more = [("odd", "twelve"), ("types", "a"), ("types", "b"), ("empty", " "), ("metadata", "{\"a\": 1}")];
        let form = Form::of(fields.into_iter().chain(more).map(|(name, value)| (name, value.to_owned())));
        let body = form
            .body()
            .text("name")
            .text("absent")
            .text_or_null("empty")
            .set("destination.type", "webhook")
            .text("destination.configuration.webhook_endpoint")
            .number("limit")
            .number("odd")
            .texts("types")
            .ticked("enabled")
            .json("metadata");
        let expected = json!({
            "name": "Crm", "empty": null, "limit": 12, "odd": "twelve", "types": ["a", "b"], "enabled": false,
            "destination": {"type": "webhook", "configuration": {"webhook_endpoint": "https://x"}},
            "metadata": {"a": 1},
        });
        assert_eq!(body.build().unwrap(), expected);
    }

    #[test]
    fn json_that_is_none_is_said_at_its_field() {
        let form = Form::of([("metadata", "{".to_owned())]);
        let error = form.body().json("metadata").build().unwrap_err();
        let faults = Faults::of(error).unwrap();
        assert!(faults.of_field("metadata").unwrap().starts_with("This is not JSON: "));
    }
}
