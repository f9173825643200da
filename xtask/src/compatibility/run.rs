//! What a run has shown, as its tests have noted it: a line each, of words between tabs, the last of which is the test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// What stands between the type and the operation in the name of a test that shows how an event is raised.
const RAISED: &str = "_is_raised_by_";

/// Where a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suite {
    /// Of the API through its router.
    Api,
    /// Of the built binary.
    Stories,
}

/// A test, by where it is and its name.
pub(super) type Test = (Suite, String);

/// An operation of the description.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) method: String,
    pub(super) summary: String,
    pub(super) is_extension: bool,
}

impl Operation {
    /// What tests that are named after it are called: the path without what varies.
    fn slug(&self) -> String {
        let provisioned = self.path.strip_prefix("/scim/v2/connections/{connection_id}/");
        let provisioned = provisioned.map(|rest| format!("scim/{rest}"));
        let path = provisioned.as_deref().unwrap_or_else(|| self.path.strip_prefix("/api/v2/").unwrap_or(&self.path));
        let fixed = path.split('/').filter(|segment| !segment.is_empty() && !segment.starts_with('{'));
        let joined = fixed.collect::<Vec<_>>().join("_").to_ascii_lowercase();
        joined.replace(|each: char| !each.is_ascii_alphanumeric(), "_").trim_matches('_').to_owned()
    }

    /// Whether it is in the contract's tables. SCIM's own description is not.
    fn is_in_tables(&self) -> bool {
        let scim = self.path.strip_prefix("/scim/v2/connections/{connection_id}/");
        !self.is_extension && scim.is_none_or(|rest| rest.starts_with("Users") || rest.starts_with("Groups"))
    }

    /// What a test that is named after it would be called.
    fn wanted(&self) -> String {
        format!("{} {} ({}_{}_…)", self.method, self.path, self.method.to_ascii_lowercase(), self.slug())
    }

    fn fits(&self, asked: &str) -> bool {
        let (asked, known): (Vec<_>, Vec<_>) = (asked.split('/').collect(), self.path.split('/').collect());
        let fits = |(asked, known): (&&str, &&str)| asked == known || (known.starts_with('{') && !asked.is_empty());
        asked.len() == known.len() && asked.iter().zip(&known).all(fits)
    }

    fn blanks(&self) -> usize {
        self.path.matches('{').count()
    }
}

/// What a run has shown.
#[derive(Default)]
pub(super) struct Run {
    /// In the order of their paths.
    pub(super) operations: Vec<Operation>,
    /// In the catalogue's order.
    pub(super) types: Vec<String>,
    /// Which tests had which operation succeed, by its place.
    succeeded: BTreeMap<usize, BTreeSet<Test>>,
    /// Which tests have seen events of which type.
    seen: BTreeMap<String, BTreeSet<String>>,
    /// The stories in which a client was played to its end.
    pub(super) played: BTreeSet<String>,
    /// The stories that have asked for anything at all.
    told: BTreeSet<String>,
}

