//! What the source of a crate may say.

use super::source::code_of;

/// Words that only some files may use, and why.
struct Rule {
    /// Whether the rule looks at a file at all.
    holds_for: fn(&str) -> bool,
    /// The one place that may.
    allowed_in: fn(&str) -> bool,
    words: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        holds_for: |path| path.starts_with("crates/domain/src/"),
        allowed_in: |_| false,
        words: &[
            "async fn",
            "async move",
            ".await",
            "std::net",
            "std::fs",
            "std::io",
            "std::env",
            "std::thread",
            "std::process",
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
        ],
        why: "domain does no I/O, is not async and reads no clock",
    },
    Rule {
        holds_for: is_product,
        allowed_in: |path| {
            path == "crates/delivery/src/outbound.rs" || path.starts_with("crates/delivery/src/outbound/")
        },
        words: &["TcpStream::connect", "lookup_host", "ToSocketAddrs", "hyper::client", "hyper_util::client"],
        why: "customer addresses are reached only through delivery/src/outbound, which checks them",
    },
    Rule {
        holds_for: is_product,
        allowed_in: |path| path == "crates/headwater/src/environment.rs",
        words: &["env::var(", "env::vars", "env::vars_os", "env::var_os", "env::set_var", "env::remove_var"],
        why: "the environment is read only in headwater/src/environment.rs",
    },
    Rule {
        holds_for: is_product,
        allowed_in: |path| path == "crates/headwater/src/clock.rs",
        words: &["SystemTime::now", "Instant::now"],
        why: "time is a parameter (domain::clock); only headwater/src/clock.rs reads it",
    },
];

/// Names that say nothing, so that everything ends up in them.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

/// The crates' own sources; tests and chores may do as they need.
fn is_product(path: &str) -> bool {
    path.starts_with("crates/") && path.split('/').nth(2) == Some("src") && !path.ends_with("/tests.rs")
}

/// The breaches in the file at `path` (from the workspace's root, with slashes).
pub(super) fn breaches(path: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    let folder_name = path.rsplit('/').nth(1).unwrap_or("");
    if EMPTY_NAMES.contains(&name) || (name == "mod" && EMPTY_NAMES.contains(&folder_name)) {
        breaches.push(format!("{path}: a file is named after its one subject"));
    }
    let code = code_of(text);
    let code = without_tests(&code);
    for rule in RULES.iter().filter(|rule| (rule.holds_for)(path) && !(rule.allowed_in)(path)) {
        for (index, line) in code.lines().enumerate() {
            for word in rule.words.iter().filter(|word| says(line, word)) {
                breaches.push(format!("{path}:{}: `{word}`: {}", index + 1, rule.why));
            }
        }
    }
    breaches
}

/// Whether the line has the words as such, not as the beginning or end of longer names.
fn says(line: &str, words: &str) -> bool {
    let in_name = |each: char| each.is_alphanumeric() || each == '_';
    line.match_indices(words).any(|(at, _)| {
        let goes_on = words.ends_with(in_name) && line[at + words.len()..].starts_with(in_name);
        let began_before = words.starts_with(in_name) && line[..at].ends_with(in_name);
        !goes_on && !began_before
    })
}

/// The code before the tests at the foot of the file.
fn without_tests(code: &str) -> &str {
    code.find("#[cfg(test)]\nmod tests {").map_or(code, |at| &code[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        breaches(path, text).len()
    }

    #[test]
    fn the_domain_is_not_async_and_reads_no_clock() {
        let path = "crates/domain/src/delivery/window.rs";
        assert_eq!(count(path, "// read .await elsewhere\nfn decide() { core.awaited(); my_std::fs(); }"), 0);
        for code in
            ["async fn f() {}", "x.await", "use std::fs;", "use std::net::IpAddr;", "let now = SystemTime::UNIX_EPOCH;"]
        {
            assert_eq!(count(path, code), 1, "{code}");
        }
    }

    #[test]
    fn only_outbound_connects() {
        let code = "let socket = TcpStream::connect(address);";
        assert_eq!(count("crates/delivery/src/outbound/dial.rs", code), 0);
        assert_eq!(count("crates/delivery/src/outbound.rs", code), 0);
        assert_eq!(count("crates/delivery/src/engine.rs", code), 1);
        assert_eq!(count("crates/web/src/lib.rs", "use hyper_util::client::legacy::Client;"), 1);
        assert_eq!(count("crates/headwater/tests/stories/main.rs", code), 0);
    }

    #[test]
    fn only_the_binary_reads_the_environment_and_the_clock() {
        let code = "let value = std::env::var(name);";
        assert_eq!(count("crates/headwater/src/environment.rs", code), 0);
        assert_eq!(count("crates/headwater/src/config.rs", code), 1);
        assert_eq!(count("crates/store/src/sqlite/mod.rs", "std::env::vars()"), 1);
        assert_eq!(count("crates/web/src/auth.rs", "std::time::Instant::now()"), 1);
        assert_eq!(count("crates/headwater/src/clock.rs", "std::time::Instant::now()"), 0);
    }

    #[test]
    fn tests_at_the_foot_of_a_file_are_free() {
        let code = "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { TcpStream::connect(a); }\n}";
        assert_eq!(count("crates/web/src/lib.rs", code), 0);
    }

    #[test]
    fn tests_in_a_file_of_their_own_are_free() {
        let code = "fn g() { TcpStream::connect(a); }";
        assert_eq!(count("crates/receiver/src/server/tests.rs", code), 0);
        assert_eq!(count("crates/receiver/src/server.rs", code), 1);
    }

    #[test]
    fn names_that_say_nothing() {
        assert_eq!(count("crates/web/src/utils.rs", ""), 1);
        assert_eq!(count("crates/web/src/common/mod.rs", ""), 1);
        assert_eq!(count("crates/web/src/paging.rs", ""), 0);
    }
}
