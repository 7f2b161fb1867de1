//! The client credentials grant: a program signs in as itself.
//!
//! RFC 6749 §4.4: <https://www.rfc-editor.org/rfc/rfc6749#section-4.4>

use hallpass_protocol::token::TokenRequest;

use super::token_set::TokenSet;
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Fetches a token for the client itself, with the client's scopes, resources and audiences.
    /// Nothing is stored.
    ///
    /// ```no_run
    /// # async fn example(client: hallpass_client::Client) -> Result<(), hallpass_client::Error> {
    /// let set = client.client_credentials().await?;
    /// let header = set.access_token.authorization_header()?;
    /// # drop(header);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] when the server does not know the client, its secret or the
    /// scopes; [`crate::ErrorKind::Unavailable`] when it is not there.
    pub async fn client_credentials(&self) -> Result<TokenSet, Error> {
        let request = TokenRequest::ClientCredentials {
            scope: self.inner.scope(),
            resource: self.inner.resources.clone(),
            audience: self.inner.audiences.clone(),
        };
        self.inner
            .token_set(&request, None, "the server refused the client")
            .await
    }
}
