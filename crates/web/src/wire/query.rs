//! Reads the query of a request: numbers, flags and lists, and the two ways to page (management-api.md 1.4).
//! Parameters that nobody asks for are ignored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::event::Seq;
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Offsets, Page};

use super::reader::{Field, Invalid, Part, Text};

/// The most entries of a page.
pub(crate) const PAGE_MAX: u32 = 100;
const PAGE_DEFAULT: u32 = 50;
/// The longest `from` that is looked at.
const FROM_BYTES_MAX: usize = 1024;

const TAKE: Field = Field::new("take", "Number of results per page.");
const FROM: Field = Field::new("from", "Optional Id from which to start selection.");
const PAGE: Field = Field::new("page", "Page index of the results to return. First page is 0.");
const PER_PAGE: Field = Field::new("per_page", "Number of results per page.");
const INCLUDE_TOTALS: Field = Field::new("include_totals", "Return results inside an object with the total count.");
const FIELDS: Field = Field::new("fields", "Comma-separated list of fields to include or exclude.");
const INCLUDE_FIELDS: Field = Field::new("include_fields", "Whether specified fields are included or excluded.");

/// The parameters of a query.
pub(crate) struct QueryReader(Vec<(String, String)>);

/// A page by number.
pub(crate) struct Offset {
    /// What to read.
    pub page: Page,
    /// Whether the answer is an object with the total.
    pub include_totals: bool,
}

/// A page by where the last one ended.
pub(crate) struct Checkpoint<C> {
    /// How many entries at most.
    pub take: u32,
    /// After which entry to start.
    pub after: Option<C>,
}

/// What an entry of a list is found by: written into `next`, read from `from`.
pub(crate) trait Cursor: Sized {
    /// The cursor as text.
    fn to_text(&self) -> String;
    /// Reads what [`Cursor::to_text`] wrote.
    fn from_text(text: &str) -> Option<Self>;
}

/// Makes `next`. Callers must not read anything into it.
pub(crate) fn next_of<C: Cursor>(cursor: &C) -> String {
    URL_SAFE_NO_PAD.encode(cursor.to_text())
}

/// Which members of an object to answer.
pub(crate) struct Selection {
    names: Vec<String>,
    include: bool,
}

impl Selection {
    /// Whether the caller asks for `name` by that name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.include && self.names.iter().any(|given| given == name)
    }

    /// Removes from `object` what was not asked for.
    pub(crate) fn apply(&self, object: &mut serde_json::Map<String, serde_json::Value>) {
        object.retain(|name, _| self.names.contains(name) == self.include);
    }

    /// The members of an answer that were asked for.
    pub(crate) fn of<T: Serialize>(&self, answer: &T) -> Map<String, Value> {
        let value = serde_json::to_value(answer).expect("answers have text keys only, so they can be written as JSON");
        let Value::Object(mut members) = value else { return Map::new() };
        self.apply(&mut members);
        members
    }

    /// See [`Selection::of`].
    pub(crate) fn of_all<T: Serialize>(&self, answers: &[T]) -> Vec<Map<String, Value>> {
        answers.iter().map(|answer| self.of(answer)).collect()
    }
}

