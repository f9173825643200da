//! The commands of the binary, one a file.

mod action_runtime;
mod certs;
mod client;
mod demo;
mod dev;
mod doctor;
mod keys;
mod receive;
mod serve;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::environment::Environment;

/// What the binary can do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Plays the main job once, with a temporary server and receiver, and ends.
    Demo,
    /// A server for one developer, with a receiver that prints what arrives.
    Dev(dev::DevCommand),
    /// The server for production: nothing is allowed or created that the configuration does not say.
    Serve(serve::ServeCommand),
    /// Makes a private CA and a server certificate.
    Certs(certs::CertsCommand),
    /// Checks a configuration and its surroundings, and says what to mend.
    Doctor(serve::ServeCommand),
    /// Changes the master key, or the keys that tokens are signed with.
    Keys(keys::KeysCommand),
    /// What the client can do.
    #[command(flatten)]
    Client(cli::ClientCommand),
    /// A ready receiver, which keeps a table of users current.
    Receive(receive::ReceiveCommand),
    /// What a server starts for itself.
    #[command(hide = true)]
    ActionRuntime,
}

impl Command {
    /// What is logged unless `RUST_LOG` says otherwise: a server for people to watch stays quiet.
    pub(crate) fn log_level(&self) -> &'static str {
        match self {
            Self::Serve(_) => "info",
            Self::Dev(_) | Self::Certs(_) | Self::Client(_) | Self::Keys(_) | Self::Receive(_) => "warn",
            // Both show what is wrong in their own words.
            Self::Demo | Self::Doctor(_) | Self::ActionRuntime => "error",
        }
    }

    /// Does it, if it needs nothing of the surroundings.
    pub(crate) fn run_alone(&self) -> Option<ExitCode> {
        matches!(self, Self::ActionRuntime).then(action_runtime::run)
    }

    /// Does it.
    pub(crate) async fn run(self, environment: Environment) -> Result<ExitCode> {
        match self {
            Self::Demo => demo::run(&environment).await.map(|()| ExitCode::SUCCESS),
            Self::Dev(command) => command.run(&environment).await.map(|()| ExitCode::SUCCESS),
            Self::Serve(command) => command.run(&environment).await.map(|()| ExitCode::SUCCESS),
            Self::Certs(command) => command.run(&environment).map(|()| ExitCode::SUCCESS),
            Self::Doctor(command) => Ok(doctor::run(&command, &environment).await),
            Self::Keys(command) => command.run(&environment).await.map(|()| ExitCode::SUCCESS),
            Self::Client(command) => Ok(client::run(command, &environment).await),
            Self::Receive(command) => command.run(&environment).await.map(|()| ExitCode::SUCCESS),
            Self::ActionRuntime => Ok(action_runtime::run()),
        }
    }
}
