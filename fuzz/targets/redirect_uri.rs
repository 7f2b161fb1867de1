//! What is taken as a redirect URI leads where the registered one leads, as a browser reads it.
#![no_main]

use hallpass_issuer::client::{Client, ClientKind};
use hallpass_issuer::redirect_uri::{self, AllowedRedirectUri};
use hallpass_protocol::ClientId;
use libfuzzer_sys::fuzz_target;
use url::Url;

const REGISTERED: [&str; 4] = [
    "https://app.test/callback",
    "http://127.0.0.1/callback",
    "http://[::1]/callback",
    "com.example.app:/callback",
];

fuzz_target!(|text: &str| {
    if redirect_uri::check_registrable(text).is_ok() {
        let url = Url::parse(text).expect("what can be registered is a URL");
        assert!(url.fragment().is_none() && url.scheme() != "javascript" && url.scheme() != "data");
    }
    let client = Client {
        kind: ClientKind::Public,
        redirect_uris: REGISTERED.map(str::to_owned).to_vec(),
        ..Client::unconfigured(ClientId::new("cli"))
    };
    if AllowedRedirectUri::check(&client, text).is_some() {
        let asked = Url::parse(text).expect("what is allowed is a URL");
        let is_like = |known: &str| {
            let known = Url::parse(known).expect("a URL");
            let is_loopback = known.scheme() == "http";
            asked.scheme() == known.scheme()
                && asked.host() == known.host()
                && asked.path() == known.path()
                && asked.username().is_empty()
                && asked.fragment().is_none()
                && (is_loopback || asked == known)
        };
        assert!(REGISTERED.into_iter().any(is_like), "{text:?}");
    }
    let unconfigured = Client::unconfigured(ClientId::new("cli"));
    if AllowedRedirectUri::check(&unconfigured, text).is_some() {
        let host = Url::parse(text)
            .expect("a URL")
            .host_str()
            .map(str::to_owned);
        assert!(
            matches!(host.as_deref(), Some("127.0.0.1" | "[::1]" | "localhost")),
            "{text:?}"
        );
    }
});
