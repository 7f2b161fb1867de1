//! Pushed authorization requests: the request goes to the server itself, and the browser is only given a
//! reference to it.
//!
//! RFC 9126 §2: <https://www.rfc-editor.org/rfc/rfc9126#section-2>, §4, §5; row C-59.

use std::time::Duration;

use hallpass_protocol::OAuthError;
use hallpass_protocol::form::Form;
use hallpass_protocol::metadata::Metadata;
use serde_json::{Map, Value};
use url::Url;

use super::discovery::endpoint;
use super::refusal::refusal;
use super::server::AuthorizationServer;
use crate::clean;
use crate::error::{Error, ErrorKind};
use crate::http::Reply;

/// Whether authorization requests are pushed (RFC 9126).
///
/// ```
/// use hallpass_client::{Client, MemoryStore, PushedRequests};
///
/// let client = Client::builder("https://login.example.com", "acme-cli");
/// let client = client.pushed_requests(PushedRequests::Required).store(MemoryStore::new()).build()?;
/// # drop(client);
/// # Ok::<(), hallpass_client::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PushedRequests {
    /// Where the server offers it.
    #[default]
    Auto,
    /// Always: a server that does not offer it cannot be used with a browser.
    Required,
    /// Never: a server that demands it cannot be used with a browser.
    Off,
}

/// A request that waits at the server.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    /// `request_uri`.
    pub(crate) request_uri: String,
    /// How long it waits.
    pub(crate) lifetime: Duration,
}

impl PushedRequests {
    /// Where requests are pushed; `None` when they go with the browser.
    pub(crate) fn endpoint(self, metadata: &Metadata) -> Result<Option<Url>, Error> {
        let issuer = clean::text(&metadata.issuer);
        let address = metadata.pushed_authorization_request_endpoint.as_ref();
        let name = "pushed_authorization_request_endpoint";
        match (self, address) {
            (Self::Auto | Self::Required, Some(_)) => endpoint(metadata, name, address).map(Some),
            (Self::Required, None) => {
                let text = format!("{issuer} takes no pushed authorization requests");
                Err(Error::config(text)
                    .hint_to("set `par = \"auto\"`, or sign in with a device code"))
            }
            (Self::Off, _) if metadata.require_pushed_authorization_requests => {
                let text = format!("{issuer} demands pushed authorization requests");
                Err(Error::config(text).hint_to("set `par = \"auto\"`"))
            }
            (Self::Off, _) | (Self::Auto, None) => Ok(None),
        }
    }
}

impl AuthorizationServer {
    /// Pushes an authorization request.
    pub(crate) async fn push(&self, endpoint: &Url, request: &Form) -> Result<Pushed, Error> {
        let reply = self.post_form(endpoint, request.clone()).await?;
        if let Some(pushed) = read(&reply) {
            return Ok(pushed);
        }
        if reply.status >= 500 || reply.status == 429 {
            let text = format!(
                "the server did not take the authorization request ({})",
                reply.describe()
            );
            return Err(Error::unavailable(text, reply.retry_after));
        }
        let Some(said) = refusal(&reply) else {
            let text = format!(
                "the server's answer to the pushed authorization request is malformed ({})",
                reply.describe()
            );
            return Err(Error::protocol(text).hint_to(
                "set `par = \"off\"` if the server does not really take pushed requests",
            ));
        };
        if let Some(refused) = self.refused_redirect(request, &said) {
            return Err(refused);
        }
        let what = format!("{} refused the authorization request", self.host());
        let error = Error::from_oauth(&what, &said);
        Err(match error.kind() {
            // Nobody was asked yet: there is nothing that signing in again would help.
            ErrorKind::LoginRequired | ErrorKind::Protocol => {
                error.hint_to("compare redirect URI, scopes and resources with what the server has registered for this client")
            }
            _ => error,
        })
    }
}

