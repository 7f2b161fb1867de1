//! The accounts that are signed in with a client: one for each profile.

use crate::account::Account;
use crate::client::Client;
use crate::credentials::SessionKey;
use crate::error::Error;
use crate::session::Session;
use crate::sign_out::SignOutReport;

impl Client {
    /// Everybody who is signed in with this client at this issuer, by name of the profile. No network is
    /// used.
    ///
    /// ```
    /// # use hallpass_client::{Client, MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hallpass_client::Error> {
    /// let client = Client::builder("https://login.example.com", "acme-cli")
    ///     .store(MemoryStore::new())
    ///     .build()?;
    /// assert!(client.accounts().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`] when the store cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let own = self.inner.default_key();
        let mut accounts = Vec::new();
        for key in self.inner.store.list().await? {
            if (&key.issuer, &key.client_id) != (&own.issuer, &own.client_id) {
                continue;
            }
            if let Some(session) = Session::load(self, key).await? {
                accounts.push(session.account().clone());
            }
        }
        accounts.sort_by(|a, b| a.profile.cmp(&b.profile));
        Ok(accounts)
    }

    /// The session of an account of [`Client::accounts`]; `None` when it was signed out meanwhile, or
    /// belongs to another client.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub async fn session_of(&self, account: &Account) -> Result<Option<Session>, Error> {
        let own = self.inner.default_key();
        if (&account.issuer, &account.client_id) != (&own.issuer, &own.client_id) {
            return Ok(None);
        }
        let key = SessionKey::new(&account.issuer, &account.client_id).in_profile(&account.profile);
        Session::load(self, key).await
    }

    /// Signs one of several accounts out; see [`Session::sign_out`]. `None` as in
    /// [`Client::session_of`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub async fn sign_out_account(
        &self,
        account: &Account,
    ) -> Result<Option<SignOutReport>, Error> {
        match self.session_of(account).await? {
            Some(session) => session.sign_out().await.map(Some),
            None => Ok(None),
        }
    }
}
