//! How a stream's requests get to their receiver and to whom they are encrypted, as a part of its stored options.

use domain::certificate::{Certificates, PrivateKey};
use domain::destination::Endpoint;
use domain::encryption::{Encryption, EncryptionKey};
use domain::proxy::Proxy;
use domain::transport::{ClientIdentity, Tls, Transport};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The way without its secrets.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct StoredTransport {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    http2: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
}

/// Its secrets.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TransportSecrets {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
    /// The proxy whole, where it has a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
}

/// To whom the payload is encrypted. Public keys are no secrets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredEncryption {
    Jwk(Map<String, Value>),
    KeySet {
        url: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kid: Option<String>,
    },
}

/// What anybody may read, and the secrets.
pub(super) fn split(transport: &Transport) -> (StoredTransport, TransportSecrets) {
    let Transport { tls: Tls { client, ca }, http2, proxy } = transport;
    let stored = StoredTransport {
        client_certificate: client.as_ref().map(|identity| identity.certificate.as_str().to_owned()),
        ca: ca.as_ref().map(|ca| ca.as_str().to_owned()),
        http2: *http2,
        proxy: proxy.as_ref().map(Proxy::shown),
    };
    let secret = proxy.as_ref().filter(|proxy| proxy.credentials().is_some());
    let secrets = TransportSecrets {
        client_key: client.as_ref().map(|identity| identity.key.pem().expose().to_owned()),
        proxy: secret.map(|proxy| proxy.with_password().expose().to_owned()),
    };
    (stored, secrets)
}

/// The way again; `None` if that is not what was stored.
pub(super) fn join(stored: StoredTransport, secrets: TransportSecrets) -> Option<Transport> {
    let client = match (stored.client_certificate, secrets.client_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(ClientIdentity {
            certificate: Certificates::parse(&certificate).ok()?,
            key: PrivateKey::parse(&key).ok()?,
        }),
        _ => return None,
    };
    let ca = match stored.ca {
        None => None,
        Some(ca) => Some(Certificates::parse(&ca).ok()?),
    };
    let proxy = match secrets.proxy.or(stored.proxy) {
        None => None,
        Some(proxy) => Some(Proxy::parse(&proxy, None).ok()?),
    };
    Some(Transport { tls: Tls { client, ca }, http2: stored.http2, proxy })
}

impl StoredEncryption {
    pub(super) fn of(encryption: &Encryption) -> Self {
        match encryption {
            Encryption::Key(key) => Self::Jwk(key.jwk().clone()),
            Encryption::KeySet { url, kid } => Self::KeySet { url: url.as_str().to_owned(), kid: kid.clone() },
        }
    }

    /// What it says; `None` if that is not what was stored.
    pub(super) fn read(self) -> Option<Encryption> {
        match self {
            Self::Jwk(jwk) => Some(Encryption::Key(Box::new(EncryptionKey::from_jwk(&jwk).ok()?))),
            Self::KeySet { url, kid } => Some(Encryption::KeySet { url: Endpoint::from_stored(&url).ok()?, kid }),
        }
    }
}
