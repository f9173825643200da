//! What a run of the tests shows, noted for the page of compatibility: one line each, in the folder that
//! `HEADWATER_TEST_RECORD` names. `cargo xtask compatibility` makes the page of it.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// Where to note it; nowhere, if nobody wants to know.
pub(crate) fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::var_os("HEADWATER_TEST_RECORD").map(PathBuf::from)).as_deref()
}

/// Notes what the test of this thread has shown, once. A thread of its own has the test's name.
pub(crate) fn note(words: &[&str]) {
    static NOTED: OnceLock<Mutex<(File, HashSet<String>)>> = OnceLock::new();
    let current = std::thread::current();
    let (Some(folder), Some(test)) = (folder(), current.name().filter(|name| name.contains("::"))) else { return };
    let line = format!("{}\t{test}\n", words.join("\t"));
    let noted = NOTED.get_or_init(|| {
        let path = folder.join(env!("CARGO_CRATE_NAME")).with_extension("tsv");
        Mutex::new((OpenOptions::new().create(true).append(true).open(path).unwrap(), HashSet::new()))
    });
    let (file, known) = &mut *noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if known.insert(line.clone()) {
        file.write_all(line.as_bytes()).unwrap();
    }
}
