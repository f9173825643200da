//! Ill-behaved receivers on loopback ports, for any sender of webhooks: `cargo xtask hostile`, and
//! `docs/hostile-receivers.md`. What is said of each connection is what the sender did, as seen from outside.
#![allow(missing_docs, clippy::print_stdout)]

mod behaviours;
mod bomb;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use behaviours::{BEHAVIOURS, Behaviour, Peer, Scheme, Surroundings};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A sender that takes in more of what never ends has no limit of size. Sockets' buffers are part of it.
const BYTES_MAX: usize = 10_000_000;

/// A sender that stays longer has no limit of time.
const TIME_MAX: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: hostile_receivers [FIRST_PORT]     (7700 if left out)";

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let Some(first) = first_port() else {
        println!("{USAGE}");
        std::process::exit(2);
    };
    let trap = listener(first).await?;
    let surroundings = Arc::new(Surroundings { trap: trap.local_addr()? });
    println!("{:<28} {:<52} what it does; what a sender should make of it", "receiver", "endpoint");
    println!("{:<28} {:<52} nobody should ever arrive here", "trap", format!("http://{}/", surroundings.trap));
    let mut receivers = JoinSet::new();
    receivers.spawn(spring(trap));
    for (port, behaviour) in (first + 1..).zip(BEHAVIOURS) {
        let listener = listener(port).await?;
        let scheme = if behaviour.scheme == Scheme::Https { "https" } else { "http" };
        let endpoint = format!("{scheme}://{}/{}", listener.local_addr()?, behaviour.name);
        println!("{:<28} {endpoint:<52} {}; {}", behaviour.name, behaviour.does, behaviour.expected.in_words());
        receivers.spawn(serve(listener, behaviour, Arc::clone(&surroundings)));
    }
    println!("\nPoint a webhook of your sender at each, have it send an event, and read here what it did:");
    receivers.join_all().await;
    Ok(())
}

fn first_port() -> Option<u16> {
    match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => Some(7700),
        [port] => port.parse().ok().filter(|port| (1024..=65_000).contains(port)),
        _ => None,
    }
}

async fn listener(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Says when somebody has followed a redirect.
async fn spring(trap: TcpListener) {
    while let Ok((socket, _)) = trap.accept().await {
        println!("BAD   trap: a redirect to a private address was followed");
        drop(socket);
    }
}

async fn serve(listener: TcpListener, behaviour: &'static Behaviour, surroundings: Arc<Surroundings>) {
    let connections = AtomicU64::new(0);
    let mut playing = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        while playing.try_join_next().is_some() {}
        let number = connections.fetch_add(1, Ordering::Relaxed) + 1;
        playing.spawn(play(socket, number, behaviour, Arc::clone(&surroundings)));
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures a sender")]
async fn play(socket: TcpStream, number: u64, behaviour: &Behaviour, surroundings: Arc<Surroundings>) {
    let started = Instant::now();
    let peer = Peer::new(socket, surroundings);
    let seen = match tokio::time::timeout(TIME_MAX * 2, (behaviour.play)(peer)).await {
        Ok(seen) => seen,
        Err(_) => behaviours::Seen { bytes: 0, said: Some("did not leave".to_owned()) },
    };
    let lasted = started.elapsed();
    let good = seen.bytes <= BYTES_MAX && lasted <= TIME_MAX && seen.said.is_none();
    let verdict = if good { "good" } else { "BAD " };
    let said = seen.said.map(|said| format!("; {said}")).unwrap_or_default();
    println!(
        "{verdict}  {}: connection {number} took {} bytes in {:.1} s{said}",
        behaviour.name,
        seen.bytes,
        lasted.as_secs_f64()
    );
}
