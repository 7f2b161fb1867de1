//! A program that brings its own HTTP.

use std::sync::{Arc, Mutex};

use hallpass_client::reqwest::{Request, Response};
use hallpass_client::{
    BoxFuture, Client, ErrorKind, HttpTransport, MemoryStore, SecurityViolation, TransportError,
    TransportErrorKind,
};
use serde_json::{Value, json};

const ISSUER: &str = "https://as.test";

/// Answers from memory, and remembers what it was asked.
#[derive(Clone, Debug)]
struct Memory {
    seen: Arc<Mutex<Vec<String>>>,
    token_status: u16,
    failure: Option<TransportErrorKind>,
}

impl Memory {
    fn new(token_status: u16, failure: Option<TransportErrorKind>) -> Self {
        Self {
            seen: Arc::default(),
            token_status,
            failure,
        }
    }

    fn client(&self) -> Client {
        let builder = Client::builder(ISSUER, "cli").store(MemoryStore::new());
        builder.http(self.clone()).build().unwrap()
    }

    fn document(path: &str) -> Value {
        match path {
            "/token" => json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 60 }),
            _ => json!({
                "issuer": ISSUER,
                "authorization_endpoint": "https://as.test/authorize",
                "token_endpoint": "https://as.test/token",
                "jwks_uri": "https://as.test/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }),
        }
    }
}

impl HttpTransport for Memory {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            assert!(request.timeout().is_some(), "every call has a deadline");
            assert!(request.headers().contains_key("user-agent"));
            let path = request.url().path().to_owned();
            let line = format!("{} {}", request.method(), request.url());
            self.seen.lock().unwrap().push(line);
            if let Some(kind) = self.failure {
                return Err(TransportError::new(kind, "the reason").hint_to("the hint"));
            }
            let status = if path == "/token" {
                self.token_status
            } else {
                200
            };
            let answer = http::Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .header("location", "https://evil.test/token");
            let body = Self::document(&path).to_string();
            Ok(answer
                .body(body)
                .map_err(TransportError::interrupted)?
                .into())
        })
    }
}

#[tokio::test]
async fn every_request_goes_over_the_transport_of_the_program() {
    let memory = Memory::new(200, None);
    let tokens = memory.client().client_credentials().await.unwrap();
    assert_eq!(tokens.access_token.expose(), "at");
    assert_eq!(
        *memory.seen.lock().unwrap(),
        [
            "GET https://as.test/.well-known/openid-configuration",
            "POST https://as.test/token"
        ]
    );
}

#[tokio::test]
async fn c_45_a_redirect_that_the_transport_hands_back_is_not_followed() {
    let memory = Memory::new(307, None);
    let error = memory.client().client_credentials().await.unwrap_err();
    let expected = ErrorKind::Security(SecurityViolation::Redirect);
    assert_eq!(*error.kind(), expected);
    assert_eq!(memory.seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_transport_knows_becomes_what_the_caller_can_do() {
    let unavailable = ErrorKind::Unavailable { retry_after: None };
    let certificate = ErrorKind::Security(SecurityViolation::Certificate);
    for (kind, expected, text) in [
        (
            TransportErrorKind::NotConnected,
            &unavailable,
            "cannot reach as.test (the reason)",
        ),
        (
            TransportErrorKind::TimedOut,
            &unavailable,
            "cannot reach as.test (the reason)",
        ),
        (
            TransportErrorKind::Interrupted,
            &unavailable,
            "cannot reach as.test (the reason)",
        ),
        (
            TransportErrorKind::Proxy,
            &unavailable,
            "cannot reach as.test (the reason)",
        ),
        (
            TransportErrorKind::Certificate,
            &certificate,
            "cannot verify as.test: the reason",
        ),
        (
            TransportErrorKind::Settings,
            &ErrorKind::Config,
            "the reason",
        ),
    ] {
        let memory = Memory::new(200, Some(kind));
        let error = memory.client().metadata().await.unwrap_err();
        assert_eq!(error.kind(), expected, "{kind:?}");
        assert_eq!(error.to_string(), text, "{kind:?}");
        assert_eq!(error.hint(), Some("the hint"), "{kind:?}");
    }
}
