//! The proxy through which requests leave.

use url::{Host, Url};

use crate::secret::Secret;

/// The longest text that is taken, in bytes.
pub const PROXY_BYTES_MAX: usize = 2048;

/// An HTTP proxy that is asked for tunnels (`CONNECT`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proxy {
    address: Address,
    credentials: Option<Credentials>,
}

/// Where a proxy listens.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Address {
    host: Host<String>,
    port: u16,
}

/// What a proxy asks for, if anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// Shown in answers.
    pub username: String,
    /// Never shown.
    pub password: Secret,
}

/// Why a text is not a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not `http://host:port`.
    #[error("Expected a proxy such as http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128")]
    Malformed,
    /// Characters that cannot be sent.
    #[error("Expected a username without a colon, and no control characters in username and password")]
    Credentials,
    /// A username whose password is not known.
    #[error("Expected the password with the username: http://user:password@proxy.example.com:3128")]
    PasswordMissing,
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`; the port is 80 if it is left out. Username and password are
    /// percent-encoded. Where there is a username without a password, that of `stored` is meant, if it is the
    /// same user of the same proxy.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str, stored: Option<&Self>) -> Result<Self, ProxyError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.len() > PROXY_BYTES_MAX || !plain || !text.starts_with("http://") {
            return Err(ProxyError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| ProxyError::Malformed)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let (Some(host), true) = (url.host(), bare) else { return Err(ProxyError::Malformed) };
        let address = Address { host: host.to_owned(), port: url.port_or_known_default().unwrap_or(80) };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) => return Err(ProxyError::Credentials),
            (username, password) => {
                let username = decoded(username).filter(|name| !name.contains(':')).ok_or(ProxyError::Credentials)?;
                let same = |stored: &&Credentials| stored.username == username;
                let password = match password {
                    Some(password) => Secret::new(decoded(password).ok_or(ProxyError::Credentials)?),
                    None => stored
                        .filter(|stored| stored.address == address)
                        .and_then(|stored| stored.credentials.as_ref())
                        .filter(same)
                        .map(|stored| stored.password.clone())
                        .ok_or(ProxyError::PasswordMissing)?,
                };
                Some(Credentials { username, password })
            }
        };
        Ok(Self { address, credentials })
    }

    /// Its host.
    pub const fn host(&self) -> &Host<String> {
        &self.address.host
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.address.port
    }

    /// What it asks for.
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// As it is shown: without the password. [`Proxy::parse`] takes it back.
    pub fn shown(&self) -> String {
        self.written(|_| String::new())
    }

    /// As it is sealed: with the password.
    pub fn with_password(&self) -> Secret {
        Secret::new(self.written(|password| format!(":{}", encoded(password.expose()))))
    }

    fn written(&self, password: impl Fn(&Secret) -> String) -> String {
        let Address { host, port } = &self.address;
        let user = |credentials: &Credentials| {
            format!("{}{}@", encoded(&credentials.username), password(&credentials.password))
        };
        format!("http://{}{host}:{port}", self.credentials.as_ref().map(user).unwrap_or_default())
    }
}

/// The text that percent-encoding stands for, if it holds no control characters.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { hex(rest.next()?)? * 16 + hex(rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _never_fails = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_password_and_taken_back() {
        let given = Proxy::parse("http://ja%20ne:p%40ss%3A%2F@Proxy.Example:3128/", None).unwrap();
        let credentials = given.credentials().unwrap();
        assert_eq!((credentials.username.as_str(), credentials.password.expose()), ("ja ne", "p@ss:/"));
        assert_eq!(given.shown(), "http://ja%20ne@proxy.example:3128");
        assert_eq!(Proxy::parse(&given.shown(), Some(&given)).as_ref(), Ok(&given));
        assert_eq!(Proxy::parse(given.with_password().expose(), None).as_ref(), Ok(&given));
        assert!(!format!("{given:?}").contains("p@ss"));
        let plain = Proxy::parse("http://[::1]", None).unwrap();
        assert_eq!((plain.shown().as_str(), plain.port()), ("http://[::1]:80", 80));
    }

    #[test]
    fn a_stored_password_is_for_the_same_user_of_the_same_proxy_only() {
        let stored = Proxy::parse("http://jane:s3cret@proxy.example:3128", None).unwrap();
        for other in
            ["http://jane@proxy.example:3129", "http://jane@elsewhere.example:3128", "http://joe@proxy.example:3128"]
        {
            assert_eq!(Proxy::parse(other, Some(&stored)), Err(ProxyError::PasswordMissing), "{other}");
        }
        assert_eq!(Proxy::parse("http://jane@proxy.example:3128", None), Err(ProxyError::PasswordMissing));
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for (text, error) in [
            ("", ProxyError::Malformed),
            ("proxy.example:3128", ProxyError::Malformed),
            ("https://proxy.example", ProxyError::Malformed),
            ("socks5://proxy.example", ProxyError::Malformed),
            ("http://", ProxyError::Malformed),
            ("http://proxy.example/path", ProxyError::Malformed),
            ("http://proxy.example?query", ProxyError::Malformed),
            ("http://proxy.example:3128\r\nx: y", ProxyError::Malformed),
            ("http://:password@proxy.example", ProxyError::Credentials),
            ("http://us%0d%0aer:password@proxy.example", ProxyError::Credentials),
            ("http://user:pass%0d%0aword@proxy.example", ProxyError::Credentials),
            ("http://us%3aer:password@proxy.example", ProxyError::Credentials),
            ("http://us%zzer:password@proxy.example", ProxyError::Credentials),
        ] {
            assert_eq!(Proxy::parse(text, None), Err(error), "{text:?}");
        }
    }
}
