//! The configuration of a server: texts from several places, read once into types.
//!
//! `config.default.toml` is the reference of the keys. An error names the key, where it was found and what
//! was expected.

mod actions;
mod event_bridge;
mod layers;
mod tenants;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use delivery::ProbeWaits;
use domain::delivery::{Jitter, Limits, Policy, Schedule};
use domain::operator::SessionLimits;
use domain::proxy::Proxy;
use domain::rate_limit::RateLimit;
use domain::secret::Secret;
use ipnet::IpNet;
use store::CountsKept;
use web::{Dashboard, PublicUrl, Readers};

use crate::environment::Environment;
use crate::keys::MasterKeySource;
use layers::{Found, Layers, Origin};

pub(crate) use actions::Actions;
pub(crate) use event_bridge::EventBridge;
pub(crate) use layers::{DEFAULTS, unknown_variables};
pub(crate) use tenants::ConfiguredTenant;

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// `None`: it follows from the address that is listened on.
    pub(crate) public_url: Option<PublicUrl>,
    /// The tenants besides the default one.
    pub(crate) tenants: Vec<ConfiguredTenant>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) data_dir: PathBuf,
    pub(crate) master_key: MasterKeySource,
    pub(crate) bootstrap: Option<Application>,
    pub(crate) token_lifetime: Duration,
    pub(crate) signing_key_age_max: Option<Duration>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) request_bytes_max: usize,
    pub(crate) batch_bytes_max: usize,
    pub(crate) streams_max: Option<u32>,
    pub(crate) actions_max: u32,
    pub(crate) readers: Readers,
    pub(crate) dashboard: Dashboard,
    pub(crate) allow_destinations: Vec<IpNet>,
    pub(crate) allow_http: bool,
    pub(crate) extra_ca: Option<PathBuf>,
    pub(crate) outbound_proxy: Option<Proxy>,
    pub(crate) bind_secrets_to_origin: bool,
    pub(crate) retention: Duration,
    pub(crate) counts_kept: CountsKept,
    pub(crate) event_bridge: EventBridge,
    pub(crate) delivery: Delivery,
    pub(crate) actions: Actions,
    pub(crate) shutdown_timeout: Duration,
}

/// The files that HTTPS is served with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// An application and its secret.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
}

/// How events are delivered.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) attempt_timeout: Duration,
    pub(crate) policy: Policy,
    pub(crate) answer_head_bytes_max: usize,
    pub(crate) answer_body_bytes_max: usize,
    pub(crate) idle_connections_max: usize,
    pub(crate) key_set_fresh_for: Duration,
    pub(crate) key_set_age_max: Duration,
    pub(crate) all_windows_bytes_max: usize,
    pub(crate) far_behind: u64,
    pub(crate) probe_waits: ProbeWaits,
    pub(crate) checkpoint_every: Duration,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration file {path} cannot be read: {reason}")]
    FileUnreadable { path: PathBuf, reason: std::io::Error },
    #[error("{place} is not TOML: {reason}")]
    NotToml { place: String, reason: String },
    #[error("unknown key {key} in {place}; did you mean {nearest}?")]
    UnknownKey { key: String, place: String, nearest: String },
    #[error("{key} in {place}: expected a text, a number, true or false, or a list")]
    NotPlain { key: &'static str, place: String },
    #[error("{setting}: expected {expected}, found {found}")]
    Unexpected { setting: String, expected: String, found: String },
    #[error("{given} is given without {missing}; give both or neither")]
    Half { given: String, missing: &'static str },
}

impl Config {
    /// The configuration of this command line.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to mend.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: &Environment,
        flags: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let layers = Layers::gather(file, environment, flags)?;
        let data_dir: PathBuf = required(&layers, "data_dir", path)?;
        required(&layers, "store", embedded_store)?;
        optional(&layers, "log", embedded_log)?;
        let tls = pair(&layers, "tls_cert", "tls_key")?;
        let bootstrap = pair(&layers, "bootstrap_client_id", "bootstrap_client_secret")?;
        Ok(Self {
            listen: required(&layers, "listen", value::address)?,
            public_url: optional(&layers, "public_url", public_url)?,
            tenants: layers.tenants().to_vec(),
            tls: tls.map(|(certificate, key)| TlsFiles { certificate: certificate.into(), key: key.into() }),
            master_key: master_key(&layers, &data_dir),
            bootstrap: bootstrap.map(|(client_id, client_secret)| Application {
                client_id: client_id.to_owned(),
                client_secret: Secret::new(client_secret),
            }),
            token_lifetime: required(&layers, "token_lifetime", value::positive_duration)?,
            signing_key_age_max: optional(&layers, "signing_key_age_max", value::positive_duration)?,
            rate_limit: rate_limit(&layers)?,
            request_bytes_max: required(&layers, "request_bytes_max", value::bytes)?,
            batch_bytes_max: required(&layers, "batch_bytes_max", value::bytes)?,
            streams_max: optional(&layers, "streams_max", value::count)?,
            actions_max: required(&layers, "actions_max", value::count)?,
            readers: readers(&layers)?,
            dashboard: dashboard(&layers)?,
            allow_destinations: optional(&layers, "allow_destinations", value::networks)?.unwrap_or_default(),
            allow_http: required(&layers, "allow_http", value::flag)?,
            extra_ca: optional(&layers, "extra_ca", path)?,
            outbound_proxy: optional(&layers, "outbound_proxy", value::proxy)?,
            bind_secrets_to_origin: required(&layers, "bind_secrets_to_origin", value::flag)?,
            retention: required(&layers, "retention", value::positive_duration)?,
            counts_kept: counts_kept(&layers)?,
            event_bridge: event_bridge::read(&layers)?,
            delivery: delivery(&layers)?,
            actions: Actions::read(&layers)?,
            shutdown_timeout: required(&layers, "shutdown_timeout", value::duration)?,
            data_dir,
        })
    }
}

