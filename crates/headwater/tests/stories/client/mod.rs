//! The client, as the built binary: what it writes where, how it ends, what it asks.

mod api;
mod apps;
mod commands;
mod dev;
mod events;
mod keyring;
mod listen;
mod login;
mod orgs;
mod profiles;
mod receive;
mod running;
mod subscribe;
mod terminal;
mod users;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::{CLIENT_ID, CLIENT_SECRET, Server, binary, serve_command};

pub(crate) use running::Running;
pub(crate) use terminal::Terminal;

/// What a command of the client wrote, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The client with the settings of one server, its home a folder of its own.
pub(crate) struct Client {
    settings: Vec<(String, String)>,
    home: tempfile::TempDir,
}

impl Client {
    /// As the application that the server was started with.
    pub(crate) fn of(server: &Server) -> Self {
        let mut client = Self::without_server();
        client.set("HEADWATER_URL", &server.url);
        client.set("HEADWATER_CLIENT_ID", CLIENT_ID);
        client.set("HEADWATER_CLIENT_SECRET", CLIENT_SECRET);
        client
    }

    /// With no settings at all.
    pub(crate) fn without_server() -> Self {
        let mut client = Self { settings: Vec::new(), home: tempfile::tempdir().unwrap() };
        // The keyring of whoever runs the tests is not for them.
        client.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/there/is/none");
        client
    }

    /// Sets a variable for all its commands.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The folder that stands for its home.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The variables of its commands.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let home = self.home.path().display().to_string();
        let folders = [("HOME", home.clone()), ("XDG_CONFIG_HOME", format!("{home}/config"))];
        let folders = folders.into_iter().chain([("XDG_STATE_HOME", format!("{home}/state"))]);
        folders.map(|(name, value)| (name.to_owned(), value)).chain(self.settings.iter().cloned()).collect()
    }

    /// A command, not yet started, whose output is read and whose input is empty.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = binary();
        command.args(words).envs(self.variables()).env_remove("NO_COLOR");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        Self::ended(self.command(words).spawn().unwrap())
    }

    /// Runs a command that gets a text from a pipe.
    pub(crate) fn run_with_input(&self, words: &[&str], input: &str) -> Ended {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Self::ended(child)
    }

    /// Runs a command that has to work, and answers what it wrote to standard output.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let ended = self.run(words);
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
        ended.stdout
    }

    /// Waits for the end of a command.
    pub(crate) fn ended(child: std::process::Child) -> Ended {
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The JSON that a command wrote.
pub(crate) fn json_of(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Kills the server as a crash would, and starts it again at the same address, with `meanwhile` in between.
pub(crate) async fn restarted(server: Server, meanwhile: impl FnOnce()) -> Server {
    let url = server.url.clone();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let folder = server.crash();
    meanwhile();
    let child = serve_command(folder.path(), port).spawn().unwrap();
    Server::started(child, url, folder).await
}
