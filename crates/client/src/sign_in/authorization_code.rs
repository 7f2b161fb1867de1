//! The code flow with PKCE, answered on this machine.
//!
//! RFC 6749 §4.1, RFC 7636, RFC 8252, RFC 9207, OIDC Core §3.1; rows C-11 to C-20, C-30 to C-33,
//! C-62.

use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::form::Form;
use hallpass_protocol::id_token::Expect;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::pkce::{self, CodeVerifier};
use hallpass_protocol::random::{self, SystemRandom};
use hallpass_protocol::token::TokenRequest;
use hallpass_protocol::{ErrorCode, OAuthError, Secret};
use url::Url;

use super::callback::{Arrival, Attempt, Verdict, judge};
use super::loopback::{Answer, Loopback, Serving};
use super::new_session::SignedIn;
use super::options::SignIn;
use crate::address::with_query;
use crate::authorization_server::{Asked, endpoint};
use crate::clean;
use crate::client::ClientInner;
use crate::dpop::DpopKey;
use crate::error::{Error, ErrorKind};
use crate::provider::{Provider, RequestTo};
use crate::ui::Prompt;

/// A launcher that has not come back by then is taken to have worked.
const LAUNCH: Duration = Duration::from_secs(3);

/// An authorization request whose answer is awaited.
pub(super) struct CodeRequest {
    /// Where the person signs in.
    pub(super) url: Url,
    pub(super) redirect_uri: String,
    endpoint: Url,
    form: Form,
    /// Where the request is pushed, if it is.
    pushes_to: Option<Url>,
    /// When a pushed request is forgotten.
    end: Option<Duration>,
    secrets: Secrets,
    key: Option<DpopKey>,
    attempt: Arc<Attempt>,
}

/// The secrets of one attempt: new each time, only in memory (row C-16).
struct Secrets {
    state: String,
    nonce: String,
    verifier: CodeVerifier,
}

impl CodeRequest {
    /// Makes the request that is answered at a listener, pushes it where that is done, and starts to
    /// listen.
    pub(super) async fn start(
        client: &ClientInner,
        metadata: &Metadata,
        how: &SignIn,
        loopback: Loopback,
    ) -> Result<(Self, Serving), Error> {
        let address = metadata.authorization_endpoint.as_ref();
        let endpoint = endpoint(metadata, "authorization_endpoint", address)?;
        let pushes_to = client.pushed_requests.endpoint(metadata)?;
        let secrets = Secrets::generate();
        let key = client.dpop.new_key(metadata)?;
        let provider = client.server.provider.as_ref();
        let (_, path) = how.callback(provider);
        let redirect_uri = format!("http://{}{path}", loopback.authority);
        let attempt = Arc::new(Attempt {
            authority: loopback.authority.clone(),
            // Row Q-15: a redirect URI without path comes back with `/`.
            path: if path.is_empty() {
                "/".to_owned()
            } else {
                path
            },
            state: Secret::from(secrets.state.as_str()),
            issuer: client.server.issuer.clone(),
            announces_iss: metadata.authorization_response_iss_parameter_supported,
            accepts_iss: provider.is_some_and(Provider::accepts_iss),
        });
        // RFC 9449 §10: the code is bound to the key, too.
        let jkt = key.as_ref().map(DpopKey::thumbprint).transpose()?;
        let form = request_form(client, how, &secrets, (&redirect_uri, jkt));
        let mut request = Self {
            url: with_query(&endpoint, &form),
            redirect_uri,
            endpoint,
            form,
            pushes_to,
            end: None,
            secrets,
            key,
            attempt: Arc::clone(&attempt),
        };
        request.push(client).await?;
        Ok((request, loopback.serve(attempt)))
    }

    /// Pushes the request, if requests are pushed here: the browser is then given its `request_uri` and
    /// nothing else (RFC 9126 §4). Once more for an address that was not opened in time: it stays one
    /// attempt, of which one answer is taken.
    pub(super) async fn push(&mut self, client: &ClientInner) -> Result<(), Error> {
        let Some(endpoint) = &self.pushes_to else {
            return Ok(());
        };
        let pushed = client.server.push(endpoint, &self.form).await?;
        let mut reference = Form::default();
        reference.push("client_id", client.server.client_id.as_str());
        reference.push("request_uri", &pushed.request_uri);
        self.url = with_query(&self.endpoint, &reference);
        self.end = Some(client.timer.elapsed() + pushed.lifetime);
        Ok(())
    }

    /// Whether the address leads to nothing any more.
    pub(super) fn has_expired(&self, now: Duration) -> bool {
        self.end.is_some_and(|end| now >= end)
    }

    /// Judges a pasted address as if a browser had opened it here (rows C-20 and C-70).
    pub(super) fn judge_pasted(&self, line: &str) -> Verdict {
        let Ok(url) = Url::parse(line.trim()) else {
            return Verdict::NotFound;
        };
        let Ok(expected) = Url::parse(&self.redirect_uri) else {
            return Verdict::NotFound;
        };
        if url.origin() != expected.origin() || !url.username().is_empty() {
            return Verdict::NotFound;
        }
        let arrival = Arrival {
            method: "GET",
            host: Some(&self.attempt.authority),
            path: url.path(),
            query: url.query().unwrap_or_default(),
        };
        judge(arrival, &self.attempt)
    }

