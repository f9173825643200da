//! The folder `examples`: each program as it stands there, and the built server that delivers to it.

mod inngest;
mod receivers;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::sync::watch;

use crate::receiver::PATIENCE;
use crate::server::{repository, wait_for_port};

/// A program of the folder that listens on a port, with the lines that it has printed; killed when it is dropped.
struct Program {
    child: Child,
    lines: watch::Receiver<Vec<String>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts it and waits until it listens.
    fn start(mut command: Command, port: u16) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = watch::channel(Vec::new());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                println!("{line}");
                sender.send_modify(|lines| lines.push(line));
            }
        });
        let program = Self { child, lines };
        wait_for_port(port);
        program
    }

    /// Waits until what it has printed is enough.
    async fn prints(&self, what: &str, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut lines = self.lines.clone();
        let waited = tokio::time::timeout(PATIENCE, lines.wait_for(|lines| enough(lines))).await;
        let Ok(Ok(lines)) = waited else { panic!("waited in vain for {what}: {:?}", self.lines.borrow()) };
        lines.clone()
    }
}

fn folder(name: &str) -> PathBuf {
    repository().join("examples").join(name)
}

/// Node.js with a script of the folder.
fn node(name: &str, script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(script).current_dir(folder(name));
    command
}
