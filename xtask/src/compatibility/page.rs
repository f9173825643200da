//! The page: prose that people write, and three tables between marks that are written from a run.

use anyhow::{Context, Result};

use super::Client;
use super::run::{Operation, Run, Suite};

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
        let tests = run.shown_by(place).into_iter().map(|(suite, test)| match suite {
            Suite::Api => format!("`{test}`"),
            Suite::Stories => format!("story `{test}`"),
        });
        let tests = tests.collect::<Vec<_>>().join(", ");
        table.push_str(&format!("{}{tests} |\n", endpoint_start(operation)));
    }
    table
}

/// A row of an endpoint up to its tests.
fn endpoint_start(operation: &Operation) -> String {
    let Operation { method, path, summary, is_extension } = operation;
    let mark = if *is_extension { "extension" } else { "" };
    format!("| `{method} {path}` | {summary} | {mark} | ")
}

/// What a page says that a run does not bear out. A test that the page does not name is no fault; nor is a story or a client that
/// could not be played here.
pub(super) fn untrue(page: &str, run: &Run, clients: &[Client]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let same = |said: &[&str], shown: &str, faults: &mut Vec<String>| {
        let shown: Vec<&str> = shown.lines().skip(2).collect();
        if said != shown {
            let differs = said.iter().zip(&shown).find(|(said, shown)| said != shown);
            let (said, shown) = differs.map_or(("(rows)", "(more or fewer)"), |(said, shown)| (*said, *shown));
            faults.push(format!("the page: {said}\nthe run:  {shown}"));
        }
    };
    same(&rows(page, "clients")?, &client_table(page, run, clients, Gaps::AsCommitted), &mut faults);
    compare(
        &rows(page, "event-types")?,
        run.types.iter().map(|event_type| (format!("| `{event_type}` | "), event_type)),
        |event_type, test| run.raised_by(event_type).contains(&test.name),
        &mut faults,
    );
    compare(
        &rows(page, "endpoints")?,
        run.operations.iter().enumerate().map(|(place, operation)| (endpoint_start(operation), place)),
        |place, test| run.bears_out(*place, test.suite, test.name),
        &mut faults,
    );
    Ok(faults)
}

/// A test as a row names it.
struct Named<'a> {
    suite: Suite,
    name: &'a str,
}

/// Compares rows with what they have to begin with, and each test that they name with what it has shown.
fn compare<T>(
    rows: &[&str],
    expected: impl Iterator<Item = (String, T)>,
    shows: impl Fn(&T, &Named<'_>) -> bool,
    faults: &mut Vec<String>,
) {
    let mut rows = rows.iter();
    for (start, what) in expected {
        let row = rows.next().copied().unwrap_or("(the end)");
        let Some(tests) = row.strip_prefix(start.as_str()) else {
            faults.push(format!("the page: {row}\nthe run:  {start}…"));
            return;
        };
        let untrue = named(tests).filter(|test| !shows(&what, test));
        faults.extend(untrue.map(|test| format!("{start}`{}` did not show it", test.name)));
    }
    faults.extend(rows.map(|row| format!("not there any more: {row}")));
}

/// The tests of a cell.
fn named(cell: &str) -> impl Iterator<Item = Named<'_>> {
    let tests = cell.trim_end_matches('|').split(',').map(str::trim).filter(|test| !test.is_empty());
    tests.map(|test| match test.strip_prefix("story ") {
        Some(story) => Named { suite: Suite::Stories, name: story.trim_matches('`') },
        None => Named { suite: Suite::Api, name: test.trim_matches('`') },
    })
}

/// The rows of a table, without its head.
fn rows<'a>(page: &'a str, name: &str) -> Result<Vec<&'a str>> {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (_, rest) = page.split_once(&begin).with_context(|| format!("the page has no {}", begin.trim_end()))?;
    let (table, _) = rest.split_once(&end).with_context(|| format!("the page has no {end}"))?;
    Ok(table.lines().skip(2).collect())
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

    fn faults(page: &str, run: &Run, clients: &[Client]) -> Vec<String> {
        untrue(page, run, clients).unwrap()
    }

    #[test]
    fn a_page_that_a_run_has_written_is_true_of_it_and_of_one_that_shows_more() {
        let page = written(PAGE, &run(), &curl(None), Gaps::Told).unwrap();
        assert_eq!(faults(&page, &run(), &curl(None)), [""; 0]);
        let mut more = run();
        more.take(Suite::Api, "answer\tGET\t/api/v2/users\t200\tusers::get_users_is_sorted\n");
        assert_eq!(faults(&page, &more, &curl(None)), [""; 0]);
        // What no test has succeed is a matter of the run's being complete, not of the page.
        let unnamed = page.replace("`get_users_pages`", "");
        assert_eq!(faults(&unnamed, &more, &curl(None)), [""; 0]);
    }

    #[test]
    fn what_the_run_does_not_show_is_a_fault() {
        let page = written(PAGE, &run(), &curl(None), Gaps::Told).unwrap();
        let renamed = page.replace("get_users_pages", "get_users_is_fast");
        assert_eq!(faults(&renamed, &run(), &curl(None)).len(), 1);
        let other = page.replace("List users.", "Lists users.");
        assert_eq!(faults(&other, &run(), &curl(None)).len(), 1);
        let unraised = page.replace("user_created_is_raised_by_post_users", "user_created_is_raised_by_chance");
        assert_eq!(faults(&unraised, &run(), &curl(None)).len(), 1);
        let fewer = page.replace("| `GET /api/v2/users` | List users. |  | `get_users_pages` |\n", "");
        assert_eq!(faults(&fewer, &run(), &curl(None)).len(), 1);
        let more = page.replace(
            "<!-- endpoints:end -->",
            "| `GET /api/v2/more` | More. |  | `get_more` |\n<!-- endpoints:end -->",
        );
        assert_eq!(faults(&more, &run(), &curl(None)).len(), 1);
    }

    #[test]
    fn a_story_that_was_not_played_here_is_no_fault_and_one_that_was_has_to_show_it() {
        let page = written(PAGE, &run(), &curl(None), Gaps::Told).unwrap();
        let told = page.replace("`get_users_pages` |", "`get_users_pages`, story `a_user_is_found` |");
        assert_eq!(faults(&told, &run(), &curl(None)), [""; 0]);
        let mut played = run();
        played.take(Suite::Stories, "answer\tGET\t/api/v2/users\t500\tmain::a_user_is_found\n");
        assert_eq!(faults(&told, &played, &curl(None)).len(), 1);
    }

    #[test]
    fn a_client_that_was_not_played_here_is_not_compared_and_one_that_was_is() {
        let kept = written(PAGE, &run(), &curl(Some("no")), Gaps::AsCommitted).unwrap();
        assert!(kept.contains("\n| curl | passed | `old` |\n"));
        let played = written(PAGE, &run(), &curl(None), Gaps::AsCommitted).unwrap();
        assert!(played.contains("**not shown**: `curl_plays` did not end"));
    }
}