    /// Exchanges the code and checks the ID token.
    pub(super) async fn redeem(
        self,
        client: &ClientInner,
        metadata: &Metadata,
        how: &SignIn,
        answer: Answer,
    ) -> Result<SignedIn, Error> {
        let code = answer.map_err(|error| declined(client, &error))?;
        let request = TokenRequest::AuthorizationCode {
            code,
            redirect_uri: Some(self.redirect_uri),
            code_verifier: Some(Secret::from(self.secrets.verifier.expose())),
            resource: client.resources.clone(),
            scope: None,
        };
        let url = endpoint(metadata, "token_endpoint", metadata.token_endpoint.as_ref())?;
        let granted = client.server.ask(&url, &request, self.key.as_ref()).await;
        let granted =
            granted.map_err(|refused| refused.into_error("the server refused the code"))?;
        // Row C-62: the nonce that was sent must come back.
        let asked = Asked {
            nonce: Expect::Exactly(&self.secrets.nonce),
            acr: &how.acr,
            max_age: how.max_age,
        };
        SignedIn::check(client, metadata, granted, asked).await
    }
}

/// What must be known before anything is bound or sent.
pub(super) fn require_sound(metadata: &Metadata, how: &SignIn) -> Result<(), Error> {
    require_pkce(metadata)?;
    how.callback_path.as_deref().map_or(Ok(()), require_path)
}

impl Secrets {
    fn generate() -> Self {
        // Row C-15: 256 random bits.
        let draw = || base64url::encode(random::bytes::<32>(&SystemRandom));
        Self {
            state: draw(),
            nonce: draw(),
            verifier: CodeVerifier::generate(&SystemRandom),
        }
    }
}

/// RFC 9700 §2.1.1: "clients MUST ensure that the authorization server supports PKCE" (row C-17).
fn require_pkce(metadata: &Metadata) -> Result<(), Error> {
    if metadata
        .code_challenge_methods_supported
        .iter()
        .any(|method| method == pkce::METHOD)
    {
        return Ok(());
    }
    let issuer = clean::text(&metadata.issuer);
    Err(
        Error::config(format!("{issuer} does not announce PKCE with S256")).hint_to(
            "use the device flow, or have the server list S256 in code_challenge_methods_supported",
        ),
    )
}

fn require_path(path: &str) -> Result<(), Error> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if path.starts_with('/') && path.chars().all(is_plain) && !path.contains("..") {
        return Ok(());
    }
    let shown = clean::text(path);
    Err(Error::config(format!("`{shown}` is no callback path"))
        .hint_to("name the path of the registered redirect URI, such as /callback"))
}

fn request_form(
    client: &ClientInner,
    how: &SignIn,
    secrets: &Secrets,
    (redirect_uri, dpop_jkt): (&str, Option<String>),
) -> Form {
    let request = AuthorizationRequest {
        client_id: Some(client.server.client_id.clone()),
        redirect_uri: Some(redirect_uri.to_owned()),
        response_type: Some("code".to_owned()),
        scope: client.scope(),
        state: Some(secrets.state.clone()),
        code_challenge: Some(secrets.verifier.challenge().as_str().to_owned()),
        code_challenge_method: Some(pkce::METHOD.to_owned()),
        nonce: Some(secrets.nonce.clone()),
        prompt: how.prompt.clone(),
        max_age: how.max_age.map(|age| age.as_secs().to_string()),
        login_hint: how.login_hint.clone(),
        acr_values: (!how.acr.is_empty()).then(|| how.acr.join(" ")),
        resource: client.resources.clone(),
        audience: how.audience.clone(),
        dpop_jkt,
        ..AuthorizationRequest::default()
    };
    client
        .server
        .adjusted(RequestTo::Authorization, request.encode())
}

/// Starts a browser and says what became of it.
pub(crate) async fn open_browser(client: &ClientInner, url: &Url) -> Prompt {
    let (browser, url) = (Arc::clone(&client.browser), url.clone());
    let launched = tokio::task::spawn_blocking(move || browser.open(&url));
    let reason = match tokio::time::timeout(LAUNCH, launched).await {
        Ok(Ok(Ok(()))) | Err(_) => return Prompt::BrowserOpened,
        Ok(Ok(Err(reason))) => clean::text(&reason),
        Ok(Err(stopped)) => stopped.to_string(),
    };
    let tried = client.browser.launchers();
    Prompt::BrowserFailed { reason, tried }
}

/// Who declined, the server does not say: the person, or a policy (RFC 6749 §4.1.2.1).
pub(super) fn denied(said: &OAuthError) -> Error {
    let text = format!("you (or your organisation) declined the request: {said}");
    Error::new(ErrorKind::Denied, clean::text(&text))
        .hint_to("sign in again and allow it, or ask who runs the server")
        .because_of(said)
}

fn declined(client: &ClientInner, error: &OAuthError) -> Error {
    if error.error == ErrorCode::AccessDenied {
        return denied(error);
    }
    let what = format!("{} declined the sign-in", client.server.host());
    let built = Error::from_oauth(&what, error);
    match (built.kind(), &error.error) {
        (_, ErrorCode::UnauthorizedClient) => built.hint_to(
            "allow the code flow for this client at the server, or sign in with a device code",
        ),
        _ => built,
    }
}
