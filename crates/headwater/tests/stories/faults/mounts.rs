//! File systems of a test's own, where it may mount them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::server::is_prepared_for;

/// A file system that is mounted on a folder, until this goes.
pub(crate) struct Mount {
    folder: Arc<tempfile::TempDir>,
    /// The file that it is in; none for one in memory.
    image: Option<(tempfile::TempDir, PathBuf)>,
}

impl Drop for Mount {
    fn drop(&mut self) {
        // The server may still be at work on it.
        run("umount", &["--lazy"], self.folder.path());
    }
}

fn run(program: &str, arguments: &[&str], last: &Path) -> bool {
    Command::new(program).args(arguments).arg(last).status().is_ok_and(|status| status.success())
}

impl Mount {
    /// One in memory, of this size; `None` where the machine is not prepared for it.
    pub(crate) fn memory(size: &str) -> Option<Self> {
        let folder = is_prepared_for("MOUNTS").then(|| Arc::new(tempfile::tempdir().unwrap()))?;
        assert!(run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], folder.path()));
        Some(Self { folder, image: None })
    }

    /// One with a journal, in a file of its own; `None` where the machine is not prepared for it.
    pub(crate) fn file_system() -> Option<Self> {
        let own = is_prepared_for("MOUNTS").then(|| tempfile::tempdir().unwrap())?;
        let image = own.path().join("image");
        std::fs::File::create(&image).unwrap().set_len(64 * 1024 * 1024).unwrap();
        assert!(run("mkfs.ext4", &["-q", "-F"], &image));
        let mount = Self { folder: Arc::new(tempfile::tempdir().unwrap()), image: Some((own, image)) };
        mount.attach();
        Some(mount)
    }

    fn attach(&self) {
        let (_, image) = self.image.as_ref().unwrap();
        assert!(run("mount", &["-o", "loop", image.to_str().unwrap()], self.folder.path()));
    }

    pub(crate) fn folder(&self) -> Arc<tempfile::TempDir> {
        Arc::clone(&self.folder)
    }

    fn remount(&self, option: &str) {
        assert!(run("mount", &["-o", &format!("remount,{option}")], self.folder.path()), "remount,{option}");
    }

    /// Makes it larger.
    pub(crate) fn grow(&self, size: &str) {
        self.remount(&format!("size={size}"));
    }

    pub(crate) fn make_read_only(&self) {
        self.remount("ro");
    }

    pub(crate) fn make_writable(&self) {
        self.remount("rw");
    }

    /// Has it become read-only under whoever writes, as it does when the disk below reports errors.
    pub(crate) fn fail(&self) {
        self.remount("abort");
    }

    /// Mounts it anew, with nobody at work on it.
    pub(crate) fn repair(&self) {
        assert!(run("umount", &[], self.folder.path()));
        let (_, image) = self.image.as_ref().unwrap();
        // 0: in order; 1: it was mended.
        let checked = Command::new("fsck.ext4").args(["-p", "-f"]).arg(image).output().unwrap();
        assert!(checked.status.code().is_some_and(|code| code <= 1), "{checked:?}");
        self.attach();
    }
}
