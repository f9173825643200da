//! The master key: 32 bytes, in base64, from the configuration, a file, or a file made at first start. While it is being
//! changed there are several: the newest first, and after it those that something may still be sealed with.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::clock::Entropy;
use domain::secret::Secret;
use store::{Keyring, MASTER_KEY_BYTES};

/// The file in the data folder.
const FILE: &str = "master.key";
/// What says that the store was used before.
const STORE_FILE: &str = "headwater.db";
/// The mode of files that we make.
const OWNER_ONLY: u32 = 0o600;

type MasterKey = [u8; MASTER_KEY_BYTES];

/// Master keys: the newest, and those before it that something may still be sealed with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MasterKeys {
    pub(crate) newest: MasterKey,
    pub(crate) previous: Vec<MasterKey>,
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKeys(***, {} previous)", self.previous.len())
    }
}

impl MasterKeys {
    /// One key to seal with, made up.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        let mut newest = [0; MASTER_KEY_BYTES];
        entropy.fill(&mut newest);
        Self { newest, previous: Vec::new() }
    }

    /// These keys with another one as the newest.
    pub(crate) fn followed_by(&self, newest: MasterKey) -> Self {
        Self { newest, previous: std::iter::once(self.newest).chain(self.previous.iter().copied()).collect() }
    }

    /// A keyring with all of them.
    pub(crate) fn keyring(&self) -> Keyring {
        Keyring::with_previous(&self.newest, &self.previous)
    }

    /// Reads keys, each in base64, with white space or commas between them; at least one.
    fn parse(text: &str) -> Option<Self> {
        let mut keys = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let key = |word: &str| STANDARD.decode(word).ok()?.try_into().ok();
        let newest = key(keys.next()?)?;
        Some(Self { newest, previous: keys.map(key).collect::<Option<_>>()? })
    }

    /// A line each, the newest first.
    fn text(&self) -> String {
        let keys = std::iter::once(&self.newest).chain(&self.previous);
        keys.map(|key| STANDARD.encode(key) + "\n").collect()
    }
}

/// Where the master key is.
#[derive(Clone, Debug)]
pub(crate) enum MasterKeySource {
    /// In the configuration, and beside it those before it.
    Text { newest: Secret, previous: Option<Secret> },
    /// In a file of the operator's.
    File(PathBuf),
    /// In a file of our own in this data folder, made when it is needed for the first time.
    DataFolder(PathBuf),
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("HEADWATER_MASTER_KEY: expected 32 bytes in base64; `openssl rand -base64 32` makes such a key")]
    TextMalformed,
    #[error("HEADWATER_MASTER_KEY_PREVIOUS: expected the former master keys in base64, with commas between them")]
    PreviousMalformed,
    #[error(
        "the master key file {0} is damaged: expected 32 bytes in base64, a key a line, the newest first; restore it from a backup"
    )]
    FileMalformed(PathBuf),
    #[error("the master key file {path} cannot be read: {reason}")]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error(
        "the data folder {folder} cannot be written: {reason}; make it writable or choose another (HEADWATER_DATA_DIR)"
    )]
    Unwritable { folder: PathBuf, reason: std::io::Error },
    #[error(
        "the master key file {0} is missing, but the store beside it needs it; restore it from a backup or set HEADWATER_MASTER_KEY"
    )]
    Missing(PathBuf),
}

impl MasterKeySource {
    /// The master keys; one is made if this is the first start.
    ///
    /// # Errors
    /// [`KeyError`], which says what to mend.
    pub(crate) fn load(&self, entropy: &dyn Entropy) -> Result<MasterKeys, KeyError> {
        match self {
            Self::Text { newest, previous } => given(newest, previous.as_ref()),
            Self::File(path) => read(path),
            Self::DataFolder(folder) => {
                let path = folder.join(FILE);
                match path.try_exists() {
                    Ok(true) => read(&path),
                    Ok(false) if folder.join(STORE_FILE).exists() => Err(KeyError::Missing(path)),
                    Ok(false) => make(folder, &path, entropy),
                    Err(reason) => Err(KeyError::Unwritable { folder: folder.clone(), reason }),
                }
            }
        }
    }

    /// Whether the key is there already, where it can be said without making it.
    pub(crate) fn is_made(&self) -> bool {
        match self {
            Self::Text { .. } | Self::File(_) => true,
            Self::DataFolder(folder) => folder.join(FILE).exists() || folder.join(STORE_FILE).exists(),
        }
    }

    /// The file that it is in, if it is in one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Text { .. } => None,
            Self::File(path) => Some(path.clone()),
            Self::DataFolder(folder) => Some(folder.join(FILE)),
        }
    }
}

