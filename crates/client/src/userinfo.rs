//! What the server says about the user.
//!
//! OIDC Core §5.3: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>

use hallpass_protocol::userinfo::UserInfo;
use reqwest::Method;

use crate::authorization_server::{endpoint, refusal};
use crate::authorized_http::{AuthorizedCall, Then};
use crate::error::{Error, SecurityViolation};
use crate::session::Session;

impl Session {
    /// Asks the server about the user.
    ///
    /// ```no_run
    /// # async fn example(session: hallpass_client::Session) -> Result<(), hallpass_client::Error> {
    /// let user = session.user_info().await?;
    /// println!("{}", user.sub);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Security`] when the answer is about somebody else than the ID token
    /// (OIDC Core §5.3.2, row C-64).
    pub async fn user_info(&self) -> Result<UserInfo, Error> {
        let server = &self.client.inner.server;
        let metadata = server.metadata().await?;
        let address = metadata.userinfo_endpoint.as_ref();
        let url = endpoint(&metadata, "userinfo_endpoint", address)?;
        let mut call = AuthorizedCall::start(self, Method::GET, url.clone()).await?;
        // RFC 6750 §3.1, row C-51: one refresh, one retry; RFC 9449 §9: one nonce.
        let reply = loop {
            let (header, proof) = (call.authorization()?, call.proof()?);
            let answer = server.http.get_with_proof(&url, &header, proof.as_ref());
            let reply = answer.await?;
            let said = (reply.status, &reply.challenges);
            match call.judge(said, reply.dpop_nonce.clone()).await? {
                Then::Again => {}
                Then::HandOn => break reply,
            }
        };
        if !reply.is_success() {
            if reply.status >= 500 || reply.status == 429 {
                let text = format!(
                    "the server does not tell about the user ({})",
                    reply.describe()
                );
                return Err(Error::unavailable(text, reply.retry_after));
            }
            return Err(match refusal(&reply) {
                Some(error) => Error::from_oauth("the server does not tell about the user", &error),
                None if reply.status == 401 => {
                    Error::login_required("the server refused the token")
                }
                None => Error::protocol(format!(
                    "the server does not tell about the user ({})",
                    reply.describe()
                )),
            });
        }
        if reply.content_type.starts_with("application/jwt") {
            return Err(Error::config(
                "the server signs its answers about users, which is not supported",
            )
            .hint_to("register the client without `userinfo_signed_response_alg`"));
        }
        let info: UserInfo = serde_json::from_slice(reply.body.expose()).map_err(|error| {
            Error::protocol("the answer about the user is malformed").caused_by(error)
        })?;
        // §5.3.2: "The sub Claim in the UserInfo Response MUST be verified to exactly match the sub
        // Claim in the ID Token; if they do not match, the UserInfo Response values MUST NOT be
        // used."
        if self
            .account()
            .subject
            .as_ref()
            .is_some_and(|subject| subject != info.sub.as_str())
        {
            let text = "the answer about the user is about somebody else than the ID token";
            return Err(Error::security(SecurityViolation::Subject, text)
                .hint_to("report this to the operator of the server"));
        }
        Ok(info)
    }
}
