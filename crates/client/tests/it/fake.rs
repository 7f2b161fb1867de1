//! A scripted authorization server on loopback: it records every request and answers as told.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_client::{BoxFuture, Client, ClientBuilder, Clock, MemoryStore, Timer, Timestamp};
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::{Algorithm, SigningKey, sign_jwt, typ};
use hallpass_protocol::time::SystemClock;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::person::Person;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    /// The proof of RFC 9449.
    pub(crate) dpop: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) accept: Option<String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn form(&self) -> Form {
        Form::parse(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.form().one(name).unwrap().map(str::to_owned)
    }
}

/// What to answer.
pub(crate) enum Answer {
    /// JSON with a status.
    Json(u16, Value),
    /// Anything.
    Raw(u16, Vec<(&'static str, String)>, String),
    /// The connection breaks.
    Drop,
    /// Nothing comes, and the connection stays.
    Never,
}

type Script = Box<dyn FnMut(&Seen, &Signer) -> Answer + Send>;

/// Makes ID tokens, with the nonce of the last authorization request.
pub(crate) struct Signer {
    pub(crate) issuer: String,
    key: SigningKey,
    nonce: Mutex<Option<String>>,
}

impl Signer {
    /// An ID token after a change to its claims.
    pub(crate) fn id_token(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let now = SystemClock.now().unix_seconds();
        let mut claims = json!({
            "iss": self.issuer, "sub": "ada", "aud": "cli", "iat": now, "exp": now + 600,
            "email": "ada@example.com",
        });
        let claims = claims.as_object_mut().unwrap();
        if let Some(nonce) = self.nonce.lock().unwrap().clone() {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        change(claims);
        sign_jwt(&self.key, typ::JWT, claims).unwrap()
    }

    /// A usual token answer; members may be changed, `null` removes one.
    pub(crate) fn tokens(&self, changes: &Value) -> Answer {
        let mut members = json!({
            "access_token": "at-1", "token_type": "Bearer", "expires_in": 600, "refresh_token": "rt-1",
            "id_token": self.id_token(|_| ()),
        });
        for (name, value) in changes.as_object().unwrap() {
            members[name] = value.clone();
        }
        members
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        Answer::Json(200, members)
    }
}

struct State {
    signer: Signer,
    seen: Mutex<Vec<Seen>>,
    scripts: Mutex<HashMap<String, Script>>,
    metadata: Mutex<Value>,
}

/// The server.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) issuer: String,
    state: Arc<State>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::start_at("").await
    }

    /// Starts with a path in the issuer.
    pub(crate) async fn start_at(path: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let issuer = format!("{base}{path}");
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "device_authorization_endpoint": format!("{base}/device_authorization"),
            "userinfo_endpoint": format!("{base}/userinfo"),
            "revocation_endpoint": format!("{base}/revoke"),
            "jwks_uri": format!("{base}/jwks"),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
        let signer = Signer {
            issuer: issuer.clone(),
            key,
            nonce: Mutex::default(),
        };
        let state = Arc::new(State {
            signer,
            seen: Mutex::default(),
            scripts: Mutex::default(),
            metadata: Mutex::new(metadata),
        });
        tokio::spawn(serve(listener, Arc::clone(&state)));
        let fake = Self { issuer, state };
        fake.on("/token", |_, signer| signer.tokens(&json!({})));
        fake.on("/revoke", |_, _| Answer::Raw(200, vec![], String::new()));
        let at = fake.issuer.clone();
        fake.on("/device_authorization", move |_, _| {
            Answer::Json(
                200,
                json!({
                    "device_code": "device-canary", "user_code": "WDJB-MJHT",
                    "verification_uri": format!("{at}/device"),
                    "verification_uri_complete": format!("{at}/device?user_code=WDJB-MJHT"),
                    "expires_in": 600, "interval": 5,
                }),
            )
        });
        fake
    }

    /// Answers a path by a script.
    pub(crate) fn on(
        &self,
        path: &str,
        script: impl FnMut(&Seen, &Signer) -> Answer + Send + 'static,
    ) {
        self.state
            .scripts
            .lock()
            .unwrap()
            .insert(path.to_owned(), Box::new(script));
    }

    /// Answers the token endpoint with these in turn; the last one stays.
    pub(crate) fn answer_tokens(&self, answers: Vec<(u16, Value)>) {
        let mut answers = answers.into_iter();
        let mut last = None;
        self.on("/token", move |_, _| {
            last = answers.next().or(last.take());
            let (status, body) = last.clone().unwrap();
            Answer::Json(status, body)
        });
    }

    /// Changes a member of the metadata; `null` removes it.
    pub(crate) fn announce(&self, name: &str, value: Value) {
        let mut metadata = self.state.metadata.lock().unwrap();
        let members = metadata.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
    }

    pub(crate) fn metadata(&self) -> Value {
        self.state.metadata.lock().unwrap().clone()
    }

    /// Every request to a path so far.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.state.seen.lock().unwrap();
        seen.iter()
            .filter(|request| request.path == path)
            .cloned()
            .collect()
    }

