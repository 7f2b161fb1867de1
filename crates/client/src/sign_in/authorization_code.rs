//! The code flow with PKCE, answered on this machine.
//!
//! RFC 6749 §4.1, RFC 7636, RFC 8252, RFC 9207, OIDC Core §3.1; rows C-11 to C-20, C-30 to C-33,
//! C-62.

use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::id_token::Expect;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::pkce::{self, CodeVerifier};
use hallpass_protocol::random::{self, SystemRandom};
use hallpass_protocol::token::TokenRequest;
use hallpass_protocol::{OAuthError, Secret};
use url::Url;

use super::callback::Attempt;
use super::loopback::{Answer, Loopback, Serving};
use super::loopback_page::Page;
use super::new_session::SignedIn;
use super::options::SignIn;
use crate::authorization_server::{Asked, endpoint};
use crate::client::ClientInner;
use crate::error::{Error, ErrorKind};
use crate::ui::{BrowserStart, Prompt, TICK};

/// A launcher that has not come back by then is taken to have worked.
const LAUNCH: Duration = Duration::from_secs(3);

/// The secrets of one attempt: new each time, only in memory (row C-16).
struct Secrets {
    state: String,
    nonce: String,
    verifier: CodeVerifier,
}

/// Signs in with a browser. `open` starts one; else the address is only shown.
pub(crate) async fn sign_in(
    client: &ClientInner,
    metadata: &Metadata,
    how: &SignIn,
    open: bool,
) -> Result<(SignedIn, Serving), Error> {
    require_pkce(metadata)?;
    require_path(&how.callback_path)?;
    let address = metadata.authorization_endpoint.as_ref();
    let address = endpoint(metadata, "authorization_endpoint", address)?;
    let secrets = Secrets::generate();
    // Row C-13: the port is opened just before the browser.
    let loopback = Loopback::bind(&how.callback_ports).await?;
    let redirect_uri = format!("http://{}{}", loopback.authority, how.callback_path);
    let url = request_url(client, address, how, &secrets, &redirect_uri);
    let mut serving = loopback.serve_for(client, metadata, how, &secrets);
    let browser = if open {
        open_browser(client, &url).await
    } else {
        BrowserStart::NotTried
    };
    let prompt = Prompt::OpenUrl {
        host: client.server.host(),
        url,
        browser,
        redirect_uri: redirect_uri.clone(),
    };
    client.show(prompt).await?;
    let answer = match wait(client, &mut serving, how.timeout).await {
        Ok(answer) => answer,
        Err(error) => {
            // A browser that brought a bad answer gets to see why.
            if matches!(error.kind(), ErrorKind::Security(_)) {
                serving.close().await;
            }
            return Err(error);
        }
    };
    match redeem(client, metadata, how, (answer, &secrets, redirect_uri)).await {
        Ok(signed_in) => Ok((signed_in, serving)),
        Err(error) => {
            serving.finish(Page::failed(&error.to_string())).await;
            Err(error)
        }
    }
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

impl Loopback {
    fn serve_for(
        self,
        client: &ClientInner,
        metadata: &Metadata,
        how: &SignIn,
        secrets: &Secrets,
    ) -> Serving {
        let attempt = Attempt {
            authority: self.authority.clone(),
            path: how.callback_path.clone(),
            state: Secret::from(secrets.state.as_str()),
            issuer: client.server.issuer.clone(),
            announces_iss: metadata.authorization_response_iss_parameter_supported,
        };
        self.serve(attempt)
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
    let issuer = crate::clean::text(&metadata.issuer);
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
    let shown = crate::clean::text(path);
    Err(Error::config(format!("`{shown}` is no callback path"))
        .hint_to("name the path of the registered redirect URI, such as /callback"))
}

fn request_url(
    client: &ClientInner,
    mut address: Url,
    how: &SignIn,
    secrets: &Secrets,
    redirect_uri: &str,
) -> Url {
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
        ..AuthorizationRequest::default()
    };
    // RFC 6749 §3.1: a query that the endpoint has "MUST be retained".
    let query = match address.query().filter(|query| !query.is_empty()) {
        Some(kept) => format!("{kept}&{}", request.encode().encode()),
        None => request.encode().encode(),
    };
    address.set_query(Some(&query));
    address
}

async fn open_browser(client: &ClientInner, url: &Url) -> BrowserStart {
    let (browser, url) = (Arc::clone(&client.browser), url.clone());
    let launched = tokio::task::spawn_blocking(move || browser.open(&url));
    match tokio::time::timeout(LAUNCH, launched).await {
        Ok(Ok(Ok(()))) | Err(_) => BrowserStart::Opened,
        Ok(Ok(Err(reason))) => BrowserStart::Failed(crate::clean::text(&reason)),
        Ok(Err(stopped)) => BrowserStart::Failed(stopped.to_string()),
    }
}

async fn wait(
    client: &ClientInner,
    serving: &mut Serving,
    limit: Duration,
) -> Result<Answer, Error> {
    let start = client.timer.elapsed();
    loop {
        let spent = client.timer.elapsed().saturating_sub(start);
        let left = limit.saturating_sub(spent);
        if left.is_zero() {
            let text = format!("nobody signed in within {} s", limit.as_secs());
            return Err(Error::new(ErrorKind::TimedOut, text).hint_to("start the sign-in again"));
        }
        client.show(Prompt::Waiting { left }).await?;
        tokio::select! {
            answer = serving.answer() => return answer,
            () = client.timer.sleep(TICK.min(left)) => {}
        }
    }
}

/// Exchanges the code and checks the ID token.
async fn redeem(
    client: &ClientInner,
    metadata: &Metadata,
    how: &SignIn,
    (answer, secrets, redirect_uri): (Answer, &Secrets, String),
) -> Result<SignedIn, Error> {
    let code = answer.map_err(|error| declined(client, &error))?;
    let request = TokenRequest::AuthorizationCode {
        code,
        redirect_uri: Some(redirect_uri),
        code_verifier: Some(Secret::from(secrets.verifier.expose())),
        resource: client.resources.clone(),
        scope: None,
    };
    let url = endpoint(metadata, "token_endpoint", metadata.token_endpoint.as_ref())?;
    let granted = client.server.ask(&url, &request).await;
    let granted = granted.map_err(|refused| refused.into_error("the server refused the code"))?;
    // Row C-62: the nonce that was sent must come back.
    let asked = Asked {
        nonce: Expect::Exactly(&secrets.nonce),
        acr: &how.acr,
        max_age: how.max_age,
    };
    SignedIn::check(client, metadata, granted, asked).await
}

fn declined(client: &ClientInner, error: &OAuthError) -> Error {
    let what = format!("{} declined the sign-in", client.server.host());
    let built = Error::from_oauth(&what, error);
    match built.kind() {
        ErrorKind::Denied => {
            built.hint_to("sign in again and allow it, or ask who runs the server")
        }
        _ => built,
    }
}
