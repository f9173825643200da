//! The file that profiles are kept in: only its owner can read it, and nobody ever sees half of it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Profiles;

const FILE: &str = "profiles.json";
const LOCK: &str = "profiles.lock";
/// How long a command waits for another one that is writing, which takes milliseconds.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Where profiles are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFile {
    folder: PathBuf,
}

/// Why profiles cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file says something else.
    #[error("{path} is damaged ({reason}); mend it, or remove it and log in again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be read or written.
    #[error("{path}: {error}; HEADWATER_CONFIG_DIR names another folder")]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// Another command has been writing for too long.
    #[error("{0} is locked by another command that does not end")]
    Locked(PathBuf),
}

impl ProfileFile {
    /// The file in this folder; neither has to exist.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The path of the file.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it says; nothing if there is none.
    ///
    /// # Errors
    /// [`FileError::Damaged`], [`FileError::Unusable`]
    pub fn read(&self) -> Result<Profiles, FileError> {
        let path = self.path();
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Profiles::default()),
            Err(error) => return Err(FileError::Unusable { path, error }),
        };
        serde_json::from_slice(&text).map_err(|error| FileError::Damaged { path, reason: error.to_string() })
    }

    /// Changes what it says. Commands that do so at the same time wait for each other, so that nothing is lost;
    /// those that only read see the file before or after, never in between.
    ///
    /// # Errors
    /// As [`ProfileFile::read`], and [`FileError::Locked`].
    pub fn change<T>(&self, change: impl FnOnce(&mut Profiles) -> T) -> Result<T, FileError> {
        self.make_folder()?;
        let _held_until_the_end = self.lock()?;
        let before = self.read()?;
        let mut profiles = before.clone();
        let answer = change(&mut profiles);
        if profiles != before {
            self.write(&profiles).map_err(|error| FileError::Unusable { path: self.path(), error })?;
        }
        Ok(answer)
    }

    fn make_folder(&self) -> Result<(), FileError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        for_the_owner_only(&mut builder);
        builder.create(&self.folder).map_err(|error| FileError::Unusable { path: self.folder.clone(), error })
    }

    fn lock(&self) -> Result<File, FileError> {
        let path = self.folder.join(LOCK);
        let unusable = |error| FileError::Unusable { path: path.clone(), error };
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(unusable)?;
        for _ in 0..LOCK_WAIT_MAX.as_millis() / LOCK_PAUSE.as_millis() {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        Err(FileError::Locked(path))
    }

    fn write(&self, profiles: &Profiles) -> std::io::Result<()> {
        // Files of this kind are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer_pretty(&mut file, profiles)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(self.path()).map(|_| ()).map_err(|error| error.error)
    }
}

#[cfg(unix)]
fn for_the_owner_only(builder: &mut DirBuilder) {
    use std::os::unix::fs::DirBuilderExt;
    builder.mode(0o700);
}

#[cfg(not(unix))]
fn for_the_owner_only(_: &mut DirBuilder) {
    // The profile of a user is the user's own already.
}

#[cfg(test)]
mod tests {
    use domain::secret::Secret;

    use super::super::{MadeBy, Profile, ProfileName};
    use super::*;

    fn profile() -> Profile {
        Profile {
            url: "https://acme.example.com".into(),
            client_id: "id".into(),
            client_secret: Some(Secret::new("s3cret")),
            extra_ca: None,
            made_by: MadeBy::Login,
            token: None,
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_folder(folder.path().join("a/b"));
        assert_eq!(file.read().unwrap(), Profiles::default());
        file.change(|profiles| profiles.log_in(ProfileName::dev(), profile())).unwrap();
        let read = file.read().unwrap();
        assert_eq!(read.default_profile(), Some((&ProfileName::dev(), &profile())));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_folder(folder.path().join("headwater"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        file.change(|profiles| profiles.log_in(ProfileName::dev(), profile())).unwrap();
        assert_eq!((mode(file.folder()), mode(&file.path())), (0o700, 0o600));
        // One that others could read is closed with the next change.
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        file.change(|profiles| profiles.remove(&ProfileName::dev())).unwrap();
        assert_eq!(mode(&file.path()), 0o600);
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_folder(folder.path());
        std::thread::scope(|scope| {
            for index in 0..16 {
                let file = &file;
                scope.spawn(move || {
                    let name = ProfileName::parse(&format!("p{index}")).unwrap();
                    file.change(|profiles| profiles.log_in(name, profile())).unwrap();
                });
            }
        });
        assert_eq!(file.read().unwrap().iter().count(), 16);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_folder(folder.path());
        std::fs::write(file.path(), "{").unwrap();
        let error = file.change(|profiles| profiles.log_in(ProfileName::dev(), profile())).unwrap_err();
        assert!(error.to_string().contains("profiles.json is damaged"), "{error}");
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "{");
    }
}
