//! What a command gets to work with: the client, the terminal, the global flags.

use std::io::IsTerminal;

use clap::Args;
use tokio::sync::OnceCell;

use crate::asking::{Asking, Silence};
use crate::client::ManagementClient;
use crate::connection::Connection;
use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::messages::Messages;
use crate::palette::Palette;
use crate::profiles::ProfileFile;
use crate::progress::Progress;
use crate::surroundings::Surroundings;

const AGENT_MODE_VARIABLES: &[&str] = &["HEADWATER_AGENT_MODE", "AUTH0_AGENT_MODE"];

/// What every command of the client takes.
#[derive(Args, Clone, Debug, Default)]
pub struct GlobalFlags {
    /// Which server and application to use, by the name that `headwater login` has given it.
    #[arg(long, visible_alias = "tenant", value_name = "NAME", global = true, help_heading = "Global options")]
    pub(crate) profile: Option<String>,
    /// Shows each call on standard error, without secrets.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) debug: bool,
    /// Asks nothing: what is missing is an error.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_input: bool,
    /// Writes without colours.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_color: bool,
    /// For programs: JSON, no questions, no colours.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) agent_mode: bool,
}

/// What a command gets to work with.
#[derive(Debug)]
pub struct Session {
    flags: GlobalFlags,
    surroundings: Surroundings,
    is_agent_mode: bool,
    palette: Palette,
    messages: Messages,
    asking: Asking,
    interrupts: Interrupts,
    client: OnceCell<ManagementClient>,
}

impl Session {
    /// For a command with these flags, in these surroundings. Nothing is sent, nothing looked up yet.
    pub fn new(flags: GlobalFlags, surroundings: Surroundings) -> Self {
        let is_agent_mode = flags.agent_mode || AGENT_MODE_VARIABLES.iter().any(|name| surroundings.is_on(name));
        let may_colour = !flags.no_color && !is_agent_mode && surroundings.variable("NO_COLOR").is_none();
        let (stdin, stdout) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
        let stderr = std::io::stderr().is_terminal();
        let silent = match () {
            () if is_agent_mode => Some(Silence::AgentMode),
            () if flags.no_input => Some(Silence::NoInput),
            () if !(stdin && stdout) => Some(Silence::NoTerminal),
            () => None,
        };
        Self {
            flags,
            surroundings,
            is_agent_mode,
            palette: Palette::new(may_colour && stdout),
            messages: Messages::new(Palette::new(may_colour && stderr)),
            asking: Asking::new(silent, may_colour),
            interrupts: Interrupts::default(),
            client: OnceCell::new(),
        }
    }

    /// The client of the server that flags, variables and profiles name.
    ///
    /// # Errors
    /// If they name none, or what they say cannot be used.
    pub async fn client(&self) -> Result<&ManagementClient, Failure> {
        let client = || async { Ok(self.shown(ManagementClient::new(self.connection()?)?)) };
        self.client.get_or_try_init(client).await
    }

    /// The same client, whose calls are shown if somebody wants to see them.
    pub(crate) fn shown(&self, client: ManagementClient) -> ManagementClient {
        if self.flags.debug { client.shown_by(self.messages) } else { client }
    }

    /// The profile that a flag names.
    pub fn profile(&self) -> Option<&str> {
        self.flags.profile.as_deref()
    }

    /// The file that profiles are kept in.
    ///
    /// # Errors
    /// If nobody has a home.
    pub fn profile_file(&self) -> Result<ProfileFile, Failure> {
        self.surroundings.profile_file().ok_or_else(|| {
            Failure::usage("there is no folder to keep profiles in").hint("set HEADWATER_CONFIG_DIR to one")
        })
    }

    /// Which server, and as whom.
    ///
    /// # Errors
    /// As [`Session::client`].
    pub fn connection(&self) -> Result<Connection, Failure> {
        Connection::found(self.flags.profile.as_deref(), &self.surroundings)
    }

    /// The tenant's domain, as headings name it.
    ///
    /// # Errors
    /// As [`Session::client`].
    pub fn tenant(&self) -> Result<String, Failure> {
        Ok(self.connection()?.domain())
    }

    /// What is around the command.
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Whether a program reads: JSON, no questions, no colours.
    pub const fn is_agent_mode(&self) -> bool {
        self.is_agent_mode
    }

    /// How texts stand out on standard output.
    pub const fn palette(&self) -> Palette {
        self.palette
    }

    /// Standard error.
    pub const fn messages(&self) -> Messages {
        self.messages
    }

    /// Questions.
    pub const fn asking(&self) -> Asking {
        self.asking
    }

    /// Ctrl+C.
    pub const fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }

    /// A spinner while something takes its time.
    pub fn spinner(&self, text: &str) -> Progress {
        Progress::spinner(self.shows_progress(), text)
    }

    /// A bar while so many steps are made.
    pub fn bar(&self, text: &str, steps: usize) -> Progress {
        Progress::bar(self.shows_progress(), text, u64::try_from(steps).unwrap_or(u64::MAX))
    }

    fn shows_progress(&self) -> bool {
        !self.is_agent_mode && std::io::stderr().is_terminal()
    }
}