/// For how long what was counted is kept, and how fine.
fn counts_kept(layers: &Layers) -> Result<CountsKept, ConfigError> {
    Ok(CountsKept {
        by_minute: required(layers, "counts_by_minute_kept", value::positive_duration)?,
        by_hour: required(layers, "counts_by_hour_kept", value::positive_duration)?,
        at_all: required(layers, "counts_kept", value::positive_duration)?,
    })
}

/// How many requests are taken; all, if the rate is left out.
fn rate_limit(layers: &Layers) -> Result<Option<RateLimit>, ConfigError> {
    let burst = required(layers, "rate_limit_burst", value::count)?;
    Ok(optional(layers, "rate_limit_per_s", value::count)?.map(|per_s| RateLimit { per_s, burst }))
}

fn readers(layers: &Layers) -> Result<Readers, ConfigError> {
    Ok(Readers {
        connections_max: required(layers, "events_connections_max", value::count)? as usize,
        heartbeat: required(layers, "events_heartbeat", value::heartbeat)?,
        cycle: required(layers, "events_cycle", value::positive_duration)?,
    })
}

fn dashboard(layers: &Layers) -> Result<Dashboard, ConfigError> {
    let sessions = SessionLimits {
        idle: required(layers, "operator_session_idle", value::positive_duration)?,
        absolute: required(layers, "operator_session_max", value::positive_duration)?,
    };
    Ok(Dashboard { sessions })
}

fn delivery(layers: &Layers) -> Result<Delivery, ConfigError> {
    let count = |key| Ok::<usize, ConfigError>(required(layers, key, value::count)? as usize);
    let limits = Limits {
        in_flight_max: count("in_flight_max")?,
        in_flight_start: count("in_flight_start")?,
        window_events_max: count("window_events_max")?,
        window_bytes_max: required(layers, "window_bytes_max", value::bytes)?,
        wait_in_window_max: required(layers, "wait_in_window_max", value::duration)?,
        parked_max: count("parked_max")?,
        unsaved_max: count("unsaved_max")?,
        ..Limits::default()
    };
    let retry_after_max = required(layers, "retry_after_max", value::duration)?;
    let jitter = Jitter { percent: required(layers, "retry_jitter", value::percentage)?, ..Jitter::default() };
    let policy = Policy {
        schedule: Schedule { retry_after_max, jitter, ..Schedule::default() },
        limits,
        failures_in_row_max: required(layers, "failures_in_row_max", value::count)?,
        failures_outstanding_max: required(layers, "failures_outstanding_max", value::count)?,
        ..Policy::default()
    };
    Ok(Delivery {
        attempt_timeout: required(layers, "delivery_timeout", value::positive_duration)?,
        policy,
        answer_head_bytes_max: required(layers, "answer_head_bytes_max", value::bytes)?,
        answer_body_bytes_max: required(layers, "answer_body_bytes_max", value::bytes)?,
        idle_connections_max: count("idle_connections_max")?,
        key_set_fresh_for: required(layers, "key_set_fresh_for", value::positive_duration)?,
        key_set_age_max: required(layers, "key_set_age_max", value::positive_duration)?,
        all_windows_bytes_max: required(layers, "all_windows_bytes_max", value::bytes)?,
        far_behind: required(layers, "far_behind", value::count)?.into(),
        probe_waits: ProbeWaits {
            min: required(layers, "probe_wait_min", value::positive_duration)?,
            max: required(layers, "probe_wait_max", value::positive_duration)?,
        },
        checkpoint_every: required(layers, "checkpoint_every", value::positive_duration)?,
    })
}

