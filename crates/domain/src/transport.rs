//! How a stream's requests get to their receiver, beyond what the contract says.

use crate::certificate::{Certificates, PrivateKey};
use crate::proxy::Proxy;

/// The way to a receiver. The default is the contract's: HTTP/1.1, public authorities, no certificate of our own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Transport {
    /// Certificates, ours and theirs.
    pub tls: Tls,
    /// HTTP/2 where the receiver offers it.
    pub http2: bool,
    /// A proxy instead of the server's.
    pub proxy: Option<Proxy>,
}

/// Certificates of a stream's connections.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tls {
    /// What the receiver is shown when it asks who we are.
    pub client: Option<ClientIdentity>,
    /// The only authorities that the receiver's certificate may chain to.
    pub ca: Option<Certificates>,
}

/// A certificate with the key that belongs to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientIdentity {
    /// The certificate, and those between it and its authority.
    pub certificate: Certificates,
    /// Its key.
    pub key: PrivateKey,
}
