//! The page of compatibility is written from what a run of the tests has shown: which test got which answer, raised which
//! event, and which client was played.

mod page;
mod run;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use run::Run;

const PAGE: &str = "docs/compatibility.md";
/// What says that the run ended well.
const COMPLETE: &str = "complete";

/// An official client, and the stories that play it.
pub(crate) struct Client {
    /// What it is called on the page.
    pub(crate) name: &'static str,
    /// The stories.
    pub(crate) stories: &'static [&'static str],
    /// Why it could not be played here, if it could not.
    pub(crate) lacks: Option<String>,
}

/// Where a run notes what it shows.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/compatibility")
}

/// Forgets what an earlier run has shown.
pub(crate) fn begin(root: &Path) -> Result<PathBuf> {
    let folder = folder(root);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

/// Notes that a run has ended well.
pub(crate) fn end(folder: &Path) -> Result<()> {
    std::fs::write(folder.join(COMPLETE), "").context("the run cannot be marked as complete")
}

/// Whether there is a run that has ended well.
pub(crate) fn is_recorded(root: &Path) -> bool {
    folder(root).join(COMPLETE).is_file()
}

/// Compares the page with what the last run has shown; answers what could not be compared. A client that was not played
/// here may say on the page what it says.
pub(crate) fn check(root: &Path, clients: &[Client]) -> Result<String> {
    let run = Run::read(&folder(root))?;
    run.complete()?;
    let committed = read_page(root)?;
    let untrue = page::untrue(&committed, &run, clients)?;
    if !untrue.is_empty() {
        let untrue = untrue.join("\n");
        bail!("{PAGE} is not true of the run; write it anew with `cargo xtask compatibility --last-run`\n{untrue}");
    }
    let unnamed = run.unnamed();
    if !unnamed.is_empty() {
        println!("shown, but by no test that is named after it:\n  {}", unnamed.join("\n  "));
    }
    let missing: Vec<_> = clients.iter().filter(|client| client.lacks.is_some()).map(|client| client.name).collect();
    Ok(if missing.is_empty() { String::new() } else { format!("not played here: {}", missing.join("; ")) })
}

/// Writes the page from what the last run has shown.
pub(crate) fn write(root: &Path, clients: &[Client]) -> Result<()> {
    let run = Run::read(&folder(root))?;
    run.complete()?;
    let shown = page::written(&read_page(root)?, &run, clients, page::Gaps::Told)?;
    std::fs::write(root.join(PAGE), shown).with_context(|| format!("{PAGE} cannot be written"))
}

fn read_page(root: &Path) -> Result<String> {
    std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("{PAGE} cannot be read"))
}
