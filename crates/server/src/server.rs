//! The running server: start, addresses, stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hallpass_issuer::audit::{Actor, Entry, Event};
use hallpass_protocol::Clock;
use hallpass_protocol::random::{Random, SystemRandom};
use hallpass_protocol::time::SystemClock;
use hallpass_store::clients;
use http::{HeaderValue, header};
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use crate::listen::StartError;

use crate::accounts::Accounts;
use crate::audit::Trail;
use crate::settings::{PublicUrl, Settings, SettingsError};
use crate::state::{Current, State};
use crate::tls::Tls;
use crate::{date, jobs, listen, router};

/// The server, before it runs.
#[derive(Debug)]
pub struct Server;

/// A running server. Dropping it stops the accept loop at once; [`Running::shutdown`] drains.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    scheme: &'static str,
    stop: watch::Sender<Option<Duration>>,
    accepting: JoinHandle<()>,
    jobs: Vec<JoinHandle<()>>,
    current: Current,
    tls: Option<Tls>,
    issuer: Option<String>,
    notes: Vec<String>,
}

/// RFC 6797 §6.1.1: browsers never speak to this host in the clear again.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

impl Server {
    /// Starts with the system's clock and randomness; the server listens when this returns.
    pub async fn start(settings: Settings) -> Result<Running, StartError> {
        Self::start_with(settings, Arc::new(SystemClock), Arc::new(SystemRandom)).await
    }

    /// Starts with a clock and dice of the caller's, for tests.
    pub async fn start_with(
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Running, StartError> {
        let tls = settings.tls.clone().map(Tls::new);
        let listeners = listen::bind(&settings.listen).await?.with_tls(tls.clone());
        let addresses = listeners.addresses().to_vec();
        let (state, notes) = State::open(settings, clock, random).await?;
        let current = Current::new(state);
        let state = current.get();
        load_clients(&state).await?;
        let (stop, stopped) = watch::channel(None);
        let mut jobs = vec![tokio::spawn(jobs::purge::run(current.clone()))];
        if state.settings.is_production() {
            let made = jobs::rotate_keys::advance(&state).await;
            made.map_err(|fault| StartError::Fault(fault.to_string()))?;
            jobs.push(tokio::spawn(jobs::rotate_keys::run(current.clone())));
            if state.store.has_other_nodes() {
                jobs.push(tokio::spawn(jobs::beat::run(Arc::clone(&state))));
                let news = jobs::device_news::run(Arc::clone(&state), state.store.device_news());
                jobs.push(tokio::spawn(news));
            }
            jobs.push(tokio::spawn(jobs::outbox::run(current.clone())));
        } else {
            warm_up(&state);
        }
        if let Some(tls) = &tls {
            tls.warm_up();
        }
        let served = current.clone();
        let is_https = state.settings.is_https();
        let service = move |request: http::Request<Incoming>, peer| {
            let state = served.get();
            async move {
                let _under_way = state.draining.enter(request.uri().path());
                let mut response = router::answer(Arc::clone(&state), request, peer).await;
                date::stamp(&mut response, state.now());
                if is_https {
                    response
                        .headers_mut()
                        .insert(header::STRICT_TRANSPORT_SECURITY, A_YEAR);
                }
                response
            }
        };
        let accepting = tokio::spawn(listeners.serve(service, stopped));
        Ok(Running {
            addresses,
            scheme: if tls.is_some() { "https" } else { "http" },
            stop,
            accepting,
            jobs,
            current,
            tls,
            issuer: match &state.settings.public {
                PublicUrl::Fixed(url) if state.settings.is_production() => Some(url.clone()),
                PublicUrl::Fixed(_) | PublicUrl::FromHost => None,
            },
            notes,
        })
    }
}

/// Takes the clients that registered themselves before the last stop.
async fn load_clients(state: &State) -> Result<(), StartError> {
    let registered = state.store.read(clients::list).await;
    for client in registered.map_err(|error| StartError::Fault(error.to_string()))? {
        state.clients.register(&client);
    }
    Ok(())
}

/// Makes the key that most requests need while the server already listens.
fn warm_up(state: &Arc<State>) {
    let state = Arc::clone(state);
    tokio::spawn(async move {
        if let Err(fault) = state.keys.of("default", &state.store, state.now()).await {
            tracing::warn!(%fault, "the first signing key could not be made");
        }
    });
}

impl Running {
    /// What the operator should know of this start, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The issuer, where it is one; in dev mode every path is.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Its accounts, for programs that run a server of their own, and for tests.
    pub fn accounts(&self) -> Accounts {
        self.current.get().accounts.clone()
    }

