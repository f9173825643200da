//! `headwater keys`: the master key and the signing keys are changed, also while a server is running.

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use domain::clock::{Clock, Entropy};
use store::{Retire, StoreError};

use super::serve::ServeCommand;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::{self, Request};
use crate::entropy::SystemEntropy;
use crate::environment::Environment;
use crate::lifecycle;
use crate::rotation::{MasterKeyRotation, Resealed};
use crate::terminal::Terminal;

/// Changes keys.
#[derive(Args)]
pub(crate) struct KeysCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A new master key: everything is sealed anew with it, and the former one goes. With --signing, new keys to sign
    /// tokens with. The server may be running.
    Rotate(Rotate),
}

#[derive(Args)]
struct Rotate {
    /// Not the master key, but the keys that tokens are signed with.
    #[arg(long)]
    signing: bool,
    /// Only the key of this tenant.
    #[arg(long, value_name = "NAME", requires = "signing")]
    tenant: Option<String>,
    /// Tokens of the former keys hold no more from now on: for a key that somebody else has.
    #[arg(long, requires = "signing")]
    at_once: bool,
    #[command(flatten)]
    server: ServeCommand,
}

impl KeysCommand {
    pub(super) async fn run(self, environment: &Environment) -> Result<()> {
        let What::Rotate(command) = self.what;
        let config = command.server.config(environment)?;
        let terminal = Terminal::new(environment);
        let progress = move |Resealed { done, total }| terminal.line(&format!("sealed anew: {done} of {total}"));
        let request = match command.signing {
            false => Request::RotateMasterKey,
            true => Request::RotateSigningKeys { tenant: command.tenant, at_once: command.at_once },
        };
        let told = match control::ask(&config.data_dir, &request, &progress).await? {
            Some(told) => told,
            None => without_server(&config, request, &progress).await?,
        };
        for line in told {
            terminal.line(&line);
        }
        Ok(())
    }
}

/// Nobody is using the store: the command does it by itself.
async fn without_server(
    config: &Config,
    request: Request,
    progress: &(dyn Fn(Resealed) + Sync),
) -> Result<Vec<String>> {
    if !config.data_dir.join("headwater.db").exists() {
        bail!("there is no store in {} yet; its keys are made at the first start", config.data_dir.display());
    }
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let (store, keyring) =
        lifecycle::open_store(config, &entropy).map_err(|error| match error.downcast_ref::<StoreError>() {
            Some(StoreError::InUse { .. }) => error.context(
                "the server that is running cannot be reached; its log says why; or stop it, and call this again",
            ),
            _ => error,
        })?;
    match request {
        Request::RotateMasterKey => {
            let rotation = MasterKeyRotation::new(config.master_key.clone(), store, keyring, entropy);
            Ok(control::told_of(&rotation.rotate(progress).await?))
        }
        Request::RotateSigningKeys { tenant, at_once } => {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let settings = lifecycle::web_settings(config, config.listen)?;
            let retire = if at_once { Retire::AtOnce } else { Retire::WhenExpired };
            let tenant = tenant.as_deref();
            let rotated = web::signing_keys_rotate(&*store, &*clock, &*entropy, &settings, tenant, retire).await?;
            Ok(control::told_of_signing(&rotated))
        }
    }
}
