//! Asking a server to register this program, and later whether it still knows it.
//!
//! RFC 7591 §3: <https://www.rfc-editor.org/rfc/rfc7591#section-3>, RFC 7592 §2.1; row C-56.

use hallpass_protocol::Secret;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::registration::ClientMetadata;
use url::Url;

use super::registered_client::RegisteredClient;
use crate::address::secure_url;
use crate::authorization_server::{endpoint, refusal};
use crate::clean;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::http::Reply;

impl Client {
    /// Registers a client with the server (RFC 7591 §3.1). A client that has no id yet is described by
    /// [`Client::unregistered`]; afterwards it is built anew with the id that the server chose.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::{Client, SignIn};
    ///
    /// let issuer = "https://login.example.com";
    /// let unknown = Client::unregistered(issuer).build()?;
    /// let path = unknown.callback_path().await?;
    /// let uris = [format!("http://127.0.0.1{path}"), format!("http://[::1]{path}")];
    /// let asked = unknown.native_metadata("acme", uris).await?;
    /// let registered = unknown.register(asked).await?;
    /// let client = Client::builder(issuer, &registered.client_id).build()?;
    /// let session = client.sign_in(SignIn::auto().callback_path(path)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the server registers nobody, or not this client;
    /// [`ErrorKind::Unavailable`] when it is not there.
    pub async fn register(&self, metadata: ClientMetadata) -> Result<RegisteredClient, Error> {
        self.register_with(metadata, None).await
    }

    /// The same for a server that wants to see a token first: the initial access token of RFC 7591 §3,
    /// which its operator hands out.
    ///
    /// # Errors
    ///
    /// As [`Client::register`].
    pub async fn register_with(
        &self,
        metadata: ClientMetadata,
        initial_access_token: Option<&Secret<String>>,
    ) -> Result<RegisteredClient, Error> {
        let server = &self.inner.server;
        let known = server.metadata().await?;
        let address = known.registration_endpoint.as_ref();
        if address.is_none() {
            let text = format!("{} registers no clients by itself", server.host());
            return Err(Error::config(text).hint_to(
                "have the client registered by who runs the server, and name its client id",
            ));
        }
        let url = endpoint(&known, "registration_endpoint", address)?;
        let body = serde_json::to_value(metadata)
            .map_err(|error| Error::config("the client metadata is malformed").caused_by(error))?;
        let reply = self
            .inner
            .server
            .http
            .post_json(&url, &body, initial_access_token);
        let reply = reply.await?;
        if reply.is_success() {
            return read(&reply);
        }
        Err(refused(
            &reply,
            &server.host(),
            initial_access_token.is_some(),
        ))
    }

    /// Asks whether the server still has a registration, and for its present state (RFC 7592 §2.1).
    /// `None` when it has forgotten it. A server that does not answer such questions is believed to
    /// have it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the server is not there.
    pub async fn confirm_registration(
        &self,
        known: RegisteredClient,
    ) -> Result<Option<RegisteredClient>, Error> {
        let server = &self.inner.server;
        let (Some(uri), Some(token)) = (
            &known.registration_client_uri,
            &known.registration_access_token,
        ) else {
            return Ok(Some(known));
        };
        // The token goes nowhere but to the server that issued it (row C-45).
        let metadata = server.metadata().await?;
        let Some(url) = own_address(uri, &metadata, server.is_on_loopback()) else {
            tracing::debug!("the registration's address is of another host");
            return Ok(Some(known));
        };
        let header = Secret::new(format!("Bearer {}", token.expose()));
        let reply = server.http.get_with_token(&url, &header).await?;
        match reply.status {
            // RFC 7592 §2.1: 401 is the answer "if the client does not exist on this server".
            401 => Ok(None),
            200..300 => Ok(RegisteredClient::from_json(reply.body.expose())
                .filter(|now| now.client_id == known.client_id)
                .map_or(Some(known.clone()), |now| Some(now.or_as_known(known)))),
            _ => Ok(Some(known)),
        }
    }
}

impl RegisteredClient {
    /// RFC 7592 §3: a new registration token, where one came, takes the place of the old one; a secret
    /// that is not repeated stays.
    fn or_as_known(self, known: Self) -> Self {
        Self {
            client_secret: self.client_secret.or(known.client_secret),
            registration_access_token: self
                .registration_access_token
                .or(known.registration_access_token),
            registration_client_uri: self
                .registration_client_uri
                .or(known.registration_client_uri),
            ..self
        }
    }
}

fn own_address(uri: &str, metadata: &Metadata, on_loopback: bool) -> Option<Url> {
    let url = secure_url(uri, on_loopback).ok()?;
    let registration = Url::parse(metadata.registration_endpoint.as_deref()?).ok()?;
    (url.origin() == registration.origin()).then_some(url)
}

fn read(reply: &Reply) -> Result<RegisteredClient, Error> {
    RegisteredClient::from_json(reply.body.expose()).ok_or_else(|| {
        Error::protocol("the server's answer to the registration names no client")
            .hint_to("have the client registered by hand, and name its client id")
    })
}

fn refused(reply: &Reply, host: &str, had_token: bool) -> Error {
    if reply.status >= 500 || reply.status == 429 {
        let text = format!("{host} cannot register clients now ({})", reply.describe());
        return Error::unavailable(text, reply.retry_after);
    }
    let what = format!("{host} did not register this program");
    let said = refusal(reply);
    if matches!(reply.status, 401 | 403) {
        let why = said.map_or_else(|| reply.describe(), |said| clean::text(&said.to_string()));
        let hint = if had_token {
            "ask who runs the server for another initial access token, or for a client id"
        } else {
            "it wants an initial access token (RFC 7591 section 3), or name a client id"
        };
        return Error::config(format!("{what}: {why}")).hint_to(hint);
    }
    match said {
        // RFC 7591 §3.2.2: the request itself is at fault.
        Some(said) => {
            let error = Error::from_oauth(&what, &said);
            if *error.kind() == ErrorKind::Protocol {
                Error::config(error.to_string())
                    .hint_to("have the client registered by who runs the server, and name its id")
            } else {
                error
            }
        }
        None => Error::config(format!("{what} ({})", reply.describe()))
            .hint_to("have the client registered by who runs the server, and name its client id"),
    }
}
