//! Certificates and private keys as owners paste them in: PEM texts, read as far as that needs no cryptography.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;
use crate::secret::Secret;

/// The longest PEM text that is taken, in bytes.
pub const PEM_BYTES_MAX: usize = 64 * 1024;

/// Certificates in one text, at most.
pub const CERTIFICATES_MAX: usize = 32;

const KEY_LABELS: &[&str] = &["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"];

/// Why a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// Longer than [`PEM_BYTES_MAX`].
    #[error("Expected a PEM text of at most 65536 bytes")]
    TooLong,
    /// A block that does not end or is not base64.
    #[error("Expected PEM: a block does not end, or is not base64")]
    Malformed,
    /// No certificate in it, or something that is not one.
    #[error("Expected one or more PEM blocks of the type CERTIFICATE")]
    NoCertificate,
    /// More than [`CERTIFICATES_MAX`].
    #[error("Expected at most 32 certificates")]
    TooMany,
    /// Not exactly one unencrypted private key.
    #[error("Expected one PEM block with an unencrypted private key: PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY")]
    NotOneKey,
}

/// One or more X.509 certificates, as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    text: String,
    ders: Vec<Vec<u8>>,
}

impl Certificates {
    /// Reads a PEM text. Blocks of other types are refused, so that nobody pastes a key where it would be shown.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, PemError> {
        let blocks = blocks(text)?;
        if blocks.is_empty() || blocks.iter().any(|(label, _)| *label != "CERTIFICATE") {
            return Err(PemError::NoCertificate);
        }
        if blocks.len() > CERTIFICATES_MAX {
            return Err(PemError::TooMany);
        }
        let ders: Vec<_> = blocks.into_iter().map(|(_, der)| der).collect();
        if ders.iter().any(|der| validity(der).is_none()) {
            return Err(PemError::NoCertificate);
        }
        Ok(Self { text: text.to_owned(), ders })
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Each certificate's DER encoding, in the order of the text.
    pub fn ders(&self) -> impl Iterator<Item = &[u8]> {
        self.ders.iter().map(Vec::as_slice)
    }

    /// From when until when the first one is valid.
    pub fn validity(&self) -> Validity {
        let first = self.ders.first().and_then(|der| validity(der));
        first.expect("there is a first one, and it was read when the text was")
    }
}

/// A private key, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKey(Secret);

impl PrivateKey {
    /// Reads a PEM text with exactly one private key in it. Whether it is a usable one is not decided here.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, PemError> {
        match blocks(text)?.as_slice() {
            [(label, der)] if KEY_LABELS.contains(label) && !der.is_empty() => Ok(Self(Secret::new(text))),
            _ => Err(PemError::NotOneKey),
        }
    }

    /// The PEM text, for the one place that uses or seals it.
    pub const fn pem(&self) -> &Secret {
        &self.0
    }
}

/// A span of the calendar; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its first second.
    pub from: Timestamp,
    /// Its last second.
    pub until: Timestamp,
}

impl Validity {
    /// What is wrong with using it at `now`, if anything.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        if now < self.from {
            Some(format!("it is not valid before {}", self.from))
        } else if now > self.until {
            Some(format!("it has expired at {}", self.until))
        } else {
            None
        }
    }
}

/// The blocks of a PEM text: their labels and what is in them. Text around them is explanation.
fn blocks(text: &str) -> Result<Vec<(&str, Vec<u8>)>, PemError> {
    if text.len() > PEM_BYTES_MAX {
        return Err(PemError::TooLong);
    }
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
            continue;
        };
        let mut encoded = String::new();
        loop {
            let line = lines.next().ok_or(PemError::Malformed)?;
            if line.strip_prefix("-----END ").and_then(|rest| rest.strip_suffix("-----")) == Some(label) {
                break;
            }
            encoded.push_str(line);
        }
        blocks.push((label, STANDARD.decode(&encoded).map_err(|_| PemError::Malformed)?));
    }
    Ok(blocks)
}

