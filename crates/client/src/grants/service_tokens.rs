//! Tokens of the program itself, kept in memory until they are old.
//!
//! RFC 6749 §4.4: <https://www.rfc-editor.org/rfc/rfc6749#section-4.4>

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::BoxFuture;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::token_source::{TokenRequest, TokenSource};
use crate::tokens::AccessToken;

/// Asks for the next token this long before the end of the last, but never before nine tenths of its
/// life are over (as row C-26 for sessions).
const LONGEST_WINDOW: Duration = Duration::from_mins(1);

/// Tokens by client credentials, for services: one is asked for when it is needed, and given to everybody
/// until it is nearly over. Clones share it. Nothing is stored on disk.
#[derive(Clone, Debug)]
pub struct ServiceTokens {
    client: Client,
    kept: Arc<Mutex<Option<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    token: AccessToken,
    lifetime: Option<Duration>,
}

impl Client {
    /// Tokens of this program itself, kept fresh in memory; see [`Client::client_credentials`].
    ///
    /// ```no_run
    /// # async fn service() -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::{Client, ClientAuthMethod, MemoryStore, Secret, TokenRequest, TokenSource};
    ///
    /// let tokens = Client::builder("https://login.example.com", "nightly-report")
    ///     .client_auth(ClientAuthMethod::SecretBasic(Secret::from("from a file")))
    ///     .scopes(["report:write"])
    ///     .store(MemoryStore::new())
    ///     .build()?
    ///     .service_tokens();
    /// let token = tokens.token(&TokenRequest::new()).await?;
    /// # drop(token);
    /// # Ok(())
    /// # }
    /// ```
    pub fn service_tokens(&self) -> ServiceTokens {
        ServiceTokens {
            client: self.clone(),
            kept: Arc::default(),
        }
    }
}

impl TokenSource for ServiceTokens {
    /// Who asks while somebody else waits for the server waits for the same answer.
    fn token<'a>(&'a self, request: &'a TokenRequest) -> BoxFuture<'a, Result<AccessToken, Error>> {
        Box::pin(async move {
            let inner = &self.client.inner;
            let mut kept = self.kept.lock().await;
            let now = inner.clock.now();
            let left = |kept: &Kept| kept.token.expires_at().map(|end| end.since(now));
            if let Some(kept) = &*kept
                && left(kept).is_none_or(|left| left > kept.window(request.validity()))
            {
                request.check(kept.token.scope(), &inner.resources)?;
                return Ok(kept.token.clone());
            }
            let asked = self.client.client_credentials().await;
            match (asked, &*kept) {
                (Ok(set), _) => {
                    let token = set.access_token;
                    let lifetime = token.expires_at().map(|end| end.since(inner.clock.now()));
                    *kept = Some(Kept {
                        token: token.clone(),
                        lifetime,
                    });
                    request.check(token.scope(), &inner.resources)?;
                    Ok(token)
                }
                // The server is away, and the last token has not ended: it is still good.
                (Err(error), Some(kept))
                    if matches!(error.kind(), ErrorKind::Unavailable { .. })
                        && left(kept).is_some_and(|left| !left.is_zero()) =>
                {
                    tracing::debug!(%error, "the last token is used on");
                    request.check(kept.token.scope(), &inner.resources)?;
                    Ok(kept.token.clone())
                }
                (Err(error), _) => Err(error),
            }
        })
    }
}

impl Kept {
    /// How long before its end the token is replaced.
    fn window(&self, min_validity: Duration) -> Duration {
        let lifetime = self.lifetime.unwrap_or_default();
        let usual = (lifetime / 10).min(LONGEST_WINDOW);
        usual.max(min_validity.min(lifetime / 2))
    }
}
