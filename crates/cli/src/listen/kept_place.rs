//! The place in the log up to which events have been forwarded, kept between two runs.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use domain::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// Whose place it is: that of one target of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The server's URL, which says the tenant too.
    pub(super) server: String,
    /// Where events are forwarded to.
    pub(super) forward_to: String,
}

/// A place as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    server: String,
    forward_to: String,
    /// Where to go on.
    pub(super) offset: String,
    /// When it was kept.
    pub(super) saved_at: Timestamp,
}

/// The file that keeps it.
#[derive(Debug)]
pub(super) struct KeptPlace {
    route: Route,
    path: PathBuf,
    last: Option<String>,
}

impl KeptPlace {
    /// The file for `route` in `folder`, which need not be there.
    pub(super) fn new(folder: &Path, route: Route) -> Self {
        let words = format!("{}\n{}", route.server, route.forward_to);
        let name: String = digest::digest(&digest::SHA256, words.as_bytes()).as_ref()[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { route, path: folder.join("listen").join(format!("{name}.json")), last: None }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The place that was kept; `None` at the first time.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub(super) fn load(&mut self) -> io::Result<Option<Kept>> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let kept: Kept = serde_json::from_slice(&bytes)?;
        self.last = Some(kept.offset.clone());
        Ok(Some(kept))
    }

    /// Keeps a place: after a crash at any moment the file has either the former one or this.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn save(&mut self, offset: &str, now: Timestamp) -> io::Result<()> {
        if self.last.as_deref() == Some(offset) {
            return Ok(());
        }
        let Route { server, forward_to } = self.route.clone();
        let kept = Kept { server, forward_to, offset: offset.to_owned(), saved_at: now };
        let folder = self.path.parent().expect("the file is in a folder");
        std::fs::create_dir_all(folder)?;
        // Files of this kind are made with mode 0600.
        let file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&file, &kept)?;
        file.as_file().sync_data()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        self.last = Some(kept.offset);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(forward_to: &str) -> Route {
        Route { server: "http://x".into(), forward_to: forward_to.into() }
    }

    #[test]
    fn each_target_has_a_place_of_its_own_that_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = KeptPlace::new(folder.path(), route("http://a"));
        let mut second = KeptPlace::new(folder.path(), route("http://b"));
        assert_eq!(first.load().unwrap(), None);
        first.save("o1", Timestamp::from_millis(1)).unwrap();
        first.save("o2", Timestamp::from_millis(2)).unwrap();
        second.save("o3", Timestamp::from_millis(3)).unwrap();
        let kept = KeptPlace::new(folder.path(), route("http://a")).load().unwrap().unwrap();
        assert_eq!((kept.offset.as_str(), kept.saved_at), ("o2", Timestamp::from_millis(2)));
        assert_eq!(second.load().unwrap().unwrap().offset, "o3");
        assert_eq!(std::fs::read_dir(folder.path().join("listen")).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn a_place_that_cannot_be_read_or_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = KeptPlace::new(folder.path(), route("http://a"));
        place.save("o1", Timestamp::from_millis(1)).unwrap();
        std::fs::write(place.path(), "{").unwrap();
        assert!(place.load().is_err());
        let mut nowhere = KeptPlace::new(place.path(), route("http://a"));
        assert!(nowhere.save("o1", Timestamp::from_millis(1)).is_err());
    }
}
