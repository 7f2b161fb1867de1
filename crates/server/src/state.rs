//! What every request may use: settings, store, keys, clock and dice.

use std::sync::Arc;

use aws_lc_rs::{hkdf, hmac};
use hallpass_issuer::tokens::refresh_token::RefreshKeys;
use hallpass_protocol::random::Random;
use hallpass_protocol::{Clock, Secret, Timestamp};
use hallpass_store::{Store, StoreKey};

use crate::clients::Clients;
use crate::control::Control;
use crate::dev_mode::{RecentUsers, SettableClock};
use crate::device_counts::DeviceCounts;
use crate::dpop_nonces::DpopNonces;
use crate::error::Fault;
use crate::keys::Keys;
use crate::limiter::Limiter;
use crate::metadata_documents::MetadataDocuments;
use crate::page_token::PageTokens;
use crate::polled_grants::PolledGrants;
use crate::settings::Settings;
use crate::used_ids::UsedIds;
use crate::verified_tokens::VerifiedTokens;

/// The server, as a request sees it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clients: Clients,
    pub(crate) keys: Keys,
    pub(crate) metadata_documents: MetadataDocuments,
    pub(crate) limiter: Limiter,
    pub(crate) device_counts: DeviceCounts,
    pub(crate) polled_grants: PolledGrants,
    pub(crate) verified_tokens: VerifiedTokens,
    pub(crate) used_ids: UsedIds,
    pub(crate) dpop_nonces: DpopNonces,
    pub(crate) recent_users: RecentUsers,
    pub(crate) refresh_keys: RefreshKeys,
    pub(crate) page_tokens: PageTokens,
    pub(crate) user_code_key: hmac::Key,
    pub(crate) control: Control,
}

impl State {
    /// Opens the store in memory and derives every key from one fresh root secret.
    pub(crate) fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        let root = Secret::new(hallpass_protocol::random::bytes::<32>(random.as_ref()));
        let store =
            Store::open_in_memory(StoreKey::from_bytes(*derive(&root, b"dbenc")?.expose()))?;
        let clock = Arc::new(SettableClock::new(clock, settings.system_time));
        Ok(Self {
            control: Control::new(Arc::clone(&clock)),
            clients: Clients::new(&settings),
            keys: Keys::new(&settings),
            metadata_documents: MetadataDocuments::default(),
            limiter: Limiter::default(),
            device_counts: DeviceCounts::default(),
            polled_grants: PolledGrants::default(),
            verified_tokens: VerifiedTokens::default(),
            used_ids: UsedIds::default(),
            dpop_nonces: DpopNonces::new(&derive(&root, b"dpop-nonce")?),
            recent_users: RecentUsers::default(),
            refresh_keys: RefreshKeys::new(1, &derive(&root, b"rt")?),
            page_tokens: PageTokens::new(&derive(&root, b"page")?),
            user_code_key: hmac::Key::new(hmac::HMAC_SHA256, derive(&root, b"usercode")?.expose()),
            settings,
            store,
            clock,
            random,
        })
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// HKDF-SHA256 (RFC 5869): one key for each purpose, so that none passes for another.
fn derive(root: &Secret<[u8; 32]>, purpose: &[u8]) -> Result<Secret<[u8; 32]>, Fault> {
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"hallpass/1")
        .extract(root.expose())
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .map_err(|_| Fault::new("a key could not be derived"))?;
    Ok(Secret::new(key))
}
