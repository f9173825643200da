//! The receiver's control port: `GET /count`, `GET /latencies`, `POST /reset`, `POST /mode`, `POST /missing`.

use std::io;
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::request::RequestReader;
use super::slots::Slots;
use super::{Mode, Records};

/// The body of `POST /mode`.
#[derive(Serialize, Deserialize)]
pub(super) struct SetMode {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) mode: Mode,
}

/// The body of `POST /reset`.
#[derive(Serialize, Deserialize)]
pub(super) struct Reset {
    pub(super) records: Records,
}

pub(super) async fn serve(listener: TcpListener, slots: Arc<Slots>) -> Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await?;
        let slots = Arc::clone(&slots);
        connections.spawn(async move { answer_all(socket, &slots).await });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer_all(mut socket: TcpStream, slots: &Slots) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut reader = RequestReader::default();
    while let Some(request) = reader.next(&mut socket).await? {
        let (status, body) = match answer(request.path(), request.body(), slots) {
            Ok(Some(body)) => ("200 OK", body),
            Ok(None) => ("404 Not Found", String::new()),
            Err(error) => ("400 Bad Request", error.to_string()),
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all((head + &body).as_bytes()).await?;
    }
    Ok(())
}

fn answer(path: &[u8], body: &[u8], slots: &Slots) -> serde_json::Result<Option<String>> {
    let answer = match path {
        b"/count" => serde_json::to_string(&slots.totals())?,
        b"/latencies" => serde_json::to_string(&slots.latencies_us())?,
        b"/missing" => serde_json::to_string(&slots.missing(body))?,
        b"/reset" => {
            let Reset { records } = serde_json::from_slice(body)?;
            slots.reset(records);
            String::new()
        }
        b"/mode" => {
            let SetMode { first, count, mode } = serde_json::from_slice(body)?;
            slots.set_mode(first, count, mode);
            String::new()
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}