impl Run {
    /// Reads what has been noted in a folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let description = serde_json::from_str(&text("openapi.json")?).context("openapi.json is not JSON")?;
        let mut run = Self::described(&description);
        run.take(Suite::Api, &text("api.tsv")?);
        run.take(Suite::Stories, &text("stories.tsv")?);
        Ok(run)
    }

    /// Nothing but what is described.
    pub(super) fn described(description: &Value) -> Self {
        let mut operations = Vec::new();
        for (path, methods) in description["paths"].as_object().into_iter().flatten() {
            for (method, said) in methods.as_object().into_iter().flatten() {
                operations.push(Operation {
                    path: path.clone(),
                    method: method.to_ascii_uppercase(),
                    summary: said["summary"].as_str().unwrap_or_default().to_owned(),
                    is_extension: said["x-headwater-extension"] == true,
                });
            }
        }
        operations.sort();
        let types = description["components"]["schemas"]["CatalogueEventType"]["enum"].as_array();
        let types = types.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Self { operations, types, ..Self::default() }
    }

    /// Takes what a suite has noted.
    pub(super) fn take(&mut self, suite: Suite, notes: &str) {
        for line in notes.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            let name = |test: &str| test.rsplit("::").next().unwrap_or(test).to_owned();
            if let (Suite::Stories, ["answer", .., test]) = (suite, &words[..]) {
                self.told.insert(name(test));
            }
            match words[..] {
                ["answer", method, path, status, test] if status.starts_with('2') => {
                    if let Some(place) = self.place_of(method, path) {
                        self.succeeded.entry(place).or_default().insert((suite, name(test)));
                    }
                }
                ["event", event_type, test] => drop(self.seen.entry(event_type.into()).or_default().insert(name(test))),
                ["client", test] => drop(self.played.insert(name(test))),
                _ => {}
            }
        }
    }

    /// The operation that a request was for: of those that fit, the one with the fewest blanks.
    fn place_of(&self, method: &str, path: &str) -> Option<usize> {
        let operations = self.operations.iter().enumerate();
        let fitting = operations.filter(|(_, operation)| operation.method == method && operation.fits(path));
        fitting.min_by_key(|(_, operation)| operation.blanks()).map(|(place, _)| place)
    }

    /// Whether a test is named after an operation: its methods, its path, and what it shows; or what it raises.
    fn is_named_after(&self, test: &str, operation: &Operation) -> bool {
        let (words, is_whole) = match test.split_once(RAISED) {
            Some((_, by)) => (by, true),
            None => (test, false),
        };
        let (methods, rest) = methods_of(words);
        let slug = operation.slug();
        let begins =
            |slug: &str| rest.strip_prefix(slug).is_some_and(|after| after.is_empty() || after.starts_with('_'));
        let fits = if is_whole { rest == slug } else { begins(&slug) };
        let is_longest =
            || self.operations.iter().map(Operation::slug).all(|other| other.len() <= slug.len() || !begins(&other));
        methods.contains(&operation.method.to_ascii_lowercase().as_str()) && fits && is_longest()
    }

    /// The tests that show that an operation works: those that are named after it, or else those of the API that do
    /// the least beside it; and the story that does the least beside it.
    pub(super) fn shown_by(&self, place: usize) -> Vec<&Test> {
        let Some(succeeded) = self.succeeded.get(&place) else { return Vec::new() };
        let operation = &self.operations[place];
        let mut shown: Vec<&Test> = succeeded.iter().filter(|(_, test)| self.is_named_after(test, operation)).collect();
        let mut others: Vec<&Test> = succeeded.iter().collect();
        others.sort_by_key(|test| (self.width(test), *test));
        let first = |suite| others.iter().find(move |(of, _)| *of == suite).copied();
        if shown.is_empty() {
            shown.extend(first(Suite::Api));
        }
        shown.extend(first(Suite::Stories));
        shown
    }

    /// Whether a test has had an operation succeed; a story that was not played here may have, elsewhere.
    pub(super) fn bears_out(&self, place: usize, suite: Suite, test: &str) -> bool {
        let succeeded = self.succeeded.get(&place).is_some_and(|tests| tests.contains(&(suite, test.to_owned())));
        succeeded || (suite == Suite::Stories && !self.told.contains(test))
    }

    /// How many operations a test has had succeed.
    fn width(&self, test: &Test) -> usize {
        self.succeeded.values().filter(|tests| tests.contains(test)).count()
    }

    /// The tests that show which changes raise events of a type.
    pub(super) fn raised_by(&self, event_type: &str) -> Vec<&str> {
        let start = format!("{}{RAISED}", event_type.replace('.', "_"));
        let seen = self.seen.get(event_type).into_iter().flatten();
        seen.filter(|test| test.starts_with(&start)).map(String::as_str).collect()
    }

    /// Every operation of the contract has a test that had it succeed, and every type of the catalogue one that raised it.
    pub(super) fn complete(&self) -> Result<()> {
        let tables = self.tables().filter(|(place, _)| self.shown_by(*place).is_empty());
        let mut missing: Vec<String> =
            tables.map(|(_, operation)| format!("{}: no test has it succeed", operation.wanted())).collect();
        let unraised = self.types.iter().filter(|event_type| self.raised_by(event_type).is_empty());
        missing.extend(unraised.map(|name| format!("{name}: no test {}{RAISED}… raises it", name.replace('.', "_"))));
        if missing.is_empty() { Ok(()) } else { bail!("{}", missing.join("\n")) }
    }

    /// The operations of the contract that only tests of other names show, and the names that are missing.
    pub(super) fn unnamed(&self) -> Vec<String> {
        let is_named = |place, operation| {
            self.succeeded.get(&place).into_iter().flatten().any(|(_, test)| self.is_named_after(test, operation))
        };
        self.tables().filter(|(place, operation)| !is_named(*place, operation)).map(|(_, each)| each.wanted()).collect()
    }

    fn tables(&self) -> impl Iterator<Item = (usize, &Operation)> {
        self.operations.iter().enumerate().filter(|(_, operation)| operation.is_in_tables())
    }
}

