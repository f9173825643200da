//! Every test that the pages of promises name exists, in the file that they name.

/// The pages.
pub(super) const PAGES: &[&str] = &["docs/guarantees.md", "docs/hostile-receivers.md", "docs/compatibility.md"];

/// What a page names that is not there. A name in code quotes that ends in `.rs` is a file; one of several words
/// that are joined by underscores is a test of the file before it in the same line.
pub(super) fn breaches(name: &str, page: &str, sources: &[(String, String)]) -> Vec<String> {
    let mut breaches = Vec::new();
    for (number, line) in page.lines().enumerate() {
        let place = format!("{name}:{}", number + 1);
        let mut files: Option<Vec<&(String, String)>> = None;
        // What is between two quotes is at the odd places.
        for quoted in line.split('`').skip(1).step_by(2) {
            if quoted.ends_with(".rs") {
                let found: Vec<_> = sources.iter().filter(|(path, _)| is_at(path, quoted)).collect();
                if found.is_empty() {
                    breaches.push(format!("{place}: there is no file {quoted}"));
                }
                files = Some(found);
            } else if is_test_name(quoted) {
                let declared = |(_, text): &&(String, String)| declares(text, quoted);
                let there = match &files {
                    Some(files) => files.iter().any(declared),
                    None => sources.iter().any(|file| declared(&file)),
                };
                if !there {
                    breaches.push(format!("{place}: there is no test {quoted} there"));
                }
            }
        }
    }
    breaches
}

fn declares(text: &str, test: &str) -> bool {
    // The contract's tests are generic over the store.
    ["(", "<"].iter().any(|after| text.contains(&format!("fn {test}{after}")))
}

fn is_at(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Tests are named by sentences; members and settings by two or three words.
fn is_test_name(quoted: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    quoted.matches('_').count() >= 3 && quoted.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = PAGES[0];

    fn found(page: &str) -> Vec<String> {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let sources = [
            file("crates/store/tests/contract/log.rs", "async fn a_read_is_bounded() {}"),
            file("crates/store/tests/contract/catalog.rs", "fn another_test_is_there() {}"),
        ];
        breaches(PAGE, page, &sources)
    }

    #[test]
    fn what_is_there_is_no_breach() {
        assert_eq!(found("contract `log.rs`: `a_read_is_bounded`; `catalog.rs`: `another_test_is_there`"), [""; 0]);
        assert_eq!(found("`another_test_is_there`, `failures_in_row`, `--seeds N`, `data.object`"), [""; 0]);
    }

    #[test]
    fn a_wrong_name_and_a_wrong_file_are_breaches() {
        assert_eq!(found("`log.rs`: `another_test_is_there`").len(), 1);
        assert_eq!(
            found("one\n`log.rs`: `a_read_is_not_bounded`"),
            [format!("{PAGE}:2: there is no test a_read_is_not_bounded there")]
        );
        assert_eq!(found("`og.rs`"), [format!("{PAGE}:1: there is no file og.rs")]);
    }
}
