//! What people are called whose ID token says nothing of it.
//!
//! OIDC Core §5.4: where there is an access token, the claims that the scopes `profile` and `email` ask for
//! may come from the userinfo endpoint alone.

use hallpass_protocol::Scopes;
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::userinfo::UserInfo;

use super::discovery::endpoint;
use super::server::AuthorizationServer;
use super::token_endpoint::Granted;
use crate::account;
use crate::dpop::{Binding, Role};
use crate::error::Error;
use crate::http::Reply;
use crate::provider::Identity;
use crate::tokens::AccessToken;

impl AuthorizationServer {
    /// The name of who signed in, where it has to be asked for: once, when the sign-in comes. Nothing fails
    /// for the lack of a name. `asked` are the scopes of the request.
    pub(crate) async fn name(
        &self,
        metadata: &Metadata,
        granted: &Granted,
        (claims, asked): (&IdTokenClaims, &Scopes),
    ) -> Option<Identity> {
        let scopes = granted.response.scope.as_ref().unwrap_or(asked);
        let may_be_told = scopes.contains("profile") || scopes.contains("email");
        if !may_be_told || account::name_in(&claims.extra).is_some() {
            return None;
        }
        metadata.userinfo_endpoint.as_ref()?;
        let user = match self.ask_about_user(metadata, granted).await {
            Ok(user) => user?,
            Err(error) => {
                tracing::debug!(%error, "nobody says what the user is called");
                return None;
            }
        };
        // §5.3.2, row C-64.
        if user.sub.as_str() != claims.sub {
            tracing::warn!("the answer about the user is about somebody else than the ID token");
            return None;
        }
        Some(Identity {
            name: Some(account::name_in(&user.claims)?.to_owned()),
            subject: claims.sub.clone(),
        })
    }

    async fn ask_about_user(
        &self,
        metadata: &Metadata,
        granted: &Granted,
    ) -> Result<Option<UserInfo>, Error> {
        let address = metadata.userinfo_endpoint.as_ref();
        let url = endpoint(metadata, "userinfo_endpoint", address)?;
        let response = &granted.response;
        let (ahead, token_type) = (granted.server_ahead, granted.presented(false)?);
        let binding = granted.key.clone().map(|key| Binding { key, ahead });
        let token = response.access_token.clone();
        let token = AccessToken::new(token, token_type, None, Scopes::default()).bound_by(binding);
        let ask = async || -> Result<Reply, Error> {
            let nonce = self.nonces.newest(Role::Resource, &url);
            let now = self.http.now();
            let proof = token.dpop_proof("GET", &url, nonce.as_deref(), now)?;
            let header = token.authorization_header()?;
            self.http
                .get_with_proof(&url, &header, proof.as_ref())
                .await
        };
        let mut reply = ask().await?;
        // RFC 9449 §9: the first answer may be the one that brings the nonce.
        if reply.status == 401 && reply.dpop_nonce.is_some() {
            self.nonces
                .learn(Role::Resource, &url, reply.dpop_nonce.take());
            reply = ask().await?;
        }
        self.nonces
            .learn(Role::Resource, &url, reply.dpop_nonce.take());
        let is_json = reply.is_success() && !reply.content_type.starts_with("application/jwt");
        Ok(is_json
            .then(|| serde_json::from_slice(reply.body.expose()).ok())
            .flatten())
    }
}
