//! The options among the members of `headwater` on an event stream (docs/extensions.md): read, laid over what is stored,
//! and answered. What is at its default is left out of answers; secrets always are, but one that the server has just
//! made.

mod encryption;
mod given;
mod headers;
mod proxy;
mod retry;
mod signing;
mod tls;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use domain::clock::{Entropy, Timestamp};
use domain::delivery::Ordering;
use domain::delivery_settings::{DeliverySettings, IN_FLIGHT_MAX, RATE_PER_S_MAX, Retry, StaticHeaders, TIMEOUT_S_MAX};
use domain::destination::Destination;
use domain::encryption::Encryption;
use domain::expression::{Filter, Transform};
use domain::proxy::Proxy;
use domain::recovery::Recovery;
use domain::secret::Secret;
use domain::stream::StreamOptions;
use serde::Serialize;

use self::encryption::EncryptionAnswer;
use self::given::Given;
use self::proxy::GivenProxy;
use self::retry::RetryAnswer;
use self::signing::{GivenSigning, SigningAnswer};
use self::tls::{GivenTls, TlsAnswer};
use super::expression::{FILTER, TRANSFORM, read_filter, read_transform};
use super::reader::{Field, Invalid, ObjectReader, Part};

/// The member that everything beyond the contract is in.
pub(super) const EXTENSION: Field = Field::new("headwater", "What this server offers beyond the contract.");
const ORDERING: Field = Field::new("ordering", "Which events wait for one another: subject, none or strict.");
const TIMEOUT: Field = Field::new("timeout_s", "How long one attempt may take as a whole, in seconds.");
const IN_FLIGHT: Field = Field::new("in_flight_max", "Requests in flight at once, at most.");
const HTTP2: Field = Field::new("http2", "Whether HTTP/2 is spoken where the receiver offers it.");
const RECOVER: Field =
    Field::new("recover", "How the stream comes back after the server has disabled it: manual or probe.");
const RATE: Field = Field::new("rate_per_s", "Requests a second, at most.");

/// The options of a request; what is absent stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenOptions {
    ordering: Given<Ordering>,
    timeout: Given<Option<Duration>>,
    retry: Given<Retry>,
    in_flight_max: Given<Option<NonZeroU32>>,
    rate_per_s: Given<Option<NonZeroU32>>,
    headers: Given<StaticHeaders>,
    signing: Given<Option<GivenSigning>>,
    filter: Given<Option<Filter>>,
    transform: Given<Option<Transform>>,
    tls: Given<GivenTls>,
    http2: Given<bool>,
    proxy: Given<GivenProxy>,
    encryption: Given<Option<Encryption>>,
    recover: Given<Recovery>,
}

/// Options with what was given laid over them.
pub(crate) struct CompletedOptions {
    /// The options.
    pub options: StreamOptions,
    /// A signing secret that the server made, because none was given: to be shown in this one answer.
    pub made: Option<Secret>,
}

/// Reads the options; other members of the extension are left in it. `http_allowed` is the operator's choice.
pub(super) fn read_options(extension: &mut ObjectReader, http_allowed: bool) -> Result<GivenOptions, Invalid> {
    let seconds = |number: u64| Some(Duration::from_secs(number));
    Ok(GivenOptions {
        ordering: Given::read(extension, ORDERING, |it| it.word(ORDERING, Ordering::from_name))?,
        timeout: Given::read(extension, TIMEOUT, |it| Ok(it.number(TIMEOUT, 1, TIMEOUT_S_MAX.into())?.map(seconds)))?,
        retry: Given::read(extension, retry::RETRY, retry::read)?,
        in_flight_max: Given::read(extension, IN_FLIGHT, |it| read_count(it, IN_FLIGHT, IN_FLIGHT_MAX))?,
        rate_per_s: Given::read(extension, RATE, |it| read_count(it, RATE, RATE_PER_S_MAX))?,
        headers: Given::read(extension, headers::HEADERS, headers::read)?,
        signing: Given::read(extension, signing::SIGNING, |it| Ok(signing::read(it)?.map(Some)))?,
        filter: Given::read(extension, FILTER, |it| Ok(read_filter(it)?.map(Some)))?,
        transform: Given::read(extension, TRANSFORM, |it| Ok(read_transform(it)?.map(Some)))?,
        tls: Given::read(extension, tls::TLS, tls::read)?,
        http2: Given::read(extension, HTTP2, |it| it.boolean(HTTP2))?,
        proxy: Given::read(extension, proxy::PROXY.field(), proxy::read)?,
        encryption: Given::read(extension, encryption::ENCRYPTION, |it| {
            Ok(encryption::read(it, http_allowed)?.map(Some))
        })?,
        recover: Given::read(extension, RECOVER, |it| it.word(RECOVER, Recovery::from_name))?,
    })
}