/// `get_post_and_delete_users_roles` as its methods and the rest.
fn methods_of(name: &str) -> (Vec<&str>, &str) {
    let (mut methods, mut rest) = (Vec::new(), name);
    while let Some((word, after)) = rest.split_once('_') {
        if METHODS.contains(&word) {
            methods.push(word);
        } else if word != "and" {
            break;
        }
        rest = after;
    }
    (methods, rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn run() -> Run {
        let said = json!({"summary": "Does it."});
        let description = json!({
            "paths": {
                "/api/v2/users": {"get": said, "post": said},
                "/api/v2/users/{id}": {"get": said},
                "/api/v2/users/{id}/roles": {"get": said},
                "/api/v2/headwater/event-types": {"get": {"summary": "Lists.", "x-headwater-extension": true}},
                "/scim/v2/connections/{connection_id}/Users": {"post": said},
            },
            "components": {"schemas": {"CatalogueEventType": {"enum": ["user.created"]}}},
        });
        Run::described(&description)
    }

    fn shown(run: &Run, method: &str, path: &str) -> Vec<String> {
        let place = run.place_of(method, path).unwrap();
        run.shown_by(place).into_iter().map(|(_, test)| test.clone()).collect()
    }

    #[test]
    fn tests_are_named_after_operations() {
        let mut run = run();
        run.take(
            Suite::Api,
            "answer\tGET\t/api/v2/users\t200\tusers::get_users_pages\n\
             answer\tGET\t/api/v2/users/auth0%7C1\t200\tusers::get_and_post_users\n\
             answer\tPOST\t/api/v2/users\t201\tusers::get_and_post_users\n\
             answer\tPOST\t/api/v2/users\t201\traised::user_created_is_raised_by_post_users\n\
             answer\tGET\t/api/v2/users\t200\tusers::get_users_roles_assigns\n\
             answer\tGET\t/api/v2/users/1/roles\t200\tusers::get_users_roles_assigns\n\
             answer\tGET\t/api/v2/users/1/roles\t404\tusers::get_users_roles_never\n",
        );
        assert_eq!(shown(&run, "GET", "/api/v2/users"), ["get_users_pages"]);
        assert_eq!(shown(&run, "GET", "/api/v2/users/{id}"), ["get_and_post_users"]);
        assert_eq!(
            shown(&run, "POST", "/api/v2/users"),
            ["get_and_post_users", "user_created_is_raised_by_post_users"]
        );
        assert_eq!(shown(&run, "GET", "/api/v2/users/{id}/roles"), ["get_users_roles_assigns"]);
    }

    #[test]
    fn where_none_is_named_the_one_that_does_least_shows_it() {
        let mut run = run();
        run.take(Suite::Api, "answer\tGET\t/api/v2/users\t200\ta::b\nanswer\tPOST\t/api/v2/users\t200\ta::b\n");
        run.take(Suite::Api, "answer\tGET\t/api/v2/users\t200\ta::c\n");
        run.take(Suite::Stories, "answer\tGET\t/api/v2/users\t200\ts::story\nclient\ts::story\n");
        assert_eq!(shown(&run, "GET", "/api/v2/users"), ["c", "story"]);
        assert!(run.played.contains("story"));
    }

    #[test]
    fn what_no_test_shows_is_named() {
        let mut run = run();
        let said = run.complete().unwrap_err().to_string();
        let scim = "POST /scim/v2/connections/{connection_id}/Users (post_scim_users_…): no test has it succeed";
        assert!(said.contains(scim), "{said}");
        assert!(said.contains("user.created: no test user_created_is_raised_by_… raises it"));
        assert!(!said.contains("event-types"), "extensions may do without: {said}");
        run.take(Suite::Api, "answer\tGET\t/api/v2/users\t200\tusers::get_users_pages\n");
        assert_eq!(run.unnamed().len(), 4, "all but one: {:?}", run.unnamed());
        run.take(Suite::Api, "event\tuser.created\traised::user_created_is_raised_by_post_users\n");
        assert_eq!(run.raised_by("user.created"), ["user_created_is_raised_by_post_users"]);
    }
}