/// Where the master key is: said in one place only, else a file in the data folder. A variable or flag that
/// names the one overrides a file that names the other.
fn master_key(layers: &Layers, data_dir: &Path) -> MasterKeySource {
    let (text, file) = (layers.get("master_key"), layers.get("master_key_file"));
    let previous = layers.get("master_key_previous").map(|found| Secret::new(found.text.clone()));
    let from_file = |found: Option<&Found>| found.is_some_and(|each| matches!(each.origin, Origin::File(_)));
    match (text, file) {
        (Some(_), Some(file)) if from_file(text) && !from_file(Some(file)) => {
            MasterKeySource::File(file.text.clone().into())
        }
        (Some(text), _) => MasterKeySource::Text { newest: Secret::new(text.text.clone()), previous },
        (None, Some(file)) => MasterKeySource::File(file.text.clone().into()),
        (None, None) => MasterKeySource::DataFolder(data_dir.to_owned()),
    }
}

fn optional<T>(
    layers: &Layers,
    key: &'static str,
    parse: impl Fn(&str) -> Result<T, value::Expected>,
) -> Result<Option<T>, ConfigError> {
    let Some(found) = layers.get(key) else { return Ok(None) };
    let unexpected = |expected| ConfigError::Unexpected {
        setting: found.to_string(),
        expected,
        found: if found.secret { "something else".to_owned() } else { format!("{:?}", found.text) },
    };
    parse(&found.text).map(Some).map_err(unexpected)
}

fn required<T>(
    layers: &Layers,
    key: &'static str,
    parse: impl Fn(&str) -> Result<T, value::Expected>,
) -> Result<T, ConfigError> {
    let nothing = || ConfigError::Unexpected {
        setting: key.to_owned(),
        expected: "a value".to_owned(),
        found: "nothing".to_owned(),
    };
    optional(layers, key, parse)?.ok_or_else(nothing)
}

/// Two settings that make sense only together.
fn pair<'a>(
    layers: &'a Layers,
    one: &'static str,
    other: &'static str,
) -> Result<Option<(&'a str, &'a str)>, ConfigError> {
    match (layers.get(one), layers.get(other)) {
        (None, None) => Ok(None),
        (Some(first), Some(second)) => Ok(Some((&first.text, &second.text))),
        (Some(given), None) => Err(ConfigError::Half { given: given.to_string(), missing: other }),
        (None, Some(given)) => Err(ConfigError::Half { given: given.to_string(), missing: one }),
    }
}

fn path(text: &str) -> Result<PathBuf, value::Expected> {
    Ok(text.into())
}

fn public_url(text: &str) -> Result<PublicUrl, value::Expected> {
    PublicUrl::parse(text).map_err(|error| format!("a URL such as https://events.example.com ({error})"))
}

fn embedded_store(text: &str) -> Result<(), value::Expected> {
    if text == "sqlite:" { Ok(()) } else { Err("sqlite: (the only store of this version)".into()) }
}

