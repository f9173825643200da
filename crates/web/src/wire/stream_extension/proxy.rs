//! `proxy`: through which proxy a stream's requests go. Its password is never answered.

use domain::proxy::{PROXY_BYTES_MAX, Proxy, ProxyError};
use domain::secret::Secret;

use super::EXTENSION;
use super::given::Given;
use crate::wire::reader::{Invalid, ObjectReader, Part, Text};

pub(super) const PROXY: Text =
    Text::new("proxy", "The proxy that requests go through: http://[user:password@]host:port.")
        .secret()
        .length(1, PROXY_BYTES_MAX);

/// A proxy as it is given; without its password, the stored one is meant.
#[derive(Clone, Debug)]
pub(super) struct GivenProxy(Secret);

/// Reads the member, if it is there.
pub(super) fn read(extension: &mut ObjectReader) -> Result<Option<GivenProxy>, Invalid> {
    Ok(extension.text(&PROXY)?.map(|text| GivenProxy(Secret::new(text))))
}

/// Lays what is given over what is stored.
pub(super) fn lay_over(given: Given<GivenProxy>, stored: &mut Option<Proxy>) -> Result<(), Invalid> {
    let proxy = match given {
        Given::Absent => return Ok(()),
        Given::Default => None,
        Given::Value(GivenProxy(text)) => Some(Proxy::parse(text.expose(), stored.as_ref()).map_err(fault)?),
    };
    *stored = proxy;
    Ok(())
}

fn fault(error: ProxyError) -> Invalid {
    let place = format!("{}.{}", EXTENSION.name, PROXY.name());
    Invalid::new(Part::Payload, &error.to_string(), &place, PROXY.field().about)
}
