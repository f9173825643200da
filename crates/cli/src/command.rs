//! The families of commands: each is a file (or a folder) and a line in each of the two lists here.

use clap::{Args, Subcommand};

use crate::api::ApiCommand;
use crate::apps::AppsCommand;
use crate::events::EventsCommand;
use crate::exit::{Exit, Failure};
use crate::listen::ListenCommand;
use crate::login::{LoginCommand, LogoutCommand};
use crate::orgs::OrgsCommand;
use crate::profile_commands::ProfilesCommand;
use crate::session::{GlobalFlags, Session};
use crate::surroundings::Surroundings;
use crate::users::UsersCommand;

/// What the client can do.
#[derive(Subcommand, Debug)]
pub enum ClientCommand {
    /// Event streams: what they deliver, where to, and what became of it.
    #[command(visible_alias = "event-streams")]
    Events(Family<EventsCommand>),
    /// Users.
    Users(Family<UsersCommand>),
    /// Applications: what may call, and what it is granted.
    Apps(Family<AppsCommand>),
    /// Organizations and their members.
    #[command(visible_alias = "organizations")]
    Orgs(Family<OrgsCommand>),
    /// Logs in to a server, and keeps that as a profile.
    Login(Family<LoginCommand>),
    /// Forgets a profile.
    Logout(Family<LogoutCommand>),
    /// Profiles: the servers that have been logged in to.
    #[command(visible_alias = "tenants")]
    Profiles(Family<ProfilesCommand>),
    /// Brings the events to a program near by, without a tunnel.
    Listen(Family<ListenCommand>),
    /// Any call of the Management API.
    Api(Family<ApiCommand>),
}

impl ClientCommand {
    /// Does it, and says on standard error why it did not work.
    pub async fn run(self, surroundings: Surroundings) -> Exit {
        match self {
            Self::Events(family) => Box::pin(run(family, surroundings)).await,
            Self::Users(family) => Box::pin(run(family, surroundings)).await,
            Self::Apps(family) => Box::pin(run(family, surroundings)).await,
            Self::Orgs(family) => Box::pin(run(family, surroundings)).await,
            Self::Login(family) => Box::pin(run(family, surroundings)).await,
            Self::Logout(family) => Box::pin(run(family, surroundings)).await,
            Self::Profiles(family) => Box::pin(run(family, surroundings)).await,
            Self::Listen(family) => Box::pin(run(family, surroundings)).await,
            Self::Api(family) => Box::pin(run(family, surroundings)).await,
        }
    }
}

/// A family of commands, or a command by itself, with the flags that all of them take.
#[derive(Args, Debug)]
pub struct Family<C: Args> {
    #[command(flatten)]
    flags: GlobalFlags,
    #[command(flatten)]
    command: C,
}

/// A command of the client.
pub(crate) trait Run {
    /// Does it.
    async fn run(self, session: &Session) -> Result<(), Failure>;
}

async fn run<C: Args + Run>(family: Family<C>, surroundings: Surroundings) -> Exit {
    let session = Session::new(family.flags, surroundings);
    let ended = tokio::select! {
        biased;
        ended = family.command.run(&session) => ended,
        () = session.interrupts().ending() => Err(Failure::interrupted()),
    };
    match ended {
        Ok(()) => Exit::Done,
        Err(failure) => {
            session.messages().failure(&failure);
            failure.exit()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(subcommand)]
        _command: ClientCommand,
    }

    #[test]
    fn flags_and_names_do_not_clash() {
        Line::command().debug_assert();
    }
}
