//! The master key: 32 bytes, in base64, from the configuration, a file, or a file made at first start.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::clock::Entropy;
use domain::secret::Secret;
use store::MASTER_KEY_BYTES;

/// The file in the data folder.
const FILE: &str = "master.key";
/// What says that the store was used before.
const STORE_FILE: &str = "headwater.db";

/// Where the master key is.
#[derive(Clone, Debug)]
pub(crate) enum MasterKeySource {
    /// In the configuration.
    Text(Secret),
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
    #[error("the master key file {0} is damaged: expected 32 bytes in base64; restore it from a backup")]
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
    /// The master key, made if this is the first start.
    ///
    /// # Errors
    /// [`KeyError`], which says what to mend.
    pub(crate) fn load(&self, entropy: &dyn Entropy) -> Result<[u8; MASTER_KEY_BYTES], KeyError> {
        match self {
            Self::Text(text) => decoded(text.expose()).ok_or(KeyError::TextMalformed),
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
            Self::Text(_) | Self::File(_) => true,
            Self::DataFolder(folder) => folder.join(FILE).exists() || folder.join(STORE_FILE).exists(),
        }
    }
}

fn decoded(text: &str) -> Option<[u8; MASTER_KEY_BYTES]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

fn read(path: &Path) -> Result<[u8; MASTER_KEY_BYTES], KeyError> {
    let bytes = std::fs::read(path).map_err(|reason| KeyError::Unreadable { path: path.to_owned(), reason })?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    decoded(text).ok_or_else(|| KeyError::FileMalformed(path.to_owned()))
}

/// Makes the file whole or not at all, readable by its owner only; if another process was faster, its key holds.
fn make(folder: &Path, path: &Path, entropy: &dyn Entropy) -> Result<[u8; MASTER_KEY_BYTES], KeyError> {
    let unwritable = |reason| KeyError::Unwritable { folder: folder.to_owned(), reason };
    let mut key = [0; MASTER_KEY_BYTES];
    entropy.fill(&mut key);
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    // Files of this kind are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
    file.write_all(format!("{}\n", STANDARD.encode(key)).as_bytes()).map_err(unwritable)?;
    file.as_file().sync_all().map_err(unwritable)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(unwritable(error.error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn load(source: MasterKeySource) -> Result<[u8; MASTER_KEY_BYTES], KeyError> {
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
        let text = STANDARD.encode([7; MASTER_KEY_BYTES]);
        assert_eq!(load(MasterKeySource::Text(Secret::new(text))).unwrap(), [7; MASTER_KEY_BYTES]);
        let error = load(MasterKeySource::Text(Secret::new("too short"))).unwrap_err();
        assert!(!error.to_string().contains("too short"));
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
