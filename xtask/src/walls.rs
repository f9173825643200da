//! The walls between the crates: what manifests and sources may not say.
//!
//! Each rule names the one place that may; `ARCHITECTURE.md` says why.

mod guarantees;
mod manifests;
mod source;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Files longer than this are listed, so that they are split while that is easy.
const LINES_MAX: usize = 400;

/// Checks all walls of the workspace at `root`; an error lists every breach, the text what is worth a look.
pub(crate) fn check(root: &Path) -> Result<String> {
    let mut breaches = Vec::new();
    let mut warnings = Vec::new();
    for folder in crate_folders(root)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        breaches.extend(manifests::breaches(&name, &read(&folder.join("Cargo.toml"))?)?);
    }
    let files = rust_files(root)?;
    for file in &files {
        let path = slashed(root, file);
        let text = read(file)?;
        breaches.extend(sources::breaches(&path, &text));
        let lines = text.lines().count();
        if lines > LINES_MAX {
            warnings.push(format!("warning: {path} has {lines} lines; a file is one subject, {LINES_MAX} at most"));
        }
    }
    let sources: Vec<(String, String)> =
        files.iter().map(|file| Ok((slashed(root, file), read(file)?))).collect::<Result<_>>()?;
    for name in guarantees::PAGES {
        let page = root.join(name);
        if page.is_file() {
            breaches.extend(guarantees::breaches(name, &read(&page)?, &sources));
        }
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the walls:\n  {}", breaches.len(), breaches.join("\n  "));
    }
    warnings.push(format!("{} files keep the walls", files.len()));
    Ok(warnings.join("\n"))
}

/// The path below the root, as documents write it.
fn slashed(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn crate_folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = entries(&root.join("crates"))?;
    folders.push(root.join("xtask"));
    folders.retain(|folder| folder.join("Cargo.toml").is_file());
    Ok(folders)
}

/// Every Rust file of the workspace, without what is built or installed into it.
fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.join("crates"), root.join("xtask")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() && name != "target" && name != "node_modules" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace_with(manifest: &str, source: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("crates/domain");
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::create_dir_all(root.path().join("xtask")).unwrap();
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.join("src/lib.rs"), source).unwrap();
        root
    }

    #[test]
    fn a_breach_in_a_manifest_and_one_in_a_source_are_both_listed() {
        let root = workspace_with("[dependencies]\ntokio.workspace = true\n", "async fn run() {}\n");
        let text = format!("{:#}", check(root.path()).unwrap_err());
        assert!(text.starts_with("2 breaches"), "{text}");
        assert!(text.contains("tokio") && text.contains("crates/domain/src/lib.rs:1"), "{text}");
    }

    #[test]
    fn a_long_file_is_a_warning() {
        let root = workspace_with("[dependencies]\nserde = \"1\"\n", &"fn f() {}\n".repeat(LINES_MAX + 1));
        assert!(check(root.path()).unwrap().contains("401 lines"));
    }

    #[test]
    fn this_workspace_keeps_the_walls() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        check(root).unwrap();
    }
}
