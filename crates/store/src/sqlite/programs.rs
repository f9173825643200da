//! What an action runs, as it is stored: the columns `code`, `runtime` and `secrets` of drafts and versions alike.

use domain::action::{ActionSecret, Program, Runtime};
use domain::clock::{Entropy, Timestamp};
use domain::secret::Secret;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::rows::{Place, json, to_json};
use crate::{Keyring, StoreError};

/// A secret in the sealed list.
#[derive(Serialize, Deserialize)]
struct StoredSecret {
    name: String,
    value: String,
    updated_at: Timestamp,
}

/// Where a program is stored: the table, and the id of the row, which its secrets are sealed for.
#[derive(Clone, Copy)]
pub(super) struct ProgramPlace<'a> {
    pub(super) table: &'static str,
    pub(super) id: &'a str,
}

impl ProgramPlace<'_> {
    fn context(self) -> String {
        format!("{}/{}", self.table, self.id)
    }
}

/// The secrets of a program, sealed together; nothing if it has none.
pub(super) fn sealed(
    program: &Program,
    place: ProgramPlace<'_>,
    keyring: &Keyring,
    entropy: &dyn Entropy,
) -> Option<Vec<u8>> {
    let stored = |secret: &ActionSecret| StoredSecret {
        name: secret.name.clone(),
        value: secret.value.expose().to_owned(),
        updated_at: secret.updated_at,
    };
    let list: Vec<StoredSecret> = program.secrets.iter().map(stored).collect();
    (!list.is_empty()).then(|| keyring.seal(&Secret::new(to_json(&list)), &place.context(), entropy))
}

/// The program of a row whose columns `code`, `runtime` and `secrets` are the `first` one and those after it.
pub(super) fn program_of(
    row: &Row<'_>,
    first: usize,
    place: ProgramPlace<'_>,
    keyring: &Keyring,
) -> rusqlite::Result<Result<Program, StoreError>> {
    let (code, runtime): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let sealed: Option<Vec<u8>> = row.get(first + 2)?;
    let cell = |column| Place { table: place.table, column, row: &place.id };
    let read = || {
        let runtime = Runtime::from_name(&runtime).ok_or_else(|| cell("runtime").corrupt())?;
        let secrets = match sealed {
            None => Vec::new(),
            Some(sealed) => {
                let opened = keyring.open(&sealed, &place.context()).map_err(|_| cell("secrets").corrupt())?;
                let stored: Vec<StoredSecret> = json(opened.expose(), cell("secrets"))?;
                stored.into_iter().map(secret_of).collect()
            }
        };
        Ok(Program { code, runtime, secrets })
    };
    Ok(read())
}

fn secret_of(stored: StoredSecret) -> ActionSecret {
    ActionSecret { name: stored.name, value: Secret::new(stored.value), updated_at: stored.updated_at }
}
