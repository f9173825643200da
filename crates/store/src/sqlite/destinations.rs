//! Destinations as they are stored with their streams: everything but their secret, which is sealed beside it.

use domain::clock::Entropy;
use domain::destination::{
    ActionDestination, Authorization, AwsAccountId, AwsRegion, Destination, Endpoint, EventBridge, PartnerEventSource,
    Webhook,
};
use domain::ids::ActionId;
use domain::secret::Secret;
use serde::{Deserialize, Serialize};

use super::rows::{Place, json, to_json};
use crate::{Keyring, StoreError};

/// A destination without its secret; the tag is the contract's word for its type.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum StoredDestination {
    Webhook { endpoint: String, authorization: StoredAuthorization },
    EventBridge { account: String, region: String, partner_event_source: String },
    Action { action_id: ActionId },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
enum StoredAuthorization {
    Bearer,
    Basic { username: String },
    CustomHeader { header_key: String },
}

/// What the columns `destination` and `secret` of a stream hold.
pub(super) struct DestinationColumns {
    pub(super) destination: String,
    /// Of a destination that has no secret, an empty one: so what is sealed in all rows is handled alike.
    pub(super) secret: Vec<u8>,
}

fn secret_context(stream: &str) -> String {
    format!("streams/{stream}")
}

/// The columns for the destination of `stream`.
pub(super) fn columns(
    destination: &Destination,
    stream: &str,
    keyring: &Keyring,
    entropy: &dyn Entropy,
) -> DestinationColumns {
    let nothing = Secret::new("");
    let secret = destination.secret().unwrap_or(&nothing);
    DestinationColumns {
        destination: to_json(&stored(destination)),
        secret: keyring.seal(secret, &secret_context(stream), entropy),
    }
}

/// The destination of `stream` out of its columns.
pub(super) fn destination_of(
    destination: &str,
    sealed: &[u8],
    stream: &str,
    keyring: &Keyring,
) -> Result<Destination, StoreError> {
    let place = |column| Place { table: "streams", column, row: &stream };
    let stored = json(destination, place("destination"))?;
    let secret = keyring.open(sealed, &secret_context(stream)).map_err(|_| place("secret").corrupt())?;
    joined(stored, secret).ok_or_else(|| place("destination").corrupt())
}

fn stored(destination: &Destination) -> StoredDestination {
    match destination {
        Destination::Webhook(Webhook { endpoint, authorization }) => {
            let authorization = match authorization {
                Authorization::Bearer { .. } => StoredAuthorization::Bearer,
                Authorization::Basic { username, .. } => StoredAuthorization::Basic { username: username.clone() },
                Authorization::CustomHeader { header_key, .. } => {
                    StoredAuthorization::CustomHeader { header_key: header_key.clone() }
                }
            };
            StoredDestination::Webhook { endpoint: endpoint.as_str().to_owned(), authorization }
        }
        Destination::EventBridge(EventBridge { account, region, partner_event_source }) => {
            StoredDestination::EventBridge {
                account: account.as_str().to_owned(),
                region: region.name().to_owned(),
                partner_event_source: partner_event_source.as_str().to_owned(),
            }
        }
        Destination::Action(ActionDestination { action_id }) => StoredDestination::Action { action_id: *action_id },
    }
}

fn joined(stored: StoredDestination, secret: Secret) -> Option<Destination> {
    Some(match stored {
        StoredDestination::Webhook { endpoint, authorization } => {
            let authorization = match authorization {
                StoredAuthorization::Bearer => Authorization::Bearer { token: secret },
                StoredAuthorization::Basic { username } => Authorization::Basic { username, password: secret },
                StoredAuthorization::CustomHeader { header_key } => {
                    Authorization::CustomHeader { header_key, header_value: secret }
                }
            };
            Destination::Webhook(Webhook { endpoint: Endpoint::from_stored(&endpoint).ok()?, authorization })
        }
        StoredDestination::EventBridge { account, region, partner_event_source } => {
            Destination::EventBridge(EventBridge {
                account: AwsAccountId::parse(&account)?,
                region: AwsRegion::from_name(&region)?,
                partner_event_source: PartnerEventSource::from_stored(partner_event_source),
            })
        }
        StoredDestination::Action { action_id } => Destination::Action(ActionDestination { action_id }),
    })
}
