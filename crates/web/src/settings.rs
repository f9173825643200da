//! What the operator decides about the API, and the names that follow from the public URL.

use std::time::Duration;

use axum::http::Uri;
use domain::account::TenantName;
use domain::destination::PartnerName;
use domain::operator::SessionLimits;
use domain::rate_limit::RateLimit;
use domain::secret::Secret;

/// What the operator decides about the API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How clients reach the server, and with it the default tenant.
    pub public_url: PublicUrl,
    /// The other tenants. No two of all have the same name or domain.
    pub tenants: Vec<TenantSettings>,
    /// How many event streams a tenant may have; `None` if that has no limit.
    pub streams_max: Option<u32>,
    /// How many actions a tenant may have.
    pub actions_max: u32,
    /// Whether webhook endpoints may be `http://`.
    pub http_destinations_allowed: bool,
    /// Whether a stream's secret has to be given again when its endpoint gets another origin.
    pub secrets_bound_to_origin: bool,
    /// The partner of AWS that the names of partner event sources are of.
    pub event_bridge_partner: PartnerName,
    /// How long an access token is valid.
    pub token_lifetime: Duration,
    /// With so many failed deliveries outstanding, a stream is not enabled.
    pub failures_outstanding_max: u32,
    /// How many requests of a tenant are taken; `None`: all.
    pub rate_limit: Option<RateLimit>,
    /// The largest request body that is taken, in bytes.
    pub body_bytes_max: usize,
    /// The largest batch of published events that is taken, in bytes.
    pub batch_bytes_max: usize,
    /// Readers of the Events API.
    pub readers: Readers,
    /// The dashboard.
    pub dashboard: Dashboard,
}

/// What the operator of the server decides about the dashboard.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// How long somebody stays signed in.
    pub sessions: SessionLimits,
}

/// What the operator decides about readers of the Events API.
#[derive(Clone, Copy, Debug)]
pub struct Readers {
    /// How many may be connected at once, of each tenant.
    pub connections_max: usize,
    /// How often each is told where it stands.
    pub heartbeat: Duration,
    /// After how long a connection ends, give or take a tenth; the reader connects again.
    pub cycle: Duration,
}

/// What the operator decides about a tenant besides the default one.
#[derive(Clone, Debug)]
pub struct TenantSettings {
    /// Its name.
    pub name: TenantName,
    /// How its clients reach it: its domain is the host, and the port where it is not the scheme's own.
    pub public_url: PublicUrl,
    /// Its first application.
    pub application: Option<Bootstrap>,
}

/// The application that a first start makes, with every scope.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

/// How clients reach the server: a scheme, a host and perhaps a port. Issuer, audience and domain follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    domain: String,
    issuer: String,
    audience: String,
}

/// Why a text is not a public URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Not a URL at all.
    #[error("expected a URL such as https://events.example.com, found {0:?}")]
    Malformed(String),
    /// Something after the host, or before it.
    #[error("the public URL must be only a scheme, a host and perhaps a port; remove {0} from it")]
    Superfluous(&'static str),
}

impl PublicUrl {
    /// Reads `https://HOST[:PORT]` or `http://HOST[:PORT]`; one final slash is allowed.
    ///
    /// # Errors
    /// [`PublicUrlError`], which says what to mend.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let malformed = || PublicUrlError::Malformed(text.to_owned());
        // A fragment is not part of a request target, so `Uri` would drop it without a word.
        if text.contains('#') {
            return Err(PublicUrlError::Superfluous("the fragment"));
        }
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let (scheme, port_default) = match uri.scheme_str() {
            Some("https") => ("https", 443),
            Some("http") => ("http", 80),
            _ => return Err(malformed()),
        };
        let authority = uri.authority().ok_or_else(malformed)?;
        if authority.as_str().contains('@') {
            return Err(PublicUrlError::Superfluous("the user information"));
        }
        if uri.query().is_some() {
            return Err(PublicUrlError::Superfluous("the query"));
        }
        if !matches!(uri.path(), "" | "/") {
            return Err(PublicUrlError::Superfluous("the path"));
        }
        let host = authority.host().to_ascii_lowercase();
        let port_is_written = authority.as_str().len() > authority.host().len();
        let domain = match authority.port_u16() {
            _ if host.is_empty() => return Err(malformed()),
            None | Some(0) if port_is_written => return Err(malformed()),
            Some(port) if port != port_default => format!("{host}:{port}"),
            _ => host,
        };
        let origin = format!("{scheme}://{domain}");
        Ok(Self { issuer: format!("{origin}/"), audience: format!("{origin}/api/v2/"), origin, domain })
    }

    /// The same scheme with another host, and perhaps a port.
    ///
    /// # Errors
    /// [`PublicUrlError`], which says what to mend.
    pub fn with_domain(&self, domain: &str) -> Result<Self, PublicUrlError> {
        let scheme = self.origin.split_once("://").map_or("https", |(scheme, _)| scheme);
        Self::parse(&format!("{scheme}://{domain}"))
    }

    /// The URL without a final slash.
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// `iss` of the tokens: the URL and a slash.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The identifier of the Management API: the URL and `/api/v2/`.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Whether it is HTTPS.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// The tenant's domain: the host, and the port where it is not the scheme's own; lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_url() {
        let url = PublicUrl::parse("https://Localhost:8443/").unwrap();
        assert_eq!(url.as_str(), "https://localhost:8443");
        assert_eq!(url.issuer(), "https://localhost:8443/");
        assert_eq!(url.audience(), "https://localhost:8443/api/v2/");
        assert_eq!(url.domain(), "localhost:8443");
        assert_eq!(PublicUrl::parse("https://acme.example:443").unwrap().domain(), "acme.example");
        assert_eq!(PublicUrl::parse("http://127.0.0.1:4400").unwrap().issuer(), "http://127.0.0.1:4400/");
        assert_eq!(PublicUrl::parse("http://[::1]:4400").unwrap().domain(), "[::1]:4400");
        assert_eq!(url.with_domain("globex.example").unwrap().issuer(), "https://globex.example/");
        assert!(url.with_domain("globex.example/x").is_err());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["acme.example", "ftp://acme.example", "https://", "", "https://a b", "https://acme.example:0"] {
            assert!(matches!(PublicUrl::parse(text), Err(PublicUrlError::Malformed(_))), "{text}");
        }
        for text in ["https://acme.example/x", "https://acme.example/?x=1", "https://u@acme.example", "https://a/#x"] {
            assert!(matches!(PublicUrl::parse(text), Err(PublicUrlError::Superfluous(_))), "{text}");
        }
    }
}