    /// How many polls of devices wait at it for a decision (`Prefer: wait`).
    pub fn held_polls(&self) -> usize {
        self.current.get().held_polls.count()
    }

    /// What it has written down of what happened.
    pub fn audit_trail(&self) -> Trail {
        let state = self.current.get();
        Trail::of(state.store.clone(), state.audit.clone())
    }

    /// The addresses that it listens on, all on one port.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The server's URL, without a path.
    pub fn url(&self) -> String {
        let scheme = self.scheme;
        let port = self.addresses.first().map_or(0, SocketAddr::port);
        match self.addresses.first() {
            Some(address) if !address.ip().is_loopback() && !address.ip().is_unspecified() => {
                format!("{scheme}://{address}")
            }
            _ => format!("{scheme}://localhost:{port}"),
        }
    }

    /// Takes other settings, as far as that goes without a restart: the next request finds them.
    /// Settings that cannot be used change nothing. Either is told in the log, and so is what waits
    /// for a restart. A large location file takes a second of this thread; requests are answered
    /// meanwhile, by the old settings.
    pub fn reload(&self, settings: Result<Settings, SettingsError>) {
        let old = self.current.get();
        let renewed = settings.map_err(StartError::from).and_then(|settings| {
            let certificate = settings.tls.clone();
            let (settings, waiting) = settings.beside(&old.settings);
            let state = old.renewed(settings)?;
            Ok((state, certificate, waiting))
        });
        let (state, certificate, waiting) = match renewed {
            Ok(renewed) => renewed,
            Err(error) => {
                let hint = error.hint().unwrap_or_default();
                return tracing::error!(%error, hint, "config.refused: the settings stay as they were");
            }
        };
        for warning in &state.settings.warnings {
            tracing::warn!("{warning}");
        }
        for key in waiting {
            tracing::warn!(key, "this change waits for a restart");
        }
        if let (Some(tls), Some(certificate)) = (&self.tls, certificate) {
            tls.replace(certificate);
            tls.warm_up();
        }
        let (clients, resources) = (state.settings.clients.len(), state.settings.resources.len());
        self.current.replace(state);
        // Whoever waits for its line in the log finds the new settings.
        let entry = Entry::new(Event::ConfigLoaded, old.now()).by(Actor::System);
        let entry = entry.with("clients", clients).with("resources", resources);
        old.audit.tell(entry);
    }

    /// Tells load balancers that ask `/readyz`, stops accepting, lets requests in flight end, and closes
    /// the database after the last write.
    pub async fn shutdown(self) {
        let state = self.current.get();
        state.draining.begin();
        state.held_polls.close();
        let left = state.draining.wait(state.now()).await;
        // Nobody listens any more when the accept loop is gone: then there is nothing to stop.
        let _: Result<(), _> = self.stop.send(Some(left));
        self.jobs.iter().for_each(JoinHandle::abort);
        if let Err(error) = self.accepting.await
            && error.is_panic()
        {
            tracing::error!("the accept loop panicked");
        }
        state.audit.flush().await;
        // The others notice by themselves too, a little later.
        if let Err(error) = state.store.leave().await {
            tracing::debug!(%error, "the other nodes did not hear of the end");
        }
        state.store.close().await;
    }

    /// Waits until the server ends by itself, which only a fault makes it do.
    pub async fn wait(&mut self) {
        if (&mut self.accepting).await.is_err() {
            tracing::error!("the accept loop ended");
        }
    }
}