impl QueryReader {
    /// The parameters of a raw query.
    pub(crate) fn new(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// A parameter, if it is there.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A fault of a parameter.
    pub(crate) fn fault(field: Field, reason: &str) -> Invalid {
        Invalid::new(Part::Query, reason, field.name, field.about)
    }

    /// Refuses parameters that narrow a list in ways that are not built: ignoring them would answer too much.
    pub(crate) fn refuse(&self, names: &[&'static str]) -> Result<(), Invalid> {
        match names.iter().find(|name| self.text(name).is_some()) {
            None => Ok(()),
            Some(name) => {
                let field = Field::new(name, "Not supported by this server yet; leave it out.");
                Err(Self::fault(field, &format!("Additional properties not allowed: {name}")))
            }
        }
    }

    /// A text that must have a form, if it is there.
    pub(crate) fn checked(&self, text: &Text) -> Result<Option<&str>, Invalid> {
        let Some(given) = self.text(text.name()) else { return Ok(None) };
        match text.fault(given) {
            None => Ok(Some(given)),
            Some(reason) => Err(Self::fault(text.field(), &reason)),
        }
    }

    /// A number within limits, if it is there.
    pub(crate) fn number(&self, field: Field, min: u32, max: u32) -> Result<Option<u32>, Invalid> {
        let Some(text) = self.text(field.name) else { return Ok(None) };
        let fault = |reason: String| Err(Self::fault(field, &reason));
        match text.parse::<i64>() {
            Err(_) => fault("Expected type integer but found type string".to_owned()),
            Ok(number) if number < i64::from(min) => fault(format!("Value {number} is less than minimum {min}")),
            Ok(number) if number > i64::from(max) => fault(format!("Value {number} is greater than maximum {max}")),
            Ok(number) => Ok(u32::try_from(number).ok()),
        }
    }

    /// A flag, if it is there.
    pub(crate) fn flag(&self, field: Field) -> Result<Option<bool>, Invalid> {
        match self.text(field.name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Self::fault(field, "Expected type boolean but found type string")),
        }
    }

    /// A list: separated by commas, repeated, or numbered (`name[0]=…`). Empty if it is not there.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let is_meant = |given: &str| {
            given == name
                || given
                    .strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']'))
                    .is_some_and(|index| index.bytes().all(|digit| digit.is_ascii_digit()))
        };
        let values = self.0.iter().filter(|(given, _)| is_meant(given));
        values.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// `page`, `per_page` and `include_totals`.
    pub(crate) fn offset(&self) -> Result<Offset, Invalid> {
        let number = self.number(PAGE, 0, u32::MAX)?.unwrap_or(0);
        let limit = self.number(PER_PAGE, 1, PAGE_MAX)?.unwrap_or(PAGE_DEFAULT);
        let include_totals = self.flag(INCLUDE_TOTALS)?.unwrap_or(false);
        Ok(Offset { page: Page { offset: number.saturating_mul(limit), limit }, include_totals })
    }

    /// `take` and `from`.
    pub(crate) fn checkpoint<C: Cursor>(&self) -> Result<Checkpoint<C>, Invalid> {
        self.checkpoint_by(read_cursor)
    }

    /// `take` and `from`, where `next` is an offset: whoever goes by positions in the log must not read them.
    pub(crate) fn checkpoint_by_offset(&self, offsets: &Offsets) -> Result<Checkpoint<Seq>, Invalid> {
        self.checkpoint_by(|from| offsets.read(from).ok())
    }

    fn checkpoint_by<C>(&self, read: impl FnOnce(&str) -> Option<C>) -> Result<Checkpoint<C>, Invalid> {
        let take = self.number(TAKE, 1, PAGE_MAX)?.unwrap_or(PAGE_DEFAULT);
        let after = match self.text(FROM.name) {
            None | Some("") => None,
            Some(from) => Some(read(from).ok_or_else(|| {
                Self::fault(FROM, "Object didn't pass validation for format checkpoint; use the next of an answer")
            })?),
        };
        Ok(Checkpoint { take, after })
    }

    /// Whether `take` or `from` is there, where both ways to page are offered.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.text(TAKE.name).is_some() || self.text(FROM.name).is_some()
    }

    /// `fields` and `include_fields`.
    pub(crate) fn selection(&self) -> Result<Option<Selection>, Invalid> {
        let include = self.flag(INCLUDE_FIELDS)?.unwrap_or(true);
        let names: Vec<String> = self.list(FIELDS.name).into_iter().map(str::to_owned).collect();
        Ok((!names.is_empty()).then_some(Selection { names, include }))
    }
}

fn read_cursor<C: Cursor>(from: &str) -> Option<C> {
    if from.len() > FROM_BYTES_MAX {
        return None;
    }
    let text = URL_SAFE_NO_PAD.decode(from).ok()?;
    C::from_text(std::str::from_utf8(&text).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Cursor for u8 {
        fn to_text(&self) -> String {
            self.to_string()
        }
        fn from_text(text: &str) -> Option<Self> {
            text.parse().ok()
        }
    }

    #[test]
    fn pages_have_limits() {
        let fault = |query: &str| QueryReader::new(Some(query)).offset().err().unwrap().message().to_owned();
        assert_eq!(
            fault("per_page=101"),
            "Query validation error: 'Value 101 is greater than maximum 100' on property per_page (Number of results per page)."
        );
        assert!(fault("page=-1").contains("'Value -1 is less than minimum 0' on property page"));
        assert!(fault("page=x").contains("'Expected type integer but found type string' on property page"));
        let offset = QueryReader::new(Some("page=2&per_page=10&include_totals=true")).offset().unwrap();
        assert_eq!(offset.page, Page { offset: 20, limit: 10 });
        assert!(offset.include_totals);
    }

    #[test]
    fn a_cursor_is_found_again() {
        let query = format!("from={}", next_of(&7_u8));
        assert_eq!(QueryReader::new(Some(&query)).checkpoint::<u8>().unwrap().after, Some(7));
        assert!(QueryReader::new(Some("from=%21")).checkpoint::<u8>().is_err());
        assert_eq!(QueryReader::new(None).checkpoint::<u8>().unwrap().after, None);
    }

    #[test]
    fn lists_come_in_three_forms() {
        let query = QueryReader::new(Some("t=a%2Cb&t=c&t[0]=d&tt=e&t[x]=f"));
        assert_eq!(query.list("t"), ["a", "b", "c", "d"]);
    }
}