fn embedded_log(_: &str) -> Result<(), value::Expected> {
    Err("nothing: in this version the log is always in the store".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("headwater.toml");
        std::fs::write(&path, file).unwrap();
        let flags: Vec<_> = flags.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        Config::load(Some(&path), &Environment::of(variables), &flags)
    }

    fn error(file: &str, variables: &[(&str, &str)]) -> String {
        load(file, variables, &[]).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = Config::load(None, &Environment::default(), &[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:4400");
        assert_eq!(config.delivery.policy, Policy::default());
        assert_eq!(config.delivery.probe_waits, ProbeWaits::default());
        assert_eq!(config.counts_kept, CountsKept::default());
        assert_eq!(config.retention, Duration::from_secs(7 * 86_400));
        assert!(config.public_url.is_none() && config.tls.is_none() && config.bootstrap.is_none());
        assert!(!config.allow_http && config.allow_destinations.is_empty());
        assert!(matches!(config.master_key, MasterKeySource::DataFolder(_)));
    }

    #[test]
    fn flags_override_variables_override_the_file() {
        let file =
            "listen = \"127.0.0.1:1\"\nretention = \"1d\"\nin_flight_max = 3\nallow_destinations = [\"10.0.0.0/8\"]";
        let variables = [("HEADWATER_LISTEN", "127.0.0.1:2"), ("HEADWATER_RETENTION", "2d")];
        let config = load(file, &variables, &[("listen", "127.0.0.1:3")]).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.retention, Duration::from_secs(2 * 86_400));
        assert_eq!(config.delivery.policy.limits.in_flight_max, 3);
        assert_eq!(config.allow_destinations.len(), 1);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let text = error("retentoin = \"1d\"", &[]);
        assert!(text.starts_with("unknown key retentoin in "), "{text}");
        assert!(text.ends_with("did you mean retention?"), "{text}");
        let text = load("", &[], &[("publicurl", "x")]).unwrap_err().to_string();
        assert!(text.ends_with("did you mean public_url?"), "{text}");
    }

    #[test]
    fn a_wrong_value_names_the_key_its_place_and_what_was_expected() {
        let text = error("", &[("HEADWATER_DELIVERY_TIMEOUT", "soon")]);
        assert_eq!(
            text,
            "HEADWATER_DELIVERY_TIMEOUT: expected a duration such as 250ms, 2s, 5m, 24h or 7d, found \"soon\""
        );
        let text = error("allow_http = \"yes\"", &[]);
        assert!(text.starts_with("allow_http in ") && text.contains("expected true or false"), "{text}");
        assert!(error("[listen]\nport = 1", &[]).starts_with("listen in "));
        assert!(error("listen = ", &[]).contains("is not TOML"));
        assert!(error("store = \"postgres://x\"", &[]).contains("sqlite:"));
        assert!(error("events_heartbeat = \"31s\"", &[]).contains("expected a duration of at most 30s, such as 15s"));
        assert!(error("action_memory_bytes_max = 1000", &[]).contains("expected a size of at least 4MiB"));
        assert!(error("", &[("HEADWATER_LOG", "nats://x")]).starts_with("HEADWATER_LOG: expected nothing"));
    }

    #[test]
    fn what_belongs_together_is_given_together() {
        let text = error("", &[("HEADWATER_TLS_CERT", "cert.pem")]);
        assert_eq!(text, "HEADWATER_TLS_CERT is given without tls_key; give both or neither");
        let text = error("", &[("HEADWATER_BOOTSTRAP_CLIENT_SECRET", "s3cret")]);
        assert!(text.contains("bootstrap_client_id") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn the_master_key_of_the_environment_overrides_that_of_the_file() {
        let config = load("master_key = \"x\"", &[("HEADWATER_MASTER_KEY_FILE", "/k")], &[]).unwrap();
        assert!(matches!(config.master_key, MasterKeySource::File(_)));
        let config = load("master_key_file = \"/k\"", &[("HEADWATER_MASTER_KEY", "x")], &[]).unwrap();
        assert!(matches!(config.master_key, MasterKeySource::Text { .. }));
    }

    #[test]
    fn secrets_are_not_shown() {
        let variables = [
            ("HEADWATER_MASTER_KEY", "s3cret"),
            ("HEADWATER_BOOTSTRAP_CLIENT_ID", "a"),
            ("HEADWATER_BOOTSTRAP_CLIENT_SECRET", "s3cret"),
        ];
        let shown = format!("{:?}", load("", &variables, &[]).unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
        let proxy = [("HEADWATER_OUTBOUND_PROXY", "http://jane:s3cret@proxy.example:3128")];
        let shown = format!("{:?}", load("", &proxy, &[]).unwrap());
        assert!(shown.contains("proxy.example") && !shown.contains("s3cret"), "{shown}");
        let text = error("", &[("HEADWATER_OUTBOUND_PROXY", "https://jane:s3cret@proxy.example")]);
        assert!(text.contains("expected a proxy such as http://") && !text.contains("s3cret"), "{text}");
    }
}
