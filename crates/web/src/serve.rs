//! The sockets: accepting connections, TLS, HTTP/1.1, and an end in which requests in flight are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::stalling::Stalling;

/// How many connections are open at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 10_000;
/// How long a TLS handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long the head of a request may take, which is also how long a connection may be idle.
const HEAD_READ_MAX: Duration = Duration::from_secs(60);
/// How long a peer may take nothing of what is sent to it.
const WRITE_STALL_MAX: Duration = Duration::from_secs(60);
/// The largest head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long to wait when no connection can be accepted, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who a request comes from: an extension of every request that [`serve`] hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// That the server is to stop: an extension of every request that [`serve`] hands on, for answers that would not
/// end by themselves.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// Serves until `shutdown`, then stops accepting and lets the requests in flight end, for at most `drain_max`.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    shutdown: CancellationToken,
    drain_max: Duration,
) {
    let tls = tls.map(TlsAcceptor::from);
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    while let Some((stream, peer, permit)) = accept(&listener, &permits, &mut connections, &shutdown).await {
        let (tls, router, shutdown) = (tls.clone(), router.clone(), shutdown.clone());
        connections.spawn(async move {
            // Small answers must not wait for the acknowledgement of the one before.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, %peer, "cannot set TCP_NODELAY");
            }
            let stream = Stalling::new(stream, WRITE_STALL_MAX, shutdown.clone());
            connection(stream, tls, PeerAddress(peer), router, shutdown).await;
            drop(permit);
        });
    }
    drop(listener);
    let drained = tokio::time::timeout(drain_max, async {
        while let Some(ended) = connections.join_next().await {
            log_end(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "requests still in flight were cut off");
        connections.shutdown().await;
    }
}

/// The next connection; `None` once `shutdown` asks for the end. Connections that have ended are let go meanwhile.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    connections: &mut JoinSet<()>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    loop {
        while let Some(ended) = connections.try_join_next() {
            log_end(ended);
        }
        let accepting = async {
            let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
            let accepted = listener.accept().await;
            if accepted.is_err() {
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (accepted, permit)
        };
        tokio::select! {
            () = shutdown.cancelled() => return None,
            (accepted, permit) = accepting => match accepted {
                Ok((stream, peer)) => return Some((stream, peer, permit)),
                Err(error) => tracing::warn!(%error, "cannot accept a connection"),
            },
        }
    }
}

fn log_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}

async fn connection(
    stream: Stalling<TcpStream>,
    tls: Option<TlsAcceptor>,
    peer: PeerAddress,
    router: Router,
    shutdown: CancellationToken,
) {
    let Some(tls) = tls else { return requests(stream, peer, router, shutdown).await };
    let handshake = tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream));
    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = handshake => match ended {
            Ok(Ok(stream)) => requests(stream, peer, router, shutdown).await,
            Ok(Err(error)) => tracing::debug!(%error, peer = %peer.0, "TLS handshake failed"),
            Err(_) => tracing::debug!(peer = %peer.0, "TLS handshake took too long"),
        },
    }
}

/// Answers the requests that come over a stream, one after another, until it ends or the server is to stop.
pub(crate) async fn requests<S>(stream: S, peer: PeerAddress, router: Router, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stopping = Stopping(shutdown.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(stopping.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_READ_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, peer = %peer.0, "a connection ended early");
    }
}
