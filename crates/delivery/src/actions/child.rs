//! The process that runs actions: it reads orders from its standard input and does one after another.
//!
//! It is the server's own program, started anew with an empty environment. It trusts nothing that it runs: each run
//! has an engine of its own ([`engine`]), and the process has given up what it does not need ([`confinement`]).
//! Whoever is on the other side does not trust it either: limits are held there too.

mod confinement;
mod engine;
mod natives;
mod urls;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use domain::clock::{Clock, Entropy};

use super::frames::{self, Answer, Ask, FromProcess, ToProcess};

/// The stack of the thread that runs the code; the engine's own limit is well below it.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// The exit code of a process that can do no more.
const OF_NO_USE: i32 = 1;

/// Runs what is ordered until the server closes the other end, also by dying.
///
/// One thread only listens, so that the end is noticed whatever the code does.
pub fn serve(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> ExitCode {
    if confinement::begin().is_err() {
        return ExitCode::FAILURE;
    }
    let (sender, heard) = channel();
    let worker = std::thread::Builder::new().name("action".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        let _exit = ExitAtEnd;
        work(heard, &clock, &entropy);
    });
    if worker.is_ok() {
        listen(&sender);
    }
    std::process::exit(0)
}

fn listen(sender: &Sender<ToProcess>) {
    let mut input = io::stdin().lock();
    while let Ok(message) = frames::read(&mut input) {
        if sender.send(message).is_err() {
            return;
        }
    }
}

/// A process whose worker has ended, by a panic too, is of no use.
struct ExitAtEnd;

impl Drop for ExitAtEnd {
    fn drop(&mut self) {
        std::process::exit(OF_NO_USE);
    }
}

fn work(heard: Receiver<ToProcess>, clock: &Arc<dyn Clock>, entropy: &Arc<dyn Entropy>) {
    let line = Rc::new(RefCell::new(Line { heard, early: VecDeque::new(), asked: 0 }));
    let mut confined = false;
    loop {
        let order = line.borrow_mut().next_order();
        // Here and not before, because what it says belongs to the limits.
        if !std::mem::replace(&mut confined, true) && confinement::complete(&order.limits).is_err() {
            return;
        }
        engine::run(&order, &line, clock, entropy);
        line.borrow().tell(&FromProcess::Ready);
    }
}

/// The way to the server. When it is gone there is nothing left to do, so nothing here fails.
struct Line {
    heard: Receiver<ToProcess>,
    /// Answers that arrived while another was waited for.
    early: VecDeque<(u64, Answer)>,
    asked: u64,
}

impl Line {
    fn next_order(&mut self) -> Box<frames::Order> {
        self.early.clear();
        loop {
            match self.heard.recv() {
                Ok(ToProcess::Run(order)) => return order,
                // What a run asked for may be answered after its end.
                Ok(ToProcess::Answer { .. }) => {}
                Err(_) => std::process::exit(0),
            }
        }
    }

    fn tell(&self, message: &FromProcess) {
        if frames::write(&mut io::stdout().lock(), message).is_err() {
            std::process::exit(OF_NO_USE);
        }
    }

    /// Asks for something; answers the number that its answer will have.
    fn ask(&mut self, ask: Ask) -> u64 {
        self.asked += 1;
        self.tell(&FromProcess::Asks { id: self.asked, ask });
        self.asked
    }

    /// The next answer, if one arrives within `wait`.
    fn next_answer(&mut self, wait: Duration) -> Option<(u64, Answer)> {
        if let Some(early) = self.early.pop_front() {
            return Some(early);
        }
        match self.heard.recv_timeout(wait) {
            Ok(ToProcess::Answer { id, answer }) => Some((id, answer)),
            Err(RecvTimeoutError::Timeout) => None,
            // Nobody orders a run while one is going on.
            Ok(ToProcess::Run(_)) | Err(RecvTimeoutError::Disconnected) => std::process::exit(OF_NO_USE),
        }
    }

    /// Asks for what is answered at once, and waits for it.
    fn ask_and_wait(&mut self, ask: Ask) -> Answer {
        let asked = self.ask(ask);
        loop {
            match self.heard.recv() {
                Ok(ToProcess::Answer { id, answer }) if id == asked => return answer,
                Ok(ToProcess::Answer { id, answer }) => self.early.push_back((id, answer)),
                Ok(ToProcess::Run(_)) | Err(_) => std::process::exit(OF_NO_USE),
            }
        }
    }
}