impl AuthorizationServer {
    /// A server that does not know our redirect URI. There is no code for it: RFC 9126 §2.3 leaves it at
    /// `invalid_request`, RFC 7591 §3.2.2 has `invalid_redirect_uri`, and the words name the parameter.
    fn refused_redirect(&self, request: &Form, said: &OAuthError) -> Option<Error> {
        let names_it = |text: &str| {
            text.to_ascii_lowercase()
                .replace(' ', "_")
                .contains("redirect_uri")
        };
        let is_it =
            names_it(said.error.as_str()) || said.description.as_deref().is_some_and(names_it);
        let uri = request.all("redirect_uri").next().filter(|_| is_it)?;
        let uri = Url::parse(uri).ok()?;
        let registered = format!("http://{}{}", uri.host_str()?, uri.path());
        let text = format!(
            "{} refused redirect {uri} (invalid redirect_uri)",
            self.host()
        );
        let error = Error::config(text).hint_to(format!(
            "register {registered} for client {}; this server needs exact ports? set callback_ports",
            clean::text(self.client_id.as_str())
        ));
        Some(error.because_of(said))
    }
}

fn read(reply: &Reply) -> Option<Pushed> {
    if !reply.is_success() {
        return None;
    }
    let members: Map<String, Value> = serde_json::from_slice(reply.body.expose()).ok()?;
    let request_uri = members.get("request_uri")?.as_str()?;
    let lifetime = match members.get("expires_in") {
        Some(Value::Number(seconds)) => seconds.as_u64(),
        Some(Value::String(seconds)) => seconds.parse().ok(),
        _ => None,
    };
    (!request_uri.is_empty() && clean::is_clean(request_uri)).then(|| Pushed {
        request_uri: request_uri.to_owned(),
        lifetime: lifetime.map_or(USUAL_LIFETIME, Duration::from_secs),
    })
}

/// RFC 9126 §2.2: lifetimes are "typically ... between 5 and 600 seconds".
const USUAL_LIFETIME: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use hallpass_protocol::{Secret, Timestamp};

    use super::*;
    use crate::authorized_http::Challenges;

    fn metadata(offers: bool, demands: bool) -> Metadata {
        Metadata {
            issuer: "https://as.test".to_owned(),
            pushed_authorization_request_endpoint: offers.then(|| "https://as.test/par".to_owned()),
            require_pushed_authorization_requests: demands,
            ..Metadata::default()
        }
    }

    #[test]
    fn c_59_requests_are_pushed_where_the_server_offers_it() {
        for (wish, offers, demands, pushed) in [
            (PushedRequests::Auto, true, false, Some(true)),
            (PushedRequests::Auto, true, true, Some(true)),
            (PushedRequests::Auto, false, false, Some(false)),
            (PushedRequests::Required, true, false, Some(true)),
            (PushedRequests::Required, false, false, None),
            (PushedRequests::Off, true, false, Some(false)),
            (PushedRequests::Off, true, true, None),
        ] {
            let endpoint = wish.endpoint(&metadata(offers, demands));
            let is_pushed = endpoint.ok().map(|endpoint| endpoint.is_some());
            assert_eq!(is_pushed, pushed, "{wish:?} {offers} {demands}");
        }
    }

    fn lifetime_of(status: u16, body: &str) -> Option<Duration> {
        let reply = Reply {
            status,
            content_type: "application/json".to_owned(),
            retry_after: None,
            server_ahead: 0,
            received_at: Timestamp::UNIX_EPOCH,
            dpop_nonce: None,
            challenges: Challenges::default(),
            body: Secret::new(body.as_bytes().to_vec()),
        };
        read(&reply).map(|pushed| pushed.lifetime)
    }

    #[test]
    fn only_a_whole_answer_is_one() {
        let seconds = |n| Some(Duration::from_secs(n));
        for (status, body, lifetime) in [
            (
                201,
                r#"{"request_uri":"urn:x","expires_in":90}"#,
                seconds(90),
            ),
            (
                200,
                r#"{"request_uri":"urn:x","expires_in":"30"}"#,
                seconds(30),
            ),
            (201, r#"{"request_uri":"urn:x"}"#, seconds(60)),
            (201, r#"{"request_uri":"","expires_in":90}"#, None),
            (
                201,
                "{\"request_uri\":\"urn:\u{1b}[2J\",\"expires_in\":90}",
                None,
            ),
            (201, r#"{"expires_in":90}"#, None),
            (400, r#"{"request_uri":"urn:x","expires_in":90}"#, None),
            (201, "<html>", None),
        ] {
            assert_eq!(lifetime_of(status, body), lifetime, "{status} {body}");
        }
    }
}
