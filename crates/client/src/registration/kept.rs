//! Where a registration is kept: in the store of the sessions, sealed as they are.
//!
//! One for each issuer: a program is registered once, whoever signs in with it (row C-56).

use hallpass_protocol::Timestamp;

use super::registered_client::RegisteredClient;
use crate::credentials::{SessionKey, SessionRecord, StoreError, TokenStore};
use crate::error::Error;

impl RegisteredClient {
    /// Keeps it for the next sign-in at this issuer, in place of an older one. `now` is when it was
    /// registered or confirmed.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub fn keep(&self, store: &dyn TokenStore, issuer: &str, now: Timestamp) -> Result<(), Error> {
        let document = self
            .to_json()
            .ok_or_else(|| Error::protocol("the registration cannot be kept"))?;
        let key = SessionKey::of_registration(issuer);
        let record = SessionRecord::of_registration(document, now);
        let old = store.load(&key)?.map(|found| found.generation);
        match store.compare_and_swap(&key, old, &record) {
            // Another process registered at the same moment: its registration is as good.
            Err(StoreError::Conflict) => Ok(()),
            done => done.map(drop).map_err(Error::from),
        }
    }

    /// What is kept for an issuer.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::{Client, RegisteredClient, Store, SystemTransport};
    ///
    /// let issuer = "https://login.example.com";
    /// let store = Store::auto("acme")?;
    /// if let Some(known) = RegisteredClient::find_kept(store.as_ref(), issuer)? {
    ///     let client = Client::builder(issuer, &known.client_id)
    ///         .client_auth(known.client_auth().unwrap_or_default())
    ///         .build()?;
    ///     # drop(client);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub fn find_kept(store: &dyn TokenStore, issuer: &str) -> Result<Option<Self>, Error> {
        let found = store.load(&SessionKey::of_registration(issuer))?;
        let document = found.and_then(|found| found.value.registration);
        Ok(document.and_then(|document| Self::from_json(document.expose().as_bytes())))
    }

    /// Forgets what is kept for an issuer.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub fn forget_kept(store: &dyn TokenStore, issuer: &str) -> Result<(), Error> {
        Ok(store.remove(&SessionKey::of_registration(issuer))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    const ISSUER: &str = "https://as.test";

    fn client(id: &str) -> RegisteredClient {
        let text = format!(r#"{{"client_id": "{id}", "registration_access_token": "canary"}}"#);
        RegisteredClient::from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn c_56_the_newest_registration_of_an_issuer_is_found_again() {
        let store = MemoryStore::new();
        let now = Timestamp::from_unix_seconds(1000);
        assert!(
            RegisteredClient::find_kept(&store, ISSUER)
                .unwrap()
                .is_none()
        );
        client("one").keep(&store, ISSUER, now).unwrap();
        client("two").keep(&store, ISSUER, now).unwrap();
        let found = RegisteredClient::find_kept(&store, ISSUER)
            .unwrap()
            .unwrap();
        assert_eq!(found.client_id, "two");
        assert_eq!(found.registration_access_token, Some("canary".into()));
        let elsewhere = RegisteredClient::find_kept(&store, "https://as.test/");
        assert!(elsewhere.unwrap().is_none());
        RegisteredClient::forget_kept(&store, ISSUER).unwrap();
        assert!(
            RegisteredClient::find_kept(&store, ISSUER)
                .unwrap()
                .is_none()
        );
    }
}
