//! What a caller asks of a list or a resource: which, from where on, and which attributes (RFC 7644, 3.4.2 and 3.9).

use domain::scim::{ScimFault, ScimFilter};
use serde_json::Value;
use store::Page;

use crate::wire::query::QueryReader;

/// How many resources a page has, unless fewer are asked for.
const COUNT_DEFAULT: u32 = 100;
/// How many resources a page has at most.
pub(super) const COUNT_MAX: u32 = 200;

/// A page of a list.
pub(super) struct Listing {
    /// The first resource, counted from 1.
    pub start_index: u32,
    /// What to read.
    pub page: Page,
    /// Which resources.
    pub filter: Option<ScimFilter>,
}

impl Listing {
    pub(super) fn read(query: &QueryReader) -> Result<Self, ScimFault> {
        let number = |name: &str, unless: u32| match query.text(name).map(str::parse::<i64>) {
            None => Ok(unless),
            // Less than the least means the least (RFC 7644, 3.4.2.4).
            Some(Ok(number)) => Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX)),
            Some(Err(_)) => Err(ScimFault::value(format!("{name} must be a number"))),
        };
        let start_index = number("startIndex", 1)?.max(1);
        let limit = number("count", COUNT_DEFAULT)?.min(COUNT_MAX);
        let filter = query.text("filter").map(ScimFilter::parse).transpose()?;
        Ok(Self { start_index, page: Page { offset: start_index - 1, limit }, filter })
    }
}

/// Which attributes to answer.
pub(super) struct Attributes {
    only: Vec<String>,
    without: Vec<String>,
}

/// What is always answered.
const ALWAYS: &[&str] = &["schemas", "id", "meta"];

impl Attributes {
    pub(super) fn read(query: &QueryReader) -> Self {
        let names = |name: &str| query.list(name).into_iter().map(first_part).collect();
        Self { only: names("attributes"), without: names("excludedAttributes") }
    }

    /// Whether an attribute is answered, so that what is expensive need not be read in vain.
    pub(super) fn has(&self, name: &str) -> bool {
        let names = |names: &[String]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        ALWAYS.contains(&name) || ((self.only.is_empty() || names(&self.only)) && !names(&self.without))
    }

    /// Removes from a resource what was not asked for.
    pub(super) fn apply(&self, mut resource: Value) -> Value {
        if let Some(members) = resource.as_object_mut() {
            members.retain(|name, _| self.has(name));
        }
        resource
    }
}

/// `name` of `name.givenName`; an extension is answered as a whole.
fn first_part(path: &str) -> String {
    if path.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
        return path.to_owned();
    }
    path.split('.').next().unwrap_or(path).to_owned()
}
