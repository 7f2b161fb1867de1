//! One request to an API, from its first attempt to the answer that counts, whatever sends it.

use hallpass_protocol::Secret;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::challenge::Challenges;
use super::decision::{Answered, Attempts, Next};
use crate::clean;
use crate::dpop::{Role, nonce_of};
use crate::error::{Error, ErrorKind};
use crate::http::DPOP;
use crate::refresh::Need;
use crate::session::Session;
use crate::tokens::AccessToken;

/// What a request to an API needs so that the session's token goes with it. Made by
/// [`Session::authorize`], for programs that send their requests with a library of their own:
///
/// ```no_run
/// # use hallpass_client::{Session, Error, Then, reqwest};
/// # async fn call(session: &Session, http: &reqwest::Client) -> Result<reqwest::Response, Error> {
/// let (method, url) = (reqwest::Method::GET, "https://api.example.com/me".parse().expect("an address"));
/// let mut call = session.authorize(&method, &url).await?;
/// loop {
///     let mut request = http.request(method.clone(), url.clone()).build()?;
///     call.attach(request.headers_mut())?;
///     let answer = http.execute(request).await?;
///     match call.then(answer.status(), answer.headers()).await? {
///         Then::Again => continue,
///         Then::HandOn => return Ok(answer),
///     }
/// }
/// # }
/// ```
///
/// The library must not follow redirects by itself: it would carry the token elsewhere.
/// [`Session::http`] does all of this.
#[derive(Debug)]
pub struct AuthorizedCall {
    session: Session,
    method: Method,
    url: Url,
    token: AccessToken,
    attempts: Attempts,
}

/// What to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It counts.
    HandOn,
    /// The same request once more, with [`AuthorizedCall::attach`] done anew.
    Again,
}

impl Session {
    /// Prepares a request to an API for the token. Nothing is sent to the API.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for an address that no [`crate::ClientBuilder::resource`] names, and the
    /// errors of [`Session::access_token`].
    pub async fn authorize(&self, method: &Method, url: &Url) -> Result<AuthorizedCall, Error> {
        // Row C-75: before a byte is sent.
        if !self.client.inner.origins.contains(&url.origin()) {
            let origin = clean::text(&url.origin().ascii_serialization());
            return Err(Error::config(format!("the token is not for {origin}"))
                .hint_to(format!("if it is, name it: `.resource(\"{origin}\")`")));
        }
        AuthorizedCall::start(self, method.clone(), url.clone()).await
    }
}

impl AuthorizedCall {
    /// For an address that was judged elsewhere.
    pub(crate) async fn start(session: &Session, method: Method, url: Url) -> Result<Self, Error> {
        Ok(Self {
            token: session.access_token().await?,
            session: session.clone(),
            method,
            url,
            attempts: Attempts::default(),
        })
    }

    /// Puts the token into the headers of a request, and a new proof where the token needs one
    /// (RFC 6750 §2.1, RFC 9449 §7.1). To be done for each attempt: a proof is good for one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] for a token that fits into no header, [`ErrorKind::Store`] when the
    /// session's key is damaged.
    pub fn attach(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        headers.insert(AUTHORIZATION, sensitive(&self.authorization()?)?);
        match self.proof()? {
            Some(proof) => drop(headers.insert(DPOP, sensitive(&proof)?)),
            None => drop(headers.remove(DPOP)),
        }
        Ok(())
    }

    /// Decides about an answer of the API, by its status and headers. The token is refreshed where
    /// that may help, once (RFC 6750 §3.1), and the nonce that the API wants is kept for the next proof
    /// (RFC 9449 §9). Not for answers of another host, to which a redirect led.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StepUp`] when the API wants a stronger or fresher sign-in (RFC 9470),
    /// [`ErrorKind::InsufficientScope`] when it says that a scope is missing, the errors of
    /// [`Session::access_token`].
    pub async fn then(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<Then, Error> {
        let challenges = Challenges::of(headers);
        self.judge((status.as_u16(), &challenges), nonce_of(headers))
            .await
    }

    pub(crate) async fn judge(
        &mut self,
        (status, challenges): (u16, &Challenges),
        nonce: Option<String>,
    ) -> Result<Then, Error> {
        let host = clean::text(self.url.host_str().unwrap_or("the API"));
        let answer = Answered {
            status,
            host: &host,
            challenges,
            brings_nonce: nonce.is_some(),
            is_bound: self.token.binding().is_some(),
        };
        self.learn(nonce);
        match self.attempts.next(answer) {
            Next::HandOn => Ok(Then::HandOn),
            Next::WithNonce => Ok(Then::Again),
            Next::Fail(error) => Err(error),
            Next::Refresh => match self
                .session
                .token(Need::OtherThan(self.token.expose()))
                .await
            {
                Ok(fresh) => {
                    self.token = fresh;
                    Ok(Then::Again)
                }
                // Without a refresh token nothing can be done: the API's own answer says most.
                Err(error) if *error.kind() == ErrorKind::LoginRequired => Ok(Then::HandOn),
                Err(error) => Err(error),
            },
        }
    }

    /// Turns to another address of the same origin.
    pub(super) fn move_to(&mut self, url: &Url) {
        self.url = url.clone();
    }

    pub(super) fn learn(&self, nonce: Option<String>) {
        let nonces = &self.session.client.inner.server.nonces;
        nonces.learn(Role::Resource, &self.url, nonce);
    }

    pub(crate) fn authorization(&self) -> Result<Secret<String>, Error> {
        self.token.authorization_header()
    }

    pub(crate) fn proof(&self) -> Result<Option<Secret<String>>, Error> {
        let client = &self.session.client.inner;
        let nonce = client.server.nonces.newest(Role::Resource, &self.url);
        let now = client.clock.now();
        self.token
            .dpop_proof(self.method.as_str(), &self.url, nonce.as_deref(), now)
    }
}

fn sensitive(text: &Secret<String>) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text.expose()).map_err(|error| {
        Error::protocol("the token does not fit into a header").caused_by(error)
    })?;
    value.set_sensitive(true);
    Ok(value)
}
