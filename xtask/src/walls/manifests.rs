//! What a crate may depend on.

use anyhow::{Context, Result};
use toml::Table;

/// A crate of the workspace and the arrows that leave it.
struct Crate {
    name: &'static str,
    sees: &'static [&'static str],
}

/// The plan of the house: arrows point down only.
const CRATES: &[Crate] = &[
    Crate { name: "domain", sees: &[] },
    Crate { name: "store", sees: &["domain"] },
    Crate { name: "web", sees: &["domain", "store"] },
    Crate { name: "delivery", sees: &["domain", "store"] },
    Crate { name: "cli", sees: &["domain"] },
    Crate { name: "receiver", sees: &["domain"] },
    Crate { name: "headwater", sees: &["cli", "delivery", "domain", "receiver", "store", "web"] },
    Crate { name: "xtask", sees: &[] },
];

/// All that `domain` may use: nothing that does I/O, is async, reads a clock or draws randomness.
const DOMAIN_USES: &[&str] =
    &["base64", "bytes", "cel", "ipnet", "jiff", "md-5", "serde", "serde_json", "sha2", "thiserror", "url"];

/// A library that only some crates may use, and why.
struct Reserved {
    libraries: &'static [&'static str],
    by: &'static [&'static str],
    why: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        libraries: &["rusqlite", "libsqlite3-sys", "sqlx", "tokio-postgres", "postgres", "diesel", "async-nats"],
        by: &["store", "receiver"],
        why: "only store writes SQL, so that a change and its events stay one transaction (the receiver has a database of its own)",
    },
    Reserved {
        libraries: &["axum", "tower", "tower-http"],
        by: &["web", "receiver", "headwater"],
        why: "only web serves the API (receivers take webhooks: the crate of that name, and the binary's for dev and demo)",
    },
    Reserved {
        libraries: &["reqwest", "ureq", "isahc", "hyper-rustls"],
        by: &["cli"],
        why: "customer addresses are reached only through delivery/src/outbound, which checks them",
    },
    Reserved {
        libraries: &["hyper", "hyper-util"],
        by: &["web", "delivery"],
        why: "web serves with it, delivery calls with it, nobody else speaks raw HTTP",
    },
    Reserved {
        libraries: &["rquickjs", "rquickjs-core", "boa_engine", "deno_core", "rusty_v8"],
        by: &["delivery"],
        why: "foreign code runs only in the processes of delivery/src/actions",
    },
    Reserved {
        libraries: &["aws-config", "aws-sdk-eventbridge", "aws-sdk-sts", "aws-smithy-http-client"],
        by: &["delivery"],
        why: "only delivery talks to AWS, whose SDK reads its own variables and makes connections of its own",
    },
    Reserved { libraries: &["openssl", "openssl-sys", "native-tls"], by: &[], why: "TLS is rustls everywhere" },
];

/// The breaches in a crate's manifest. Dependencies of tests alone are free.
pub(super) fn breaches(name: &str, manifest: &str) -> Result<Vec<String>> {
    let manifest: Table = manifest.parse().with_context(|| format!("the manifest of {name} is not TOML"))?;
    let Some(plan) = CRATES.iter().find(|each| each.name == name) else {
        return Ok(vec![format!("{name}: not in the plan of the house; add it to ARCHITECTURE.md and to the walls")]);
    };
    let mut breaches = Vec::new();
    for library in dependencies(&manifest) {
        if CRATES.iter().any(|each| each.name == library) && !plan.sees.contains(&library.as_str()) {
            breaches.push(format!("{name}: may not depend on {library}; it sees only {:?}", plan.sees));
        } else if name == "domain" && !DOMAIN_USES.contains(&library.as_str()) {
            breaches.push(format!("domain: may not depend on {library}; it does no I/O and may use {DOMAIN_USES:?}"));
        }
        let reserved = RESERVED.iter().filter(|rule| rule.libraries.contains(&library.as_str()));
        for rule in reserved.filter(|rule| !rule.by.contains(&name)) {
            breaches.push(format!("{name}: may not depend on {library}: {}", rule.why));
        }
    }
    Ok(breaches)
}

/// The real names of what is built into the crate, renamed or not, on any platform.
fn dependencies(manifest: &Table) -> Vec<String> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let platforms = platforms.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table);
    let sections = std::iter::once(manifest).chain(platforms);
    let tables = sections.flat_map(|section| ["dependencies", "build-dependencies"].map(|key| section.get(key)));
    let entries = tables.flatten().filter_map(toml::Value::as_table).flatten();
    entries
        .map(|(name, details)| details.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(name: &str, manifest: &str) -> usize {
        breaches(name, manifest).unwrap().len()
    }

    #[test]
    fn the_domain_does_no_io() {
        assert_eq!(count("domain", "[dependencies]\nserde.workspace = true\n[dev-dependencies]\nproptest = \"1\""), 0);
        for library in ["tokio", "async-trait", "rand", "reqwest", "store"] {
            assert!(count("domain", &format!("[dependencies]\n{library} = \"1\"")) > 0, "{library}");
        }
    }

    #[test]
    fn arrows_point_down_only() {
        assert_eq!(count("web", "[dependencies]\nstore.workspace = true\ndomain.workspace = true"), 0);
        assert_eq!(count("web", "[dependencies]\ndelivery.workspace = true"), 1);
        assert_eq!(count("delivery", "[dependencies]\nweb.workspace = true"), 1);
        assert_eq!(count("store", "[dependencies]\nweb.workspace = true"), 1);
        for library in ["store", "web", "delivery"] {
            for outsider in ["cli", "receiver"] {
                assert_eq!(count(outsider, &format!("[dependencies]\n{library}.workspace = true")), 1);
            }
        }
    }

    #[test]
    fn reserved_libraries() {
        assert_eq!(count("store", "[dependencies]\nrusqlite = \"0.41\""), 0);
        assert_eq!(count("web", "[dependencies]\nrusqlite = \"0.41\""), 1);
        assert_eq!(count("headwater", "[dependencies]\nreqwest = \"0.13\""), 1);
        assert_eq!(count("headwater", "[dev-dependencies]\nreqwest = \"0.13\""), 0);
        assert_eq!(count("delivery", "[dependencies]\nnative-tls = \"0.2\""), 1);
        assert_eq!(count("headwater", "[dependencies]\nhyper = \"1\""), 1);
    }

    #[test]
    fn neither_a_new_name_nor_a_platform_hides_a_dependency() {
        assert_eq!(count("web", "[dependencies]\ndatabase = { package = \"rusqlite\", version = \"1\" }"), 1);
        assert_eq!(count("web", "[target.'cfg(unix)'.dependencies]\nrusqlite = \"1\""), 1);
        assert_eq!(count("web", "[build-dependencies.sqlx]\nversion = \"1\""), 1);
    }

    #[test]
    fn a_crate_that_is_not_in_the_plan() {
        assert_eq!(count("helpers", ""), 1);
    }
}
