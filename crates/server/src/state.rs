//! What every request may use: settings, store, keys, clock and dice.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

use hallpass_issuer::tokens::refresh_token::RefreshKeys;
use hallpass_protocol::random::Random;
use hallpass_protocol::{Clock, Timestamp};
use hallpass_store::Store;
use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::audit::{Audit, Role};
use crate::clients::Clients;
use crate::control_memory::ControlMemory;
use crate::dev_mode::{RecentUsers, SettableClock};
use crate::device_counts::DeviceCounts;
use crate::dpop_nonces::DpopNonces;
use crate::draining::Draining;
use crate::held_polls::HeldPolls;
use crate::key_ring::{self, PurposeKeys};
use crate::keys::Keys;
use crate::languages::Language;
use crate::limiter::Limiter;
use crate::listen::StartError;
use crate::mail::Mailer;
use crate::metadata_documents::MetadataDocuments;
use crate::page_token::PageTokens;
use crate::pages::look::Look;
use crate::phishing_signals::PhishingSignals;
use crate::places::Places;
use crate::polled_grants::PolledGrants;
use crate::settings::Settings;
use crate::steady_clock::SteadyClock;
use crate::used_challenges::UsedChallenges;
use crate::used_ids::UsedIds;
use crate::user_code_keys::UserCodeKeys;
use crate::verified_tokens::VerifiedTokens;

/// The server, as a request sees it: what follows from the settings, and what outlasts them.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) clients: Clients,
    pub(crate) metadata_documents: MetadataDocuments,
    pub(crate) mailer: Mailer,
    /// Where addresses are, if the operator has a file that says so.
    places: Option<Places>,
    /// What people know the service by, in production.
    pub(crate) brand: Option<Arc<str>>,
    /// How the pages look.
    pub(crate) look: Arc<Look>,
    lasting: Arc<Lasting>,
}

/// What stays when the settings are read again.
#[derive(Debug)]
pub(crate) struct Lasting {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) keys: Keys,
    pub(crate) limiter: Limiter,
    pub(crate) device_counts: DeviceCounts,
    pub(crate) phishing_signals: PhishingSignals,
    pub(crate) used_challenges: UsedChallenges,
    pub(crate) polled_grants: PolledGrants,
    pub(crate) held_polls: HeldPolls,
    pub(crate) verified_tokens: VerifiedTokens,
    pub(crate) used_ids: UsedIds,
    pub(crate) dpop_nonces: DpopNonces,
    pub(crate) recent_users: RecentUsers,
    pub(crate) refresh_keys: RefreshKeys,
    pub(crate) page_tokens: PageTokens,
    pub(crate) user_code_keys: UserCodeKeys,
    pub(crate) control: ControlMemory,
    /// The people of production; dev mode has none.
    pub(crate) accounts: Accounts,
    /// What happened, for whoever asks later.
    pub(crate) audit: Audit,
    /// Says that there is mail in the outbox.
    pub(crate) outbox_filled: Notify,
    /// Whether other nodes use a key that the ring of this one lacks.
    pub(crate) lacks_key: AtomicBool,
    /// Whether the server is about to stop.
    pub(crate) draining: Draining,
}

impl Deref for State {
    type Target = Lasting;

    fn deref(&self) -> &Lasting {
        &self.lasting
    }
}