/// A number from one on, if it is there; the outer option says so.
fn read_count(extension: &mut ObjectReader, field: Field, max: u32) -> Result<Option<Option<NonZeroU32>>, Invalid> {
    let count = extension.number(field, 1, max.into())?;
    Ok(count.map(|count| u32::try_from(count).ok().and_then(NonZeroU32::new)))
}

impl GivenOptions {
    /// Lays what was given over the stored options of a stream that delivers to `destination`.
    pub(crate) fn completed(
        self,
        stored: &StreamOptions,
        destination: &Destination,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<CompletedOptions, Invalid> {
        let Self {
            ordering,
            timeout,
            retry,
            in_flight_max,
            rate_per_s,
            headers,
            signing,
            filter,
            transform,
            tls,
            http2,
            proxy,
            encryption,
            recover,
        } = self;
        let mut options = stored.clone();
        ordering.lay_over(&mut options.ordering);
        let delivery = &mut options.delivery;
        timeout.lay_over(&mut delivery.timeout);
        retry.lay_over(&mut delivery.retry);
        in_flight_max.lay_over(&mut delivery.in_flight_max);
        rate_per_s.lay_over(&mut delivery.rate_per_s);
        headers.lay_over(&mut delivery.headers);
        filter.lay_over(&mut delivery.filter);
        transform.lay_over(&mut delivery.transform);
        let made = signing::lay_over(signing, &mut delivery.signing, entropy);
        tls::lay_over(tls, &mut delivery.transport.tls, now)?;
        http2.lay_over(&mut delivery.transport.http2);
        proxy::lay_over(proxy, &mut delivery.transport.proxy)?;
        encryption.lay_over(&mut delivery.encryption);
        recover.lay_over(&mut delivery.recover);
        options.delivery.check_fit(destination).map_err(|unfit| {
            let place = format!("{}.{}", EXTENSION.name, unfit.member());
            Invalid::new(Part::Payload, &unfit.to_string(), &place, EXTENSION.about)
        })?;
        Ok(CompletedOptions { options, made })
    }
}

/// The options as they are answered; one that is at its default is left out.
#[derive(Default, Serialize)]
pub(super) struct OptionsAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    ordering: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<RetryAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight_max: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing: Option<SigningAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsAnswer>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    http2: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<EncryptionAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recover: Option<&'static str>,
}

impl OptionsAnswer {
    /// The options, if one of them is not at its default.
    pub(super) fn of(options: &StreamOptions) -> Option<Self> {
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
        (*options != StreamOptions::default()).then(|| Self {
            ordering: (*ordering != Ordering::default()).then(|| ordering.name()),
            timeout_s: timeout.map(|timeout| timeout.as_secs()),
            retry: RetryAnswer::of(retry),
            in_flight_max: *in_flight_max,
            rate_per_s: *rate_per_s,
            headers: headers.as_map().clone(),
            signing: signing.as_ref().map(SigningAnswer::of),
            filter: filter.as_ref().map(|filter| filter.as_str().to_owned()),
            transform: transform.as_ref().map(|transform| transform.as_str().to_owned()),
            tls: TlsAnswer::of(&transport.tls),
            http2: transport.http2,
            proxy: transport.proxy.as_ref().map(Proxy::shown),
            encryption: encryption.as_ref().map(EncryptionAnswer::of),
            recover: (*recover != Recovery::default()).then(|| recover.name()),
        })
    }

    /// Shows a signing secret that the server has just made.
    pub(super) fn show_made(&mut self, made: &Secret) {
        if let Some(signing) = &mut self.signing {
            signing.show_made(made);
        }
    }
}