/// DER, read from the front: each item's tag and content.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let fold = |length: usize, digit: &u8| Some(length.checked_mul(256)? + usize::from(*digit));
            (digits.iter().try_fold(0, fold)?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn next_of(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;

/// `Certificate ::= { tbs { [version], serial, algorithm, issuer, validity { from, until }, … }, … }` (RFC 5280).
fn validity(certificate: &[u8]) -> Option<Validity> {
    let mut tbs = Der(Der(Der(certificate).next_of(SEQUENCE)?).next_of(SEQUENCE)?);
    let (first, _) = tbs.next()?;
    if first == VERSION {
        tbs.next_of(INTEGER)?;
    } else if first != INTEGER {
        return None;
    }
    let _algorithm = tbs.next_of(SEQUENCE)?;
    let _issuer = tbs.next_of(SEQUENCE)?;
    let mut times = Der(tbs.next_of(SEQUENCE)?);
    Some(Validity { from: time(times.next()?)?, until: time(times.next()?)? })
}

/// `UTCTime` (two digits of the year, from 1950 on) or `GeneralizedTime`, both in UTC to the second.
fn time((tag, content): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (century, digits) = match (tag, text.len()) {
        (0x17, 12) if text < "50" => ("20", text),
        (0x17, 12) => ("19", text),
        (0x18, 14) => ("", text),
        _ => return None,
    };
    let full = format!("{century}{digits}");
    if !full.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let [year, month, day] = [&full[..4], &full[4..6], &full[6..8]];
    let [hour, minute, second] = [&full[8..10], &full[10..12], &full[12..14]];
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 3650`.
    const CERTIFICATE: &str = include_str!("certificate/example.pem");

    #[test]
    fn a_certificate_says_how_long_it_is_valid() {
        let certificates = Certificates::parse(&format!("subject=example\n{CERTIFICATE}{CERTIFICATE}")).unwrap();
        assert_eq!(certificates.ders().count(), 2);
        let Validity { from, until } = certificates.validity();
        assert_eq!(until.since(from).as_secs(), 3650 * 86_400);
        let validity = Validity { from, until };
        assert_eq!(validity.problem(from), None);
        assert_eq!(validity.problem(until), None);
        let late = Timestamp::from_millis(until.as_millis() + 1000);
        assert_eq!(validity.problem(late), Some(format!("it has expired at {until}")));
        let early = Timestamp::from_millis(from.as_millis() - 1000);
        assert_eq!(validity.problem(early), Some(format!("it is not valid before {from}")));
    }

    #[test]
    fn both_forms_of_time() {
        let read = |tag, text: &str| time((tag, text.as_bytes())).map(|time| time.to_string());
        assert_eq!(read(0x17, "491231235959Z").as_deref(), Some("2049-12-31T23:59:59.000Z"));
        assert_eq!(read(0x17, "500101000000Z").as_deref(), Some("1950-01-01T00:00:00.000Z"));
        assert_eq!(read(0x18, "21000101000000Z").as_deref(), Some("2100-01-01T00:00:00.000Z"));
        for (tag, text) in [(0x17, "4912312359Z"), (0x18, "491231235959Z"), (0x17, "49123123595éZ"), (0x05, "")] {
            assert_eq!(read(tag, text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (text, error) in [
            (String::new(), PemError::NoCertificate),
            ("hello".to_owned(), PemError::NoCertificate),
            (format!("{CERTIFICATE}{key}"), PemError::NoCertificate),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned(), PemError::NoCertificate),
            ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----".to_owned(), PemError::Malformed),
            ("-----BEGIN CERTIFICATE-----\nAAAA".to_owned(), PemError::Malformed),
            (CERTIFICATE.repeat(CERTIFICATES_MAX + 1), PemError::TooMany),
            (" ".repeat(PEM_BYTES_MAX + 1), PemError::TooLong),
        ] {
            assert_eq!(Certificates::parse(&text), Err(error), "{:.80}", text);
        }
    }

    #[test]
    fn a_truncated_certificate_never_panics() {
        let der = Certificates::parse(CERTIFICATE).unwrap().ders.remove(0);
        for end in 0..der.len() {
            assert_eq!(validity(&der[..end]), None);
        }
    }

    #[test]
    fn exactly_one_key() {
        let key = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        for label in KEY_LABELS {
            let parsed = PrivateKey::parse(&key(label)).unwrap();
            assert!(!format!("{parsed:?}").contains("AAAA"));
        }
        for text in [key("ENCRYPTED PRIVATE KEY"), key("PRIVATE KEY").repeat(2), CERTIFICATE.to_owned(), String::new()]
        {
            assert_eq!(PrivateKey::parse(&text), Err(PemError::NotOneKey));
        }
    }
}
