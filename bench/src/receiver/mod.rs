//! The receiver: a process of its own that takes POSTs over keep-alive connections and answers 204.
//!
//! It is deliberately lean (a loop over a buffer for each connection), so that what is measured is the sender. It
//! reads every body whole. A slot (`/7`) has its own behaviour and its own count; a control port tells the rest.

mod control;
mod handle;
mod request;
mod slots;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) use handle::Receiver;
use request::RequestReader;
use slots::Slots;

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const BACKLOG_OF_CONNECTIONS: u32 = 1024;
/// How long a trickling receiver takes for each byte of its answer.
const TRICKLE: Duration = Duration::from_millis(250);

/// What a slot does with a request that it has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Answers 204 at once.
    #[default]
    Normal,
    /// Answers 204 after so many milliseconds.
    Delay(u64),
    /// Never answers.
    Hang,
    /// Answers, counts and goes on once the mode is another one.
    Hold,
    /// Answers byte by byte.
    Trickle,
    /// Answers with this status.
    Fail(u16),
}

/// Which bodies the receiver looks into, beside counting.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Records {
    /// None.
    Nothing,
    /// Those of slot 0: how long they took.
    Latencies,
    /// All of them: that too, and which numbers came.
    Numbers,
}

/// What the process writes to its output once it listens.
#[derive(Serialize, Deserialize)]
struct Ports {
    deliveries: u16,
    control: u16,
}

/// Runs the process until it is killed.
#[expect(clippy::print_stdout, reason = "the parent reads the ports from there")]
pub(crate) async fn serve() -> Result<()> {
    let slots = Arc::new(Slots::default());
    let deliveries = listen()?;
    let control = listen()?;
    let ports = Ports { deliveries: deliveries.local_addr()?.port(), control: control.local_addr()?.port() };
    println!("{}", serde_json::to_string(&ports)?);
    let mut tasks = JoinSet::new();
    let of_control = Arc::clone(&slots);
    tasks.spawn(async move { control::serve(control, of_control).await });
    tasks.spawn(async move { accept(deliveries, slots).await });
    tasks.join_next().await.context("two tasks run")??
}

fn listen() -> Result<TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    Ok(socket.listen(BACKLOG_OF_CONNECTIONS)?)
}

async fn accept(listener: TcpListener, slots: Arc<Slots>) -> Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await?;
        let slots = Arc::clone(&slots);
        connections.spawn(async move {
            // A sender may end a connection in any way it likes.
            let _ = receive(socket, &slots).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn receive(mut socket: TcpStream, slots: &Slots) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut reader = RequestReader::default();
    while let Some(request) = reader.next(&mut socket).await? {
        let slot = slots.slot(request.path());
        let mode = slot.settled_mode().await;
        slots.count(slot, request.body());
        match mode {
            Mode::Normal | Mode::Hold => socket.write_all(NO_CONTENT).await?,
            Mode::Delay(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                socket.write_all(NO_CONTENT).await?;
            }
            Mode::Hang => std::future::pending().await,
            Mode::Trickle => {
                for byte in NO_CONTENT {
                    tokio::time::sleep(TRICKLE).await;
                    socket.write_all(&[*byte]).await?;
                }
            }
            Mode::Fail(status) => {
                socket.write_all(format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
            }
        }
    }
    Ok(())
}
