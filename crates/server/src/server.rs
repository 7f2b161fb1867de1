//! The running server: start, addresses, stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hallpass_protocol::Clock;
use hallpass_protocol::random::{Random, SystemRandom};
use hallpass_protocol::time::SystemClock;
use hallpass_store::clients;
use http::{HeaderValue, header};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use crate::listen::StartError;

use crate::accounts::Accounts;
use crate::settings::{PublicUrl, Settings};
use crate::state::State;
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
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    jobs: Vec<JoinHandle<()>>,
    state: Arc<State>,
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
        let state = Arc::new(state);
        load_clients(&state).await?;
        let (stop, stopped) = watch::channel(false);
        let mut jobs = vec![tokio::spawn(jobs::purge::run(Arc::clone(&state)))];
        if state.settings.is_production() {
            let made = jobs::rotate_keys::advance(&state).await;
            made.map_err(|fault| StartError::Fault(fault.to_string()))?;
            jobs.push(tokio::spawn(jobs::rotate_keys::run(Arc::clone(&state))));
            if state.store.has_other_nodes() {
                jobs.push(tokio::spawn(jobs::beat::run(Arc::clone(&state))));
            }
            jobs.push(tokio::spawn(jobs::outbox::run(Arc::clone(&state))));
        } else {
            warm_up(&state);
        }
        if let Some(tls) = &tls {
            tls.warm_up();
        }
        let served = Arc::clone(&state);
        let is_https = state.settings.is_https();
        let service = move |request, peer| {
            let state = Arc::clone(&served);
            async move {
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
            state,
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
        match &self.state.settings.public {
            PublicUrl::Fixed(url) if self.state.settings.is_production() => Some(url),
            PublicUrl::Fixed(_) | PublicUrl::FromHost => None,
        }
    }

    /// Its accounts, for programs that run a server of their own, and for tests.
    pub fn accounts(&self) -> Accounts {
        self.state.accounts.clone()
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

    /// Stops accepting, lets requests in flight end, and closes the database after the last write.
    pub async fn shutdown(self) {
        // Whoever still asks on an open connection hears that others should be asked.
        self.state.is_draining.store(true, Ordering::Release);
        self.state.held_polls.close();
        // Nobody listens any more when the accept loop is gone: then there is nothing to stop.
        let _: Result<(), _> = self.stop.send(true);
        self.jobs.iter().for_each(JoinHandle::abort);
        if let Err(error) = self.accepting.await
            && error.is_panic()
        {
            tracing::error!("the accept loop panicked");
        }
        // The others notice by themselves too, a little later.
        if let Err(error) = self.state.store.leave().await {
            tracing::debug!(%error, "the other nodes did not hear of the end");
        }
        self.state.store.close().await;
    }

    /// Waits until the server ends by itself, which only a fault makes it do.
    pub async fn wait(&mut self) {
        if (&mut self.accepting).await.is_err() {
            tracing::error!("the accept loop ended");
        }
    }
}
