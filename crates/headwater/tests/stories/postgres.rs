//! A PostgreSQL server of a test's own, where `cargo xtask test` says that one is installed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

const USER: &str = "postgres";

/// A server, reached through a socket in its folder.
pub(crate) struct Postgres {
    bin: PathBuf,
    folder: tempfile::TempDir,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Postgres {
    /// Starts one, if one is installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(bin) = installed() else {
            println!("skipped: run `cargo xtask test`, which prepares the machine for it");
            return None;
        };
        let postgres = Self { bin: bin.into(), folder: tempfile::tempdir().unwrap() };
        if is_root() {
            succeed(Command::new("chown").arg(USER).arg(postgres.folder.path()));
        }
        succeed(postgres.program("initdb").args([
            "--auth",
            "trust",
            "--username",
            USER,
            "--no-sync",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ]));
        postgres.run_on();
        Some(postgres)
    }

    /// Starts it again after [`Postgres::stop`].
    pub(crate) fn run_on(&self) {
        let mut start = self.program("pg_ctl");
        let socket = self.folder.path().display();
        start.args(["start", "--wait", "--silent", "--log"]).arg(self.folder.path().join("log"));
        start.args(["--options", &format!("-c listen_addresses='' -c fsync=off -k {socket}")]);
        // What it starts would hold on to a pipe.
        start.stdout(Stdio::null()).stderr(Stdio::null());
        assert!(start.status().unwrap().success(), "pg_ctl start");
    }

    /// Stops it as a crash would.
    pub(crate) fn stop(&self) {
        let _ = self.program("pg_ctl").args(["stop", "--mode", "immediate", "--silent"]).status();
    }

    /// One of the server's programs, which refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = match is_root() {
            true => Command::new("runuser"),
            false => Command::new(&program),
        };
        if is_root() {
            command.args(["-u", USER, "--"]).arg(&program);
        }
        command.args(["-D"]).arg(self.folder.path().join("data")).current_dir(self.folder.path());
        command
    }

    /// Says to a client where the database is.
    pub(crate) fn reach(&self, command: &mut Command) {
        command.env("PGHOST", self.folder.path()).env("PGUSER", USER).env("PGDATABASE", "postgres");
    }

    /// Where the database is, as a URL.
    pub(crate) fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user={USER}", self.folder.path().display())
    }

    pub(crate) fn psql(&self) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1"]);
        self.reach(&mut psql);
        psql
    }

    /// Runs statements; what they answer.
    pub(crate) fn run(&self, statements: &str) -> String {
        succeed(self.psql().args(["-c", statements])).trim().to_owned()
    }
}

#[allow(clippy::disallowed_methods, reason = "tests are at the edge, where the environment is read")]
fn installed() -> Option<String> {
    std::env::var("HEADWATER_TEST_POSTGRESQL").ok()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
