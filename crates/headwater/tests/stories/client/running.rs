//! A command of the client that does not end by itself, read line by line.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use super::Client;
use crate::receiver::PATIENCE;

/// A running command; it is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<(Stream, String)>,
    stdout: Vec<String>,
    stderr: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stream {
    Stdout,
    Stderr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(source: impl Read + Send + 'static, stream: Stream, lines: Sender<(Stream, String)>) {
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if lines.send((stream, line)).is_err() {
                return;
            }
        }
    });
}

impl Running {
    pub(crate) fn start(client: &Client, words: &[&str]) -> Self {
        Self::of(client.command(words))
    }

    /// Starts a command whose output is piped.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        read(child.stdout.take().unwrap(), Stream::Stdout, sender.clone());
        read(child.stderr.take().unwrap(), Stream::Stderr, sender);
        Self { child, lines, stdout: Vec::new(), stderr: Vec::new() }
    }

    /// What it wrote to standard output so far, as far as it was waited for.
    pub(crate) fn stdout(&self) -> &[String] {
        &self.stdout
    }

    /// Waits for a line on standard output that has this text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        self.wait(Stream::Stdout, text)
    }

    /// Waits for a line on standard error that has this text.
    pub(crate) fn wait_for_message(&mut self, text: &str) -> String {
        self.wait(Stream::Stderr, text)
    }

    fn wait(&mut self, stream: Stream, text: &str) -> String {
        let found = |lines: &[String]| lines.iter().rev().find(|line| line.contains(text)).cloned();
        loop {
            let lines = if stream == Stream::Stdout { &self.stdout } else { &self.stderr };
            if let Some(line) = found(lines) {
                return line;
            }
            assert!(self.take(), "waited in vain for {text:?}\n{:#?}\n{:#?}", self.stdout, self.stderr);
        }
    }

    /// Takes the next line; not when there is none any more, or none in time.
    fn take(&mut self) -> bool {
        match self.lines.recv_timeout(PATIENCE) {
            Ok((Stream::Stdout, line)) => self.stdout.push(line),
            Ok((Stream::Stderr, line)) => self.stderr.push(line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// Presses Ctrl+C, waits for the end, and answers the exit code and what was said.
    pub(crate) fn interrupt(mut self) -> (i32, Vec<String>, Vec<String>) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.end()
    }

    /// Waits for the end.
    pub(crate) fn end(&mut self) -> (i32, Vec<String>, Vec<String>) {
        while self.take() {}
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or(-1), std::mem::take(&mut self.stdout), std::mem::take(&mut self.stderr))
    }
}
