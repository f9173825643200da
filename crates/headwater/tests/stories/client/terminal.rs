//! A terminal with a person at it: they read the screen and press keys.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::Client;
use crate::receiver::PATIENCE;

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;

pub(crate) const ENTER: &str = "\r";
pub(crate) const DOWN: &str = "\x1b[B";
pub(crate) const SPACE: &str = " ";
pub(crate) const CTRL_C: &str = "\x03";

/// A command of the client on a terminal.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    written: Vec<u8>,
    master: Box<dyn MasterPty + Send>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    pub(crate) fn start(client: &Client, words: &[&str]) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_headwater"));
        command.args(words);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in client.variables() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        // With this end closed, reading ends with the program.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        Self { child, keyboard, output, screen, written: Vec::new(), master: pair.master }
    }

    /// What is on the screen.
    pub(crate) fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    /// Every byte that was written so far, also what is no longer on the screen.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }

    /// Whether the cursor can be seen.
    pub(crate) fn shows_cursor(&self) -> bool {
        !self.screen.screen().hide_cursor()
    }

    /// Waits until a text is on the screen.
    pub(crate) fn wait_for(&mut self, text: &str) -> &mut Self {
        while !self.screen().contains(text) {
            assert!(self.take(), "waited in vain for {text:?} on the screen:\n{}", self.screen());
        }
        self
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).unwrap();
        self
    }

    /// Types what must not be seen, once the terminal shows nothing of what is typed.
    pub(crate) fn press_hidden(&mut self, keys: &str) -> &mut Self {
        // The flag ECHO.
        let echoes = |master: &dyn MasterPty| master.get_termios().unwrap().local_flags.bits() & 0o10 != 0;
        let pause = Duration::from_millis(10);
        for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
            if !echoes(self.master.as_ref()) {
                return self.press(keys);
            }
            std::thread::sleep(pause);
        }
        panic!("the terminal shows what is typed:\n{}", self.screen());
    }

    /// Waits until the command has ended, and answers its exit code.
    pub(crate) fn ended(&mut self) -> u32 {
        while self.take() {}
        let pause = Duration::from_millis(10);
        for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            std::thread::sleep(pause);
        }
        panic!("the command has not ended:\n{}", self.screen());
    }

    /// Takes what the program writes next. Not when it has ended, or writes nothing for too long.
    fn take(&mut self) -> bool {
        match self.output.recv_timeout(PATIENCE) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.written.extend(bytes);
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}
