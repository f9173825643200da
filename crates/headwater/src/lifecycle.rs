//! A server from its start to its end.
//!
//! Started in the order store, engine, web; stopped in the other one: no new requests, requests end,
//! deliveries in flight end, positions are saved, the store closes.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use delivery::actions::{ActionRuntime, ActionSettings};
use delivery::destinations::{Aws, Destinations, EventBridgeAccess};
use delivery::outbound::{Outbound, OutboundSettings, roots_from_pem};
use delivery::{Engine, EngineSettings};
use domain::clock::{Clock, Entropy};
use store::sqlite::{Options, SqliteStore};
use store::{Keyring, Log, State, StoreError};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use web::{App, Bootstrap, PublicUrl, Settings, TenantSettings};

use crate::action_runner::RuntimeRunner;
use crate::clock::SystemClock;
use crate::config::{Application, Config};
use crate::control::{Control, ControlSocket, told_of};
use crate::entropy::SystemEntropy;
use crate::rotation::{MasterKeyRotation, Rotated};
use crate::tls;

/// How often the server looks for signing keys that are too old, or whose tokens have expired.
const SIGNING_KEYS_EVERY: Duration = Duration::from_secs(60);

/// The exit code of a process that a second signal ended.
const CUT_SHORT: i32 = 130;

/// The command that runs actions; see `commands/action_runtime.rs`.
const ACTION_RUNTIME: &str = "action-runtime";

/// A running server.
pub(crate) struct Server {
    public_url: PublicUrl,
    address: SocketAddr,
    store: Arc<SqliteStore>,
    engine: Engine,
    web: JoinSet<()>,
    /// What is done beside: it ends with the server, and its end is none of the server's.
    upkeep: JoinSet<()>,
    web_stop: CancellationToken,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// Says what is in the way and how to mend it.
    pub(crate) async fn start(config: &Config) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let tls = config.tls.as_ref().map(tls::server_config).transpose()?;
        let outbound = outbound(config, &clock)?;
        let (store, keyring) = open_store(config, &entropy)?;
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().context("the listener has no address")?;
        let settings = web_settings(config, address)?;
        let public_url = settings.public_url.clone();

        let state: Arc<dyn State> = store.clone();
        let application = config.bootstrap.clone().map(bootstrap);
        web::bootstrap(&*state, &*clock, &*entropy, &settings, application).await?;
        let actions = action_runtime(config, &outbound)?;
        let runner = Arc::new(RuntimeRunner(actions.clone()));
        let app = Arc::new(App::load(state, runner, Arc::clone(&clock), Arc::clone(&entropy), settings).await?);
        let master_key = MasterKeyRotation::new(config.master_key.clone(), Arc::clone(&store), keyring, entropy);
        let upkeep = upkeep(config, Control { app: Arc::clone(&app), master_key: Arc::new(master_key) });

        let log: Arc<dyn Log> = store.clone();
        let destinations =
            Destinations::new(outbound).with_event_bridge(event_bridge(config)?).with_actions(actions, store.clone());
        let engine = Engine::start(log, clock, engine_settings(config, destinations)).await?;
        let web_stop = CancellationToken::new();
        let mut web = JoinSet::new();
        web.spawn(web::serve(listener, tls, web::router(app), web_stop.clone(), config.shutdown_timeout));
        tracing::info!(%address, public_url = public_url.as_str(), "listening");
        Ok(Self { public_url, address, store, engine, web, upkeep, web_stop })
    }

    /// How clients reach it.
    pub(crate) fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends when a part of the server has died, which none should.
    async fn died(&mut self) -> Error {
        tokio::select! {
            died = self.engine.died() => died.into(),
            ended = self.web.join_next() => match ended {
                Some(Err(error)) => anyhow!("the web server died: {error}"),
                _ => anyhow!("the web server ended by itself"),
            },
        }
    }

    /// Stops, losing nothing. Each part has a bounded time.
    ///
    /// # Errors
    /// If the store could not be closed in good order.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.web_stop.cancel();
        while let Some(ended) = self.web.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the web server died while it stopped");
            }
        }
        self.engine.stop().await;
        self.upkeep.shutdown().await;
        // Closing waits for what the writer has taken.
        let store = self.store;
        tokio::task::spawn_blocking(move || drop(store)).await.context("the store could not be closed")?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Runs a server until a signal asks for the end, with `beside` going on meanwhile. A second signal ends the
