//! What a caller asks of a list or a resource: which, from where on, and which attributes (RFC 7644, 3.4.2 and 3.9).

use domain::scim::{ScimFault, ScimFilter, ScimPath, ScimSort};
use serde_json::Value;
use store::Page;

use crate::wire::query::QueryReader;

/// How many resources a page has, unless fewer are asked for.
const COUNT_DEFAULT: u32 = 100;
/// How many resources a page has at most.
pub(super) const COUNT_MAX: u32 = 200;
/// How many resources are looked at for a filter that no index answers, or to sort them.
const LOOKED_AT_MAX: u64 = 10_000;
/// How many of them are read at once.
const STEP: u32 = 1000;

/// A page of a list.
pub(super) struct Listing {
    /// The first resource, counted from 1.
    pub start_index: u32,
    /// What to read.
    pub page: Page,
    /// Which resources.
    pub filter: Option<ScimFilter>,
    sort: Option<ScimSort>,
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
        let sort_by = query.text("sortBy").map(ScimPath::parse).transpose()?;
        let is_descending = match query.text("sortOrder") {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(ScimFault::value("sortOrder is ascending or descending")),
        };
        let sort = sort_by.map(|path| ScimSort { path, is_descending });
        Ok(Self { start_index, page: Page { offset: start_index - 1, limit }, filter, sort })
    }

    /// Whether resources are asked for in another order than that in which they were made.
    pub(super) fn is_sorted(&self) -> bool {
        self.sort.is_some()
    }

    /// Whether an attribute is needed to tell which resources are meant, or to sort them.
    pub(super) fn asks_for(&self, attribute: &str) -> bool {
        let of_filter = self.filter.as_ref().is_some_and(|filter| filter.asks_for(attribute));
        of_filter || self.sort.as_ref().is_some_and(|sort| sort.path.is_of(attribute))
    }

    /// The steps in which this many resources are looked at.
    ///
    /// # Errors
    /// [`ScimFault`] if they are too many.
    pub(super) fn steps(total: u64) -> Result<impl Iterator<Item = Page>, ScimFault> {
        if total > LOOKED_AT_MAX {
            let detail = format!(
                "{total} resources would have to be looked at, and at most {LOOKED_AT_MAX} are: name the id, the \
                 externalId, the userName or the displayName as well"
            );
            return Err(ScimFault { scim_type: "tooMany", detail });
        }
        let offsets = (0..u32::try_from(total).unwrap_or(u32::MAX)).step_by(STEP as usize);
        Ok(offsets.map(|offset| Page { offset, limit: STEP }))
    }

    /// Those of the resources that are meant, sorted; the page of them that is asked for, and how many there are.
    pub(super) fn arranged(&self, mut resources: Vec<Value>) -> (Vec<Value>, u64) {
        if let Some(filter) = &self.filter {
            resources.retain(|resource| resource.as_object().is_some_and(|members| filter.matches(members)));
        }
        if let Some(sort) = &self.sort {
            sort.apply(&mut resources);
        }
        let total = resources.len() as u64;
        let page = resources.into_iter().skip(self.page.offset as usize).take(self.page.limit as usize);
        (page.collect(), total)
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

    /// All of them.
    pub(super) fn all() -> Self {
        Self { only: Vec::new(), without: Vec::new() }
    }

    /// All but this one.
    pub(super) fn all_but(name: &str) -> Self {
        Self { without: vec![name.to_owned()], ..Self::all() }
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
