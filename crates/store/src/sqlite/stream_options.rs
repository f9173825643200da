//! What the contract does not have of a stream, as it is stored: what is at its default is left out, and the secrets
//! are sealed together, apart from the rest.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use domain::delivery::Ordering;
use domain::delivery_settings::{Delays, DeliverySettings, Retry, StaticHeaders};
use domain::expression::{Filter, Transform};
use domain::recovery::Recovery;
use domain::secret::Secret;
use domain::signing::{Ed25519Key, HmacSecret, Signing, SigningAlgorithm};
use domain::stream::StreamOptions;
use serde::{Deserialize, Serialize};

use super::rows::to_json;
use super::stream_transport::{self, StoredEncryption, StoredTransport, TransportSecrets};

/// The options without their secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordering: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<StoredRetry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_flight_max: Option<NonZeroU32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<NonZeroU32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// The algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signing: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transform: Option<String>,
    #[serde(flatten)]
    transport: StoredTransport,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encryption: Option<StoredEncryption>,
    /// `probes.rs` looks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recover: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredRetry {
    Patient,
    DelaysS(Vec<u32>),
}

/// The secrets of the options.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredSecrets {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signing: Vec<String>,
    #[serde(flatten)]
    transport: TransportSecrets,
}

/// The options as texts: what anybody may read, and, where there are any, the secrets.
pub(super) fn split(options: &StreamOptions) -> (String, Option<Secret>) {
    let StreamOptions { ordering, delivery } = options;
    let DeliverySettings {
        timeout,
        retry,
        in_flight_max,
        rate_per_s,
        headers,
        signing,
        filter,
        transform,
        transport,
        encryption,
        recover,
    } = delivery;
    let (transport, transport_secrets) = stream_transport::split(transport);
    let stored = StoredOptions {
        ordering: (*ordering != Ordering::default()).then(|| ordering.name().to_owned()),
        timeout_s: timeout.map(|timeout| timeout.as_secs()),
        retry: match retry {
            Retry::Contract => None,
            Retry::Patient => Some(StoredRetry::Patient),
            Retry::Delays(delays) => Some(StoredRetry::DelaysS(delays.seconds().to_vec())),
        },
        in_flight_max: *in_flight_max,
        rate_per_s: *rate_per_s,
        headers: headers.as_map().clone(),
        signing: signing.as_ref().map(|signing| signing.algorithm().name().to_owned()),
        filter: filter.as_ref().map(|filter| filter.as_str().to_owned()),
        transform: transform.as_ref().map(|transform| transform.as_str().to_owned()),
        transport,
        encryption: encryption.as_ref().map(StoredEncryption::of),
        recover: (*recover != Recovery::default()).then(|| recover.name().to_owned()),
    };
    let secrets = StoredSecrets {
        signing: signing.as_ref().map(signing_secrets).unwrap_or_default(),
        transport: transport_secrets,
    };
    let sealed = (secrets != StoredSecrets::default()).then(|| Secret::new(to_json(&secrets)));
    (to_json(&stored), sealed)
}

/// The options again; `None` if that is not what was stored.
pub(super) fn join(stored: StoredOptions, secrets: StoredSecrets) -> Option<StreamOptions> {
    let ordering = stored.ordering.map_or(Some(Ordering::default()), |name| Ordering::from_name(&name))?;
    let retry = match stored.retry {
        None => Retry::Contract,
        Some(StoredRetry::Patient) => Retry::Patient,
        Some(StoredRetry::DelaysS(seconds)) => Retry::Delays(Delays::new(seconds).ok()?),
    };
    let signing = match stored.signing {
        None => None,
        Some(algorithm) => Some(signing_of(SigningAlgorithm::from_name(&algorithm)?, &secrets.signing)?),
    };
    let delivery = DeliverySettings {
        timeout: stored.timeout_s.map(Duration::from_secs),
        retry,
        in_flight_max: stored.in_flight_max,
        rate_per_s: stored.rate_per_s,
        headers: StaticHeaders::new(stored.headers).ok()?,
        signing,
        filter: stored.filter.map(|text| Filter::parse(&text)).transpose().ok()?,
        transform: stored.transform.map(|text| Transform::parse(&text)).transpose().ok()?,
        transport: stream_transport::join(stored.transport, secrets.transport)?,
        encryption: match stored.encryption {
            None => None,
            Some(encryption) => Some(encryption.read()?),
        },
        recover: stored.recover.map_or(Some(Recovery::default()), |name| Recovery::from_name(&name))?,
    };
    Some(StreamOptions { ordering, delivery })
}

fn signing_secrets(signing: &Signing) -> Vec<String> {
    let text = |secret: &Secret| secret.expose().to_owned();
    match signing {
        Signing::HmacSha256(secrets) => secrets.iter().map(|each| text(each.text())).collect(),
        Signing::Ed25519(keys) => keys.iter().map(|each| text(each.text())).collect(),
    }
}

fn signing_of(algorithm: SigningAlgorithm, texts: &[String]) -> Option<Signing> {
    if texts.is_empty() {
        return None;
    }
    match algorithm {
        SigningAlgorithm::HmacSha256 => {
            texts.iter().map(|text| HmacSecret::parse(text).ok()).collect::<Option<_>>().map(Signing::HmacSha256)
        }
        SigningAlgorithm::Ed25519 => {
            texts.iter().map(|text| Ed25519Key::from_stored(text).ok()).collect::<Option<_>>().map(Signing::Ed25519)
        }
    }
}