    pub(crate) fn all_seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// What an authorization request asked to have in the ID token.
    pub(crate) fn expect_nonce(&self, nonce: Option<String>) {
        *self.state.signer.nonce.lock().unwrap() = nonce;
    }

    /// A client with an in-memory store and a scripted person.
    pub(crate) fn client(&self, person: &Person) -> ClientBuilder {
        Client::builder(&self.issuer, "cli")
            .scopes(["openid", "offline_access"])
            .store(MemoryStore::new())
            .environment(person.environment())
            .browser(person.clone())
            .ui(person.clone())
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, Arc::clone(&state)));
            // A script may break the connection.
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer);
            drop(connection.await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let mut seen = Seen {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        dpop: header("dpop"),
        cookie: header("cookie"),
        accept: header("accept"),
        body: String::new(),
    };
    let body = request.into_body().collect().await.unwrap().to_bytes();
    seen.body = String::from_utf8(body.to_vec()).unwrap();
    state.seen.lock().unwrap().push(seen.clone());
    let scripted = {
        let mut scripts = state.scripts.lock().unwrap();
        scripts
            .get_mut(&seen.path)
            .map(|script| script(&seen, &state.signer))
    };
    let answer = scripted.unwrap_or_else(|| usual(&seen, &state));
    let (status, headers, body) = match answer {
        Answer::Json(status, body) => (
            status,
            vec![("content-type", "application/json".to_owned())],
            body.to_string(),
        ),
        Answer::Raw(status, headers, body) => (status, headers, body),
        Answer::Drop => return Err(std::io::ErrorKind::ConnectionReset.into()),
        Answer::Never => std::future::pending().await,
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body))).unwrap())
        .map_err(|e| match e {})
}

fn usual(seen: &Seen, state: &State) -> Answer {
    let issuer_path = state
        .signer
        .issuer
        .splitn(4, '/')
        .nth(3)
        .map_or(String::new(), |p| format!("/{p}"));
    if seen.path == format!("{issuer_path}/.well-known/openid-configuration") {
        Answer::Json(200, state.metadata.lock().unwrap().clone())
    } else if seen.path == "/jwks" {
        Answer::Json(200, json!({"keys": [state.signer.key.public_jwk_json()]}))
    } else {
        Answer::Raw(
            404,
            vec![("content-type", "text/html".to_owned())],
            "<h1>404</h1>".to_owned(),
        )
    }
}

/// A clock that a test moves.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(SystemClock.now().unix_millis())))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A timer that does not wait, and remembers what it was asked to.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestTimer(Arc<Mutex<Duration>>);

impl TestTimer {
    pub(crate) fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, span: Duration) {
        *self.0.lock().unwrap() += span;
    }
}

impl Timer for TestTimer {
    fn elapsed(&self) -> Duration {
        self.now()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()> {
        self.advance(span);
        Box::pin(tokio::task::yield_now())
    }
}

/// A server whose certificate no authority signed; returns its issuer.
pub(crate) async fn start_with_a_self_signed_certificate() -> String {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let pem = include_bytes!("self_signed.pem");
    let certificate = CertificateDer::from_pem_slice(pem).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // The client hangs up when it sees the certificate.
            drop(acceptor.accept(stream).await);
        }
    });
    issuer
}