/// process at once.
///
/// # Errors
/// If a part of the server died.
pub(crate) async fn run_until_stopped(mut server: Server, beside: impl Future<Output = ()>) -> Result<()> {
    let mut signals = Signals::new()?;
    let mut died = None;
    {
        let mut beside = pin!(beside);
        let mut beside_ended = false;
        loop {
            tokio::select! {
                name = signals.next() => {
                    tracing::info!(signal = name, "stopping; a second signal ends at once");
                    break;
                }
                error = server.died() => {
                    tracing::error!(%error, "a part of the server died; stopping");
                    died = Some(error);
                    break;
                }
                () = &mut beside, if !beside_ended => beside_ended = true,
            }
        }
    }
    tokio::select! {
        stopped = server.stop() => died.map_or(stopped, Err),
        name = signals.next() => {
            tracing::warn!(signal = name, "ended before everything was saved; some events will be sent again");
            std::process::exit(CUT_SHORT);
        }
    }
}

/// The signals that ask for the end.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens for them from now on.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub(crate) fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened for");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The next one's name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// What goes on beside serving: commands are answered, a change of the master key that had not come to its end is, and
/// signing keys come and go.
fn upkeep(config: &Config, control: Control) -> JoinSet<()> {
    let mut upkeep = JoinSet::new();
    let master_key = Arc::clone(&control.master_key);
    upkeep.spawn(async move {
        match master_key.resume().await {
            Ok(Rotated::Done) => {}
            Ok(rotated) => told_of(&rotated).iter().for_each(|line| tracing::info!("{line}")),
            Err(error) => tracing::error!(%error, "the master key is still being changed"),
        }
    });
    let (app, age_max) = (Arc::clone(&control.app), config.signing_key_age_max);
    upkeep.spawn(async move {
        let mut turns = tokio::time::interval(SIGNING_KEYS_EVERY);
        loop {
            turns.tick().await;
            if let Err(error) = app.signing_keys_upkeep(age_max).await {
                tracing::error!(%error, "signing keys cannot be looked after now");
            }
        }
    });
    match ControlSocket::listen(&config.data_dir) {
        Ok(socket) => {
            upkeep.spawn(socket.serve(control));
        }
        Err(error) => {
            let reason = "commands such as `headwater keys rotate` cannot reach this server";
            tracing::warn!(%error, data_dir = %config.data_dir.display(), reason);
        }
    }
    upkeep
}

/// Opens the store with its master key, making both at first start.
///
/// # Errors
/// Says what is in the way and how to mend it.
pub(crate) fn open_store(config: &Config, entropy: &Arc<dyn Entropy>) -> Result<(Arc<SqliteStore>, Arc<Keyring>)> {
    let keyring = Arc::new(config.master_key.load(&**entropy)?.keyring());
    let options = Options { folder: config.data_dir.clone() };
    let opened = SqliteStore::open(options, Arc::clone(&keyring), Arc::clone(entropy));
    opened.map(|store| (Arc::new(store), keyring)).map_err(|error| match error {
        // It does not say where.
        StoreError::Unavailable { .. } => {
            Error::new(error).context(format!("the store in {} cannot be opened", config.data_dir.display()))
        }
        _ => error.into(),
    })
}

/// Takes the address.
///
/// # Errors
/// If it is taken, or not one of this machine.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener
        .with_context(|| format!("cannot listen on {address}; stop what uses it or choose another (HEADWATER_LISTEN)"))
}

/// Prepares the client for customers' addresses.
///
/// # Errors
/// If the extra roots cannot be used.
pub(crate) fn outbound(config: &Config, clock: &Arc<dyn Clock>) -> Result<Outbound> {
    let extra_roots = match extra_ca(config)? {
        None => Vec::new(),
        Some((path, pem)) => roots_from_pem(&pem).with_context(|| format!("extra_ca {}", path.display()))?,
    };
    let settings = OutboundSettings {
        allow: config.allow_destinations.clone(),
        extra_roots,
        proxy: config.outbound_proxy.clone(),
        key_set_fresh_for: config.delivery.key_set_fresh_for,
        key_set_age_max: config.delivery.key_set_age_max,
        attempt_timeout: config.delivery.attempt_timeout,
        answer_head_bytes_max: config.delivery.answer_head_bytes_max,
        answer_body_bytes_max: config.delivery.answer_body_bytes_max,
        idle_connections_max: config.delivery.idle_connections_max,
        ..OutboundSettings::default()
    };
    Ok(Outbound::new(settings, Arc::clone(clock))?)
}

