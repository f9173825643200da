//! The page: prose that people write, and three tables between marks that are written from a run.

use anyhow::{Context, Result};

use super::Client;
use super::run::{Run, Suite};

/// What becomes of a client that was not played.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaps {
    /// The page says so, and why.
    Told,
    /// The page may say what it says: another machine may have played it.
    AsCommitted,
}

/// The page with its tables as a run has them.
pub(super) fn written(page: &str, run: &Run, clients: &[Client], gaps: Gaps) -> Result<String> {
    let page = with_table(page, "clients", &client_table(page, run, clients, gaps))?;
    let page = with_table(&page, "event-types", &type_table(run))?;
    with_table(&page, "endpoints", &endpoint_table(run))
}

/// The page with another table between its marks.
fn with_table(page: &str, name: &str, table: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = page.split_once(&begin).with_context(|| format!("the page has no {}", begin.trim_end()))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("the page has no {end}"))?;
    Ok(format!("{before}{begin}{table}{end}{after}"))
}

fn client_table(page: &str, run: &Run, clients: &[Client], gaps: Gaps) -> String {
    let mut table = "| client | in the run | shown by |\n|---|---|---|\n".to_owned();
    for client in clients {
        let start = format!("| {} |", client.name);
        let committed = page.lines().find(|line| line.starts_with(&start));
        let stories: Vec<_> = client.stories.iter().map(|story| format!("`{story}`")).collect();
        let ended = match (&client.lacks, client.stories.iter().find(|story| !run.played.contains(**story))) {
            (Some(_), _) if gaps == Gaps::AsCommitted && committed.is_some() => {
                table.push_str(committed.unwrap_or_default());
                table.push('\n');
                continue;
            }
            (Some(why), _) => format!("**not run**: {why}"),
            (None, Some(story)) => format!("**not shown**: `{story}` did not end"),
            (None, None) => "passed".to_owned(),
        };
        table.push_str(&format!("{start} {ended} | {} |\n", stories.join(", ")));
    }
    table
}

fn type_table(run: &Run) -> String {
    let mut table = "| event type | raised in |\n|---|---|\n".to_owned();
    for event_type in &run.types {
        let tests: Vec<_> = run.raised_by(event_type).into_iter().map(|test| format!("`{test}`")).collect();
        table.push_str(&format!("| `{event_type}` | {} |\n", tests.join(", ")));
    }
    table
}

fn endpoint_table(run: &Run) -> String {
    let mut table = "| endpoint | what it does | | shown by |\n|---|---|---|---|\n".to_owned();
    for (place, operation) in run.operations.iter().enumerate() {
        let mark = if operation.is_extension { "extension" } else { "" };
        let tests = run.shown_by(place).into_iter().map(|(suite, test)| match suite {
            Suite::Api => format!("`{test}`"),
            Suite::Stories => format!("story `{test}`"),
        });
        let tests = tests.collect::<Vec<_>>().join(", ");
        let (method, path, summary) = (&operation.method, &operation.path, &operation.summary);
        table.push_str(&format!("| `{method} {path}` | {summary} | {mark} | {tests} |\n"));
    }
    table
}

/// The first line in which two pages differ.
pub(super) fn first_difference(committed: &str, shown: &str) -> Option<String> {
    let (mut committed, mut shown) = (committed.lines(), shown.lines());
    loop {
        match (committed.next(), shown.next()) {
            (None, None) => return None,
            (left, right) if left == right => {}
            (left, right) => {
                let (left, right) = (left.unwrap_or("(the end)"), right.unwrap_or("(the end)"));
                return Some(format!("the page: {left}\nthe run:  {right}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PAGE: &str = "# Compatibility\n\n<!-- clients:begin -->\n| curl | passed | `old` |\n<!-- clients:end -->\nprose\n\
        <!-- event-types:begin -->\n<!-- event-types:end -->\n<!-- endpoints:begin -->\n<!-- endpoints:end -->\nend\n";

    fn run() -> Run {
        let description = json!({
            "paths": {"/api/v2/users": {"get": {"summary": "List users."}}},
            "components": {"schemas": {"CatalogueEventType": {"enum": ["user.created"]}}},
        });
        let mut run = Run::described(&description);
        run.take(Suite::Api, "answer\tGET\t/api/v2/users\t200\tusers::get_users_pages\n");
        run.take(Suite::Api, "event\tuser.created\traised::user_created_is_raised_by_post_users\n");
        run
    }

    fn curl(lacks: Option<&str>) -> [Client; 1] {
        [Client { name: "curl", stories: &["curl_plays"], lacks: lacks.map(str::to_owned) }]
    }

    #[test]
    fn the_tables_are_written_and_the_prose_stays() {
        let page = written(PAGE, &run(), &curl(Some("it is not installed")), Gaps::Told).unwrap();
        for part in [
            "# Compatibility\n",
            "\n| curl | **not run**: it is not installed | `curl_plays` |\n",
            "\nprose\n",
            "\n| `user.created` | `user_created_is_raised_by_post_users` |\n",
            "\n| `GET /api/v2/users` | List users. |  | `get_users_pages` |\n",
            "\nend\n",
        ] {
            assert!(page.contains(part), "{part:?} in\n{page}");
        }
        assert_eq!(written(&page, &run(), &curl(Some("it is not installed")), Gaps::Told).unwrap(), page);
    }

    #[test]
    fn a_client_that_was_not_played_here_is_not_compared_and_one_that_was_is() {
        let kept = written(PAGE, &run(), &curl(Some("no")), Gaps::AsCommitted).unwrap();
        assert!(kept.contains("\n| curl | passed | `old` |\n"));
        let played = written(PAGE, &run(), &curl(None), Gaps::AsCommitted).unwrap();
        assert!(played.contains("**not shown**: `curl_plays` did not end"));
    }

    #[test]
    fn a_difference_is_told_with_both_lines() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb", "a\nc").unwrap(), "the page: b\nthe run:  c");
        assert_eq!(first_difference("a", "a\nc").unwrap(), "the page: (the end)\nthe run:  c");
    }
}
