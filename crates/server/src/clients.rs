//! Who may be a client: those that are configured or registered themselves, and in dev mode
//! everybody else.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use hallpass_issuer::Client;
use hallpass_issuer::registration::{RegisteredClient, RegistrationRules, is_own_id};
use hallpass_protocol::ClientId;

use crate::settings::Settings;

/// The registered clients.
#[derive(Debug)]
pub(crate) struct Clients {
    configured: HashMap<ClientId, Arc<Client>>,
    /// Those that registered themselves; the store has them too.
    registered: Arc<RwLock<HashMap<ClientId, Arc<Client>>>>,
    rules: RegistrationRules,
    free_redirect_uris: Vec<String>,
    /// The origins of all configured clients.
    origins: Vec<String>,
    strict: bool,
}

impl Clients {
    /// Takes the clients of the settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let origins = settings.clients.iter().flat_map(|client| &client.origins);
        let named = |client: &Client| (client.id.clone(), Arc::new(client.clone()));
        Self {
            configured: settings.clients.iter().map(named).collect(),
            registered: Arc::default(),
            rules: settings.registration,
            free_redirect_uris: settings.free_redirect_uris.clone(),
            origins: origins.cloned().collect(),
            strict: settings.strict,
        }
    }

    /// The clients of other settings, and those that registered themselves.
    pub(crate) fn renewed(&self, settings: &Settings) -> Self {
        Self {
            registered: Arc::clone(&self.registered),
            ..Self::new(settings)
        }
    }

    /// The client of that name; in dev mode one that nobody configured may do everything.
    pub(crate) fn find(&self, id: &ClientId) -> Option<Arc<Client>> {
        if let Some(client) = self.configured.get(id) {
            return Some(Arc::clone(client));
        }
        if is_own_id(id) {
            // Also in dev mode: one that is gone is not just anybody (row S-182).
            return self.registered().get(id).map(Arc::clone);
        }
        // RFC 6749 appendix A.1: `client-id = *VSCHAR`; pages show it as the name.
        let is_visible = id.as_str().bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        if self.strict || id.as_str().len() > 255 || !is_visible {
            return None;
        }
        let redirect_uris = self.free_redirect_uris.clone();
        let post_logout_redirect_uris = redirect_uris.clone();
        let client = Client {
            redirect_uris,
            post_logout_redirect_uris,
            ..Client::unconfigured(id.clone())
        };
        Some(Arc::new(client))
    }

    /// As [`Self::find`]; one that nobody configured may also use the debugger of this issuer.
    pub(crate) fn find_at(&self, id: &ClientId, debugger: &str) -> Option<Arc<Client>> {
        let mut client = self.find(id)?;
        if !self.configured.contains_key(id) && !client.registered_itself {
            Arc::make_mut(&mut client)
                .redirect_uris
                .push(debugger.to_owned());
        }
        Some(client)
    }

    /// Whether pages of an origin belong to a configured client (row S-168).
    pub(crate) fn has_origin(&self, origin: &[u8]) -> bool {
        self.origins.iter().any(|known| known.as_bytes() == origin)
    }

    /// Takes a client that registered itself, or its new metadata.
    pub(crate) fn register(&self, client: &RegisteredClient) {
        let known = Arc::new(client.client(self.rules));
        let mut registered = self
            .registered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        registered.insert(client.id.clone(), known);
    }

    /// Forgets a client that registered itself.
    pub(crate) fn forget(&self, id: &ClientId) {
        let mut registered = self
            .registered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        registered.remove(id);
    }

    /// Forgets all that registered themselves.
    pub(crate) fn forget_registered(&self) {
        let mut registered = self
            .registered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        registered.clear();
    }

    /// Whether an id is that of a client that removed its registration: its tokens end with it.
    pub(crate) fn is_gone(&self, id: &str) -> bool {
        let id = ClientId::new(id);
        is_own_id(&id) && !self.registered().contains_key(&id)
    }

    /// What the lock guards is whole after a panic too.
    fn registered(&self) -> RwLockReadGuard<'_, HashMap<ClientId, Arc<Client>>> {
        self.registered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether clients that nobody configured are refused.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }
}
