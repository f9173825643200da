//! How AWS is reached: credentials and endpoints as its SDK finds them, and clients that streams share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use domain::destination::AwsRegion;
use domain::secret::Secret;
use tokio::sync::OnceCell;

/// Connections to one endpoint that are kept for later, for all streams together.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// How long such a connection waits for its next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How the server names itself to AWS.
const NAME: &str = "headwater";
/// Where the SDK asks for credentials, unless its own variables say otherwise.
const REGION_DEFAULT: &str = "us-east-1";

/// Access to AWS. Cheap to clone.
#[derive(Clone)]
pub struct Aws(Arc<Shared>);

struct Shared {
    access: Access,
    /// PEM of roots that are trusted besides those of the machine.
    extra_roots: Option<Vec<u8>>,
    /// Made when AWS is needed for the first time: a server without such streams looks for no credentials.
    config: OnceCell<Result<SdkConfig, String>>,
    /// Those that are in use, for others to share.
    clients: Mutex<HashMap<ClientKey, Weak<SharedClient>>>,
}

enum Access {
    /// As the SDK finds it on this machine.
    Ambient,
    /// Fixed: everything goes to one endpoint.
    Fixed { endpoint: String, access_key_id: String, secret_access_key: Secret },
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ClientKey {
    region: AwsRegion,
    role: Option<String>,
}

/// A client for one region, with the credentials of one role or the server's own. Streams that need the same share
/// it; it goes with the last of them.
pub(super) struct SharedClient {
    key: ClientKey,
    aws: Aws,
    client: OnceCell<Client>,
}

impl Aws {
    /// Access with the credentials, endpoints and profiles that the SDK finds by its own variables (`AWS_…`), files and
    /// services of the machine. Nothing is looked for before it is needed.
    pub fn ambient(extra_roots: Option<Vec<u8>>) -> Self {
        Self::new(Access::Ambient, extra_roots)
    }

    /// Access to one endpoint with these credentials, whatever the machine says: for emulators of AWS.
    pub fn fixed(endpoint: &str, access_key_id: &str, secret_access_key: Secret, extra_roots: Option<Vec<u8>>) -> Self {
        let (endpoint, access_key_id) = (endpoint.to_owned(), access_key_id.to_owned());
        Self::new(Access::Fixed { endpoint, access_key_id, secret_access_key }, extra_roots)
    }

    fn new(access: Access, extra_roots: Option<Vec<u8>>) -> Self {
        Self(Arc::new(Shared { access, extra_roots, config: OnceCell::new(), clients: Mutex::default() }))
    }

    /// The client for a region and a role; of those that need the same one, all get the same.
    pub(super) fn client(&self, region: AwsRegion, role: Option<String>) -> Arc<SharedClient> {
        let key = ClientKey { region, role };
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key).and_then(Weak::upgrade) {
            return client;
        }
        clients.retain(|_, client| client.strong_count() > 0);
        let client = Arc::new(SharedClient { key: key.clone(), aws: self.clone(), client: OnceCell::new() });
        clients.insert(key, Arc::downgrade(&client));
        client
    }

    async fn config(&self) -> Result<&SdkConfig, String> {
        self.0.config.get_or_init(|| self.load()).await.as_ref().map_err(Clone::clone)
    }

    async fn load(&self) -> Result<SdkConfig, String> {
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http_client()?)
            // The core decides what is tried again, and attempts have a limit as a whole.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .app_name(AppName::new(NAME).expect("letters are allowed"));
        Ok(self.with_access(loader).load().await)
    }

    fn with_access(&self, loader: ConfigLoader) -> ConfigLoader {
        let region = Region::from_static(REGION_DEFAULT);
        match &self.0.access {
            Access::Ambient => {
                loader.region(RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(region))
            }
            Access::Fixed { endpoint, access_key_id, secret_access_key } => loader
                .region(region)
                .endpoint_url(endpoint)
                .credentials_provider(Credentials::new(access_key_id, secret_access_key.expose(), None, None, NAME)),
        }
    }

    fn http_client(&self) -> Result<SharedHttpClient, String> {
        let mut trusted = TrustStore::default();
        if let Some(pem) = &self.0.extra_roots {
            trusted.add_pem_certificate(pem.clone());
        }
        let tls = TlsContext::builder().with_trust_store(trusted).build();
        Ok(aws_smithy_http_client::Builder::new()
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls.map_err(|error| format!("TLS to AWS cannot be set up: {error}"))?)
            .build_https())
    }
}

impl SharedClient {
    /// The client itself.
    ///
    /// # Errors
    /// Says why there can be none.
    pub(super) async fn get(&self) -> Result<&Client, String> {
        let config = self.aws.config().await?;
        Ok(self.client.get_or_init(|| self.connect(config)).await)
    }

    async fn connect(&self, config: &SdkConfig) -> Client {
        let region = Region::from_static(self.key.region.name());
        let mut settings = aws_sdk_eventbridge::config::Builder::from(config).region(region.clone());
        if let Some(role) = &self.key.role {
            let provider = AssumeRoleProvider::builder(role).session_name(NAME).region(region).configure(config);
            settings.set_credentials_provider(Some(SharedCredentialsProvider::new(provider.build().await)));
        }
        Client::from_conf(settings.build())
    }
}
