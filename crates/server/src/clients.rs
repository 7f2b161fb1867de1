//! Who may be a client: those that are configured, and in dev mode everybody else.

use std::collections::HashMap;
use std::sync::Arc;

use hallpass_issuer::Client;
use hallpass_protocol::ClientId;

use crate::settings::Settings;

/// The registered clients.
#[derive(Debug)]
pub(crate) struct Clients {
    configured: HashMap<ClientId, Arc<Client>>,
    free_redirect_uris: Vec<String>,
    strict: bool,
}

impl Clients {
    /// Takes the clients of the settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let named = |client: &Client| (client.id.clone(), Arc::new(client.clone()));
        Self {
            configured: settings.clients.iter().map(named).collect(),
            free_redirect_uris: settings.free_redirect_uris.clone(),
            strict: settings.strict,
        }
    }

    /// The client of that name; in dev mode one that nobody configured may do everything.
    pub(crate) fn find(&self, id: &ClientId) -> Option<Arc<Client>> {
        if let Some(client) = self.configured.get(id) {
            return Some(Arc::clone(client));
        }
        if self.strict || id.as_str().len() > 255 {
            return None;
        }
        let redirect_uris = self.free_redirect_uris.clone();
        let client = Client { redirect_uris, ..Client::unconfigured(id.clone()) };
        Some(Arc::new(client))
    }

    /// Whether clients that nobody configured are refused.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }
}
