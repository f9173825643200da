//! What can go wrong with a request, in words for people. No message holds a secret.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use domain::delivery::FailureKind;
use rustls::CertificateError;

use super::address_policy::Refusal;

/// Why there is no answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// It cannot be sent as it is configured.
    #[error("{0}")]
    Unsendable(String),
    /// The policy forbids the only addresses there are.
    #[error("{} address {address} is not allowed: {}", .peer.name(), .refusal.explanation())]
    AddressRefused { peer: Peer, address: IpAddr, refusal: Refusal },
    /// The policy forbids the name, whatever it resolves to.
    #[error("destination {host} is not allowed: {}", .refusal.explanation())]
    NameRefused { host: String, refusal: Refusal },
    /// The name has no addresses, or the resolver does not answer for it.
    #[error("name {host} could not be resolved: {detail}")]
    Unresolved { host: String, detail: String },
    /// No connection, or one that broke.
    #[error("{0}")]
    Broken(String),
    /// The keys to encrypt to cannot be had.
    #[error("the key set could not be read: {0}")]
    KeySet(Box<SendError>),
    /// The time was up.
    #[error("{} within {limit:?}", .step.unfinished())]
    Timeout { step: Step, limit: Duration },
}

/// Who is at the other end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Destination,
    Proxy,
}

/// What an attempt is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Resolution,
    Connection,
    Tunnel,
    Handshake,
    Answer,
}

impl SendError {
    /// How the delivery core takes it.
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Unsendable(_) | Self::AddressRefused { .. } | Self::NameRefused { .. } => FailureKind::Refused,
            Self::Unresolved { .. } | Self::Broken(_) => FailureKind::Unreachable,
            Self::KeySet(error) => error.kind(),
            Self::Timeout { .. } => FailureKind::Timeout,
        }
    }

    /// Connecting failed.
    pub(super) fn connecting(peer: Peer, error: &io::Error) -> Self {
        Self::Broken(match peer {
            Peer::Destination => describe_io(error),
            Peer::Proxy => format!("proxy: {}", describe_io(error)),
        })
    }

    /// The TLS handshake failed.
    pub(super) fn handshake(error: &io::Error) -> Self {
        Self::Broken(match tls_error(error) {
            Some(tls) => describe_tls(tls),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                "connection closed during the TLS handshake".to_owned()
            }
            None => format!("{} during the TLS handshake", describe_io(error)),
        })
    }

    /// The exchange of request and answer failed.
    pub(super) fn exchange(error: &hyper::Error) -> Self {
        if error.is_parse() {
            return Self::Broken(format!("the answer is not acceptable HTTP/1.1: {error}"));
        }
        let cause = io_cause(error);
        Self::Broken(match cause.and_then(|cause| tls_error(cause)) {
            Some(tls) => describe_tls(tls),
            None => cause.map_or_else(|| "connection closed before the answer".to_owned(), describe_io),
        })
    }

    /// The exchange failed on a connection that others use too.
    pub(super) fn exchange_http2(error: &h2::Error) -> Self {
        if let Some(io) = error.get_io() {
            return Self::Broken(tls_error(io).map_or_else(|| describe_io(io), describe_tls));
        }
        let reason = error.reason().map_or_else(|| "no reason".to_owned(), |reason| reason.description().to_owned());
        Self::Broken(if error.is_library() {
            format!("the answer is not acceptable HTTP/2: {reason}")
        } else if error.is_reset() {
            format!("the server reset the request: {reason}")
        } else if error.is_go_away() {
            format!("the server ended the connection: {reason}")
        } else {
            "connection closed before the answer".to_owned()
        })
    }
}

impl Peer {
    const fn name(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Proxy => "proxy",
        }
    }
}

impl Refusal {
    fn explanation(self) -> String {
        match self {
            Self::NotPublic(reason) => format!("{reason} (HEADWATER_ALLOW_DESTINATIONS can allow it)"),
            Self::Metadata => "cloud metadata, which nothing allows".to_owned(),
        }
    }
}

impl Step {
    const fn unfinished(self) -> &'static str {
        match self {
            Self::Resolution => "name not resolved",
            Self::Connection => "not connected",
            Self::Tunnel => "no tunnel from the proxy",
            Self::Handshake => "TLS handshake not finished",
            Self::Answer => "no answer",
        }
    }
}

fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref() {
            return Some(io);
        }
        source = cause.source();
    }
    None
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn describe_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => "connection reset".to_owned(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => {
            "connection closed before the answer".to_owned()
        }
        io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        // Our own limit, see `transport.rs`.
        io::ErrorKind::InvalidData => error.to_string(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => format!("connection failed: {error}"),
    }
}

fn describe_tls(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(reason) = error else {
        return format!("TLS failed: {error}");
    };
    let reason = match reason {
        CertificateError::UnknownIssuer => {
            "it is signed by an unknown authority (HEADWATER_EXTRA_CA can name it)".to_owned()
        }
        CertificateError::BadSignature => {
            "its signature is not by the authority of that name that is known (HEADWATER_EXTRA_CA may name an older one)"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is not for this host name".to_owned()
        }
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    };
    format!("certificate not trusted: {reason}")
}
