//! Whether a request comes from whom it should.

use aws_lc_rs::constant_time;
use domain::clock::Timestamp;
use domain::destination::Authorization;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::signature::{VerificationKey, verify};

/// What a request has to have. Whatever is asked for here has to be right.
#[derive(Debug, Default)]
pub struct Check {
    authorization: Option<(HeaderName, HeaderValue)>,
    keys: Vec<VerificationKey>,
}

impl Check {
    /// Asks for this authorization, where it is given, and for the signature of one of the keys, where there are some.
    ///
    /// # Errors
    /// If the authorization has characters that no header carries.
    pub fn new(authorization: Option<&Authorization>, keys: Vec<VerificationKey>) -> Result<Self, &'static str> {
        let header = |authorization: &Authorization| {
            let (name, value) = authorization.header();
            let mut value = HeaderValue::from_bytes(value.expose().as_bytes()).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
        };
        let unsendable = "the authorization has characters that no header carries";
        let authorization = authorization.map(|given| header(given).ok_or(unsendable)).transpose()?;
        Ok(Self { authorization, keys })
    }

    /// Whether everything is taken.
    pub fn takes_everything(&self) -> bool {
        self.authorization.is_none() && self.keys.is_empty()
    }

    /// Checks a request.
    ///
    /// # Errors
    /// What is wrong, in words for the sender: no secret is in them.
    pub(crate) fn check(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), &'static str> {
        if let Some((name, expected)) = &self.authorization {
            // How long the comparison takes tells how long a value is, and nothing else.
            let is_right = headers.get(name).is_some_and(|given| {
                constant_time::verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
            });
            if !is_right {
                return Err("the authorization is missing or not right");
            }
        }
        if self.keys.is_empty() { Ok(()) } else { verify(&self.keys, headers, body, now) }
    }
}

#[cfg(test)]
mod tests {
    use domain::secret::Secret;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_614_265_330_000);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn bearer(token: &str) -> Authorization {
        Authorization::Bearer { token: Secret::new(token) }
    }

    #[test]
    fn the_authorization_has_to_be_the_very_one() {
        let check = Check::new(Some(&bearer("t0ken")), Vec::new()).unwrap();
        assert_eq!(check.check(&headers(&[("authorization", "Bearer t0ken")]), b"", NOW), Ok(()));
        for wrong in ["Bearer t0kem", "Bearer t0ken2", "bearer t0ken", "t0ken", ""] {
            assert!(check.check(&headers(&[("authorization", wrong)]), b"", NOW).is_err(), "{wrong}");
        }
        assert!(check.check(&HeaderMap::new(), b"", NOW).is_err());
        assert!(Check::default().takes_everything() && !check.takes_everything());
        assert!(!format!("{check:?}").contains("t0ken"));
        let of_own = Authorization::CustomHeader { header_key: "X-Key".into(), header_value: Secret::new("k") };
        let check = Check::new(Some(&of_own), Vec::new()).unwrap();
        assert_eq!(check.check(&headers(&[("x-key", "k")]), b"", NOW), Ok(()));
        assert!(Check::new(Some(&bearer("a\nb")), Vec::new()).is_err());
    }

    #[test]
    fn authorization_and_signature_both_have_to_be_right_where_both_are_asked_for() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = standardwebhooks::Webhook::new(key).unwrap().sign("e", 1_614_265_330, b"{}").unwrap();
        let check = Check::new(Some(&bearer("t0ken")), vec![VerificationKey::parse(key).unwrap()]).unwrap();
        let mut both = headers(&[
            ("authorization", "Bearer t0ken"),
            ("webhook-id", "e"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", &signature),
        ]);
        assert_eq!(check.check(&both, b"{}", NOW), Ok(()));
        assert!(check.check(&both, b"{ }", NOW).is_err());
        both.remove("authorization");
        assert!(check.check(&both, b"{}", NOW).unwrap_err().contains("authorization"));
    }
}