/// Prepares to run actions: in processes of this very program, which the link names even when its file has been replaced.
fn action_runtime(config: &Config, outbound: &Outbound) -> Result<ActionRuntime> {
    let program = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        std::env::current_exe().context("the program's own file is not known")?
    };
    let actions = &config.actions;
    let settings = ActionSettings {
        timeout: actions.timeout,
        memory_bytes_max: actions.memory_bytes_max,
        console_bytes_max: actions.console_bytes_max,
        requests_max: actions.requests_max,
        request_bytes_max: actions.request_bytes_max,
        answer_bytes_max: actions.answer_bytes_max,
        processes_max: actions.processes_max,
        processes_per_stream_max: actions.processes_per_stream_max,
        http_allowed: config.allow_http,
        ..ActionSettings::new(program, vec![ACTION_RUNTIME.into()])
    };
    Ok(ActionRuntime::new(settings, outbound)?)
}

/// The file of further roots, and what is in it.
fn extra_ca(config: &Config) -> Result<Option<(&Path, Vec<u8>)>> {
    let Some(path) = &config.extra_ca else { return Ok(None) };
    let pem = std::fs::read(path).with_context(|| format!("extra_ca {} cannot be read", path.display()))?;
    Ok(Some((path, pem)))
}

/// Prepares to deliver to EventBridge. AWS is not looked for before a stream needs it.
fn event_bridge(config: &Config) -> Result<EventBridgeAccess> {
    let aws = Aws::ambient(extra_ca(config)?.map(|(_, pem)| pem));
    Ok(EventBridgeAccess { aws, mode: config.event_bridge.mode.clone() })
}

fn engine_settings(config: &Config, destinations: Destinations) -> EngineSettings {
    EngineSettings {
        policy: config.delivery.policy.clone(),
        retention: config.retention,
        counts_kept: config.counts_kept,
        all_windows_bytes_max: config.delivery.all_windows_bytes_max,
        far_behind: config.delivery.far_behind,
        probe_waits: config.delivery.probe_waits,
        checkpoint_every: config.delivery.checkpoint_every,
        drain_max: config.shutdown_timeout.max(Duration::from_millis(1)),
        ..EngineSettings::new(destinations)
    }
}

/// The tenants besides the default one, each with a domain of its own.
fn tenants(config: &Config, public_url: &PublicUrl) -> Result<Vec<TenantSettings>> {
    let mut tenants: Vec<TenantSettings> = Vec::new();
    for each in &config.tenants {
        let url = public_url.with_domain(&each.domain)?;
        let taken = url.domain() == public_url.domain() || tenants.iter().any(|other| other.public_url == url);
        if taken {
            bail!(
                "the domain {} of tenant {} is another tenant's too; give each its own",
                each.domain,
                each.name.as_str()
            );
        }
        let application = each.bootstrap.clone().map(bootstrap);
        tenants.push(TenantSettings { name: each.name.clone(), public_url: url, application });
    }
    Ok(tenants)
}

fn bootstrap(application: Application) -> Bootstrap {
    Bootstrap { client_id: application.client_id, client_secret: application.client_secret }
}

/// What the operator decides about the API.
///
/// # Errors
/// If two tenants have the same domain.
pub(crate) fn web_settings(config: &Config, address: SocketAddr) -> Result<Settings> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => PublicUrl::parse(&format!("{scheme}://{address}"))?,
    };
    Ok(Settings {
        tenants: tenants(config, &public_url)?,
        public_url,
        streams_max: config.streams_max,
        actions_max: config.actions_max,
        http_destinations_allowed: config.allow_http,
        secrets_bound_to_origin: config.bind_secrets_to_origin,
        event_bridge_partner: config.event_bridge.partner.clone(),
        token_lifetime: config.token_lifetime,
        failures_outstanding_max: config.delivery.policy.failures_outstanding_max,
        rate_limit: config.rate_limit,
        body_bytes_max: config.request_bytes_max,
        batch_bytes_max: config.batch_bytes_max,
        readers: config.readers,
        dashboard: config.dashboard.clone(),
    })
}