fn given(newest: &Secret, previous: Option<&Secret>) -> Result<MasterKeys, KeyError> {
    let parsed = |text: &Secret| MasterKeys::parse(text.expose());
    let keys = parsed(newest).filter(|keys| keys.previous.is_empty()).ok_or(KeyError::TextMalformed)?;
    match previous {
        None => Ok(keys),
        Some(previous) => {
            let previous = parsed(previous).ok_or(KeyError::PreviousMalformed)?;
            Ok(previous.followed_by(keys.newest))
        }
    }
}

fn read(path: &Path) -> Result<MasterKeys, KeyError> {
    let bytes = std::fs::read(path).map_err(|reason| KeyError::Unreadable { path: path.to_owned(), reason })?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    MasterKeys::parse(text).ok_or_else(|| KeyError::FileMalformed(path.to_owned()))
}

/// Makes the file whole or not at all, readable by its owner only; if another process was faster, its key holds.
fn make(folder: &Path, path: &Path, entropy: &dyn Entropy) -> Result<MasterKeys, KeyError> {
    let unwritable = |reason| KeyError::Unwritable { folder: folder.to_owned(), reason };
    let keys = MasterKeys::generate(entropy);
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let file = written(folder, &keys).map_err(unwritable)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            flush_folder(folder).map_err(unwritable)?;
            Ok(keys)
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(unwritable(error.error)),
    }
}

/// Replaces the keys in a file, whole or not at all, durably. Its mode stays, and what a link to it points to.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn replace(path: &Path, keys: &MasterKeys) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mode = std::fs::metadata(&path)?.permissions().mode();
    let file = written(folder, keys)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.persist(&path).map_err(|error| error.error)?;
    flush_folder(folder)
}

fn written(folder: &Path, keys: &MasterKeys) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.as_file().set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    file.write_all(keys.text().as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes what a folder lists durable.
fn flush_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn load(source: MasterKeySource) -> Result<MasterKeys, KeyError> {
        source.load(&SystemEntropy)
    }

    #[test]
    fn a_first_start_makes_a_key_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let source = MasterKeySource::DataFolder(data.clone());
        assert!(!source.is_made());
        let key = load(source.clone()).unwrap();
        assert!(source.is_made());
        assert_eq!(load(source).unwrap(), key);
        let mode = std::fs::metadata(data.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for damaged in [&b""[..], b"AAAA", b"\xff\xfe"] {
            std::fs::write(&path, damaged).unwrap();
            let error = load(MasterKeySource::DataFolder(folder.path().to_owned())).unwrap_err();
            assert!(error.to_string().contains("is damaged"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn a_lost_file_beside_a_used_store_is_not_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(STORE_FILE), b"").unwrap();
        let error = load(MasterKeySource::DataFolder(folder.path().to_owned())).unwrap_err();
        assert!(matches!(error, KeyError::Missing(_)));
        assert!(!folder.path().join(FILE).exists());
    }

    #[test]
    fn a_key_in_the_configuration() {
        let key = |byte| STANDARD.encode([byte; MASTER_KEY_BYTES]);
        let load_text = |newest: &str, previous: Option<String>| {
            load(MasterKeySource::Text { newest: Secret::new(newest), previous: previous.map(Secret::new) })
        };
        let expected = MasterKeys { newest: [7; MASTER_KEY_BYTES], previous: Vec::new() };
        assert_eq!(load_text(&key(7), None).unwrap(), expected);
        let keys = load_text(&key(7), Some(format!("{}, {}", key(6), key(5)))).unwrap();
        assert_eq!(keys, MasterKeys { previous: vec![[6; MASTER_KEY_BYTES], [5; MASTER_KEY_BYTES]], ..expected });
        for (newest, previous) in [("too short", None), (&*key(7), Some("too short".to_owned()))] {
            let error = load_text(newest, previous).unwrap_err();
            assert!(!error.to_string().contains("too short"));
        }
    }

    #[test]
    fn a_file_holds_several_keys_while_they_are_changed() {
        let folder = tempfile::tempdir().unwrap();
        let source = MasterKeySource::DataFolder(folder.path().to_owned());
        let first = load(source.clone()).unwrap();
        let both = first.followed_by([9; MASTER_KEY_BYTES]);
        let path = source.file().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, &both).unwrap();
        assert!(link.is_symlink());
        assert_eq!(load(source).unwrap(), both);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, OWNER_ONLY);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn a_data_folder_that_cannot_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let error = load(MasterKeySource::DataFolder(file.join("data"))).unwrap_err();
        assert!(matches!(error, KeyError::Unwritable { .. }), "{error}");
        assert_eq!(error.to_string().matches("os error").count(), 1, "{error}");
    }
}
