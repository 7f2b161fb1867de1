//! The owner of a key, and what they send.

use hallpass_protocol::Timestamp;
use hallpass_protocol::dpop::{self, ProofRequest};
use hallpass_protocol::jose::{Algorithm, SigningKey, base64url, sign_jwt};
use hallpass_protocol::random::SystemRandom;
use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::server::START;
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::{Value, json};
use url::Url;

/// The owner of a key.
pub(crate) struct Owner(pub(super) SigningKey);

impl Owner {
    pub(crate) fn new() -> Self {
        Self::of(Algorithm::Es256)
    }

    pub(super) fn of(algorithm: Algorithm) -> Self {
        Self(SigningKey::generate(algorithm, "ignored").unwrap())
    }

    pub(crate) fn jkt(&self) -> String {
        self.0.public_jwk().thumbprint()
    }

    /// A good proof for a POST to a path.
    pub(crate) fn proof(&self, server: &TestServer, path: &str) -> String {
        self.prove(server, ("POST", path), None, None)
    }

    pub(super) fn prove(
        &self,
        server: &TestServer,
        (htm, path): (&str, &str),
        access_token: Option<&str>,
        nonce: Option<&str>,
    ) -> String {
        let request = ProofRequest {
            htm,
            htu: &Url::parse(&server.url(path)).unwrap(),
            access_token,
            nonce,
            now: Timestamp::from_unix_seconds(START),
        };
        dpop::prove(&self.0, &request, &SystemRandom).unwrap()
    }

    /// A proof with changed header and claims, signed all the same.
    pub(super) fn odd(&self, server: &TestServer, header: &Value, changes: &Value) -> String {
        let mut head =
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.0.public_jwk().to_bare_json() });
        merge(&mut head, header);
        let mut claims = json!({
            "jti": "odd", "htm": "POST", "htu": server.url("/default/token"), "iat": START,
        });
        merge(&mut claims, changes);
        // Only the payload can be signed by the library: the header is ours, and so is the input.
        let good = sign_jwt(&self.0, "dpop+jwt", &claims).unwrap();
        let payload = good.split('.').nth(1).unwrap();
        let input = format!("{}.{payload}", base64url::encode(head.to_string()));
        let signature = self.0.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(signature))
    }
}

fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => into.as_object_mut().unwrap().remove(name),
            value => into
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
}

/// `POST` a form with these `DPoP` headers.
pub(crate) async fn post(
    server: &TestServer,
    path: &str,
    form: &[(&str, &str)],
    proofs: &[&str],
) -> Answer {
    let request = server.http().post(server.url(path)).form(form);
    let request = proofs
        .iter()
        .fold(request, |request, proof| request.header("DPoP", *proof));
    server.send(request).await
}

pub(super) async fn token(server: &TestServer, form: &[(&str, &str)], proof: &str) -> Answer {
    post(server, "/default/token", form, &[proof]).await
}

pub(super) const SERVICE: [(&str, &str); 3] = [
    ("grant_type", "client_credentials"),
    ("client_id", "any"),
    ("client_secret", "x"),
];

/// A code of the public client `cli`, for ada.
pub(super) async fn code(server: &TestServer, changes: &[(&str, &str)]) -> String {
    let path = Person::authorization_path_with("cli", "openid offline_access a", changes);
    let answer = server.person().sign_in_at(&path, "ada").await;
    answer.redirect_parameters()["code"].clone()
}

pub(super) fn redemption(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
}

pub(super) fn refreshing(refresh_token: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", refresh_token),
    ]
}

/// The tokens of `cli` for ada, bound to a key.
pub(super) async fn sign_in(server: &TestServer, owner: &Owner) -> Answer {
    let code = code(server, &[]).await;
    let tokens = token(
        server,
        &redemption(&code),
        &owner.proof(server, "/default/token"),
    )
    .await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    tokens
}

pub(super) async fn userinfo(
    server: &TestServer,
    scheme: &str,
    token: &str,
    proofs: &[&str],
) -> Answer {
    let request = server
        .http()
        .get(server.url("/default/userinfo"))
        .header("authorization", format!("{scheme} {token}"));
    let request = proofs
        .iter()
        .fold(request, |request, proof| request.header("DPoP", *proof));
    server.send(request).await
}

/// `RS401 x` under the scheme DPoP.
pub(super) fn assert_challenge(answer: &Answer, error: &str) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    let line = answer.header("www-authenticate");
    assert!(line.starts_with("DPoP "), "{line}");
    assert!(line.contains(&format!("error=\"{error}\"")), "{line}");
    assert!(line.contains("algs=\"ES256 EdDSA PS256\""), "{line}");
    assert_eq!(answer.member("error"), error);
}