impl State {
    /// Opens the store and derives every key from the key ring; what the operator should know.
    pub(crate) async fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<(Self, Vec<String>), StartError> {
        let places = open_places(&settings)?;
        let (ring, note) = key_ring::load(&settings, random.as_ref(), clock.now())?;
        let store = Store::connect(settings.database.address().expose(), ring.store_keys()).await?;
        store.beat(Vec::new()).await?;
        let minting = store.minting_key();
        let keys_for =
            |purpose: &'static [u8]| PurposeKeys::new(ring.derive(purpose), minting.clone());
        let clock: Arc<dyn Clock> = if settings.is_production() {
            Arc::new(SteadyClock::over(clock))
        } else {
            clock
        };
        let clock = Arc::new(SettableClock::new(clock, settings.system_time));
        let audit = {
            let time: Arc<dyn Clock> = Arc::<SettableClock>::clone(&clock);
            let at = (time, Arc::clone(&random));
            Audit::open(&store, at, &settings.audit, Role::Server).await?
        };
        let lasting = Lasting {
            accounts: {
                let time: Arc<dyn Clock> = Arc::<SettableClock>::clone(&clock);
                Accounts::new(
                    (store.clone(), audit.clone()),
                    time,
                    Arc::clone(&random),
                    &settings,
                )
            },
            audit,
            outbox_filled: Notify::new(),
            lacks_key: AtomicBool::new(false),
            draining: Draining::default(),
            control: ControlMemory::new(Arc::clone(&clock)),
            keys: Keys::new(&settings),
            limiter: Limiter::default(),
            device_counts: DeviceCounts::default(),
            phishing_signals: PhishingSignals::default(),
            used_challenges: UsedChallenges::default(),
            polled_grants: PolledGrants::default(),
            held_polls: HeldPolls::default(),
            verified_tokens: VerifiedTokens::default(),
            used_ids: UsedIds::new(settings.database.is_server()),
            dpop_nonces: DpopNonces::new(keys_for(b"dpop-nonce")),
            recent_users: RecentUsers::default(),
            refresh_keys: RefreshKeys::of_ring(ring.derive(b"rt")).minted_by(minting.clone()),
            page_tokens: PageTokens::new(keys_for(b"page")),
            user_code_keys: UserCodeKeys::new(keys_for(b"usercode")),
            store,
            clock,
            random,
        };
        let clients = Clients::new(&settings);
        let state = Self::of((settings, places), clients, Arc::new(lasting))?;
        Ok((state, note.into_iter().collect()))
    }

    /// The same server with other settings. Whoever looks at the old ones goes on with those.
    pub(crate) fn renewed(&self, settings: Settings) -> Result<Self, StartError> {
        let places = open_places(&settings)?;
        let clients = self.clients.renewed(&settings);
        let renewed = Self::of((settings, places), clients, Arc::clone(&self.lasting))?;
        renewed.accounts.renew(&renewed.settings);
        Ok(renewed)
    }

    fn of(
        (settings, places): (Settings, Option<Places>),
        clients: Clients,
        lasting: Arc<Lasting>,
    ) -> Result<Self, StartError> {
        let branding = &settings.branding;
        let brand = Arc::from(branding.name.as_str());
        let look = Look::new(branding.accent.as_ref(), branding.logo.as_ref());
        Ok(Self {
            look: Arc::new(look),
            mailer: Mailer::new(&settings.email).map_err(StartError::Fault)?,
            brand: settings.is_production().then_some(brand),
            metadata_documents: MetadataDocuments::default(),
            clients,
            places,
            settings,
            lasting,
        })
    }

    /// Where an address is, as far as the operator's file knows. For people to read alone.
    pub(crate) fn place(&self, address: IpAddr, language: Language) -> Option<String> {
        self.places.as_ref()?.of(address, language)
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Reads the operator's location file, and says in the log which one it is.
fn open_places(settings: &Settings) -> Result<Option<Places>, StartError> {
    let Some(geo) = &settings.geo else {
        return Ok(None);
    };
    let places = geo.open()?;
    let (kind, built) = (places.kind(), places.built());
    tracing::info!(file = %geo.mmdb.display(), kind, %built, "geo.loaded");
    Ok(Some(places))
}

/// The state that a request finds when it comes: reading the settings again puts a new one here.
#[derive(Clone, Debug)]
pub(crate) struct Current(Arc<RwLock<Arc<State>>>);

impl Current {
    pub(crate) fn new(state: State) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(state))))
    }

    /// The state now.
    pub(crate) fn get(&self) -> Arc<State> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on requests find this one.
    pub(crate) fn replace(&self, state: State) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }
}
