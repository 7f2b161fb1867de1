//! Signing in with the crates `oauth2` and `openidconnect`.
#![expect(
    clippy::disallowed_methods,
    reason = "the crates' documentation has their loop wait with `std::thread::sleep`"
)]

use hallpass_interop_rust::{OidcClient, Person, SECRET, Server, http, oauth2_client, oidc_client};
use oauth2::{
    AuthType, AuthorizationCode, ConfigurationError, CsrfToken, HttpRequest, HttpResponse,
    PkceCodeChallenge, RevocationUrl, Scope, TokenIntrospectionResponse as _, TokenResponse as _,
};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreDeviceAuthorizationResponse, CoreIdToken, CoreTokenResponse,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, IssuerUrl, Nonce, SignatureVerificationError,
    TokenResponse as _,
};

const APPROVE: &[(&str, &str)] = &[("action", "approve"), ("confirm", "on")];

fn scope(name: &str) -> Scope {
    Scope::new(name.to_owned())
}

/// The code flow up to the tokens, and the nonce that was sent.
fn sign_in(client: &OidcClient, issuer: &str) -> (CoreTokenResponse, Nonce) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(["profile", "offline_access"].map(scope))
        .set_pkce_challenge(challenge)
        .url();
    let back = Person::default().authorize(&address, "ada");
    assert_eq!(back.get("state"), Some(state.secret()));
    // RFC 9207 §2.
    assert_eq!(back.get("iss").map(String::as_str), Some(issuer));
    let tokens = client
        .exchange_code(AuthorizationCode::new(back["code"].clone()))
        .expect("there is a token endpoint")
        .set_pkce_verifier(verifier)
        .request(&http)
        .expect("the code is redeemed");
    (tokens, nonce)
}

#[test]
fn code_flow_with_pkce_brings_an_id_token_that_passes_every_check() {
    let server = Server::with_clients();
    let client = oidc_client(&server, "public", None);
    let (tokens, nonce) = sign_in(&client, &server.issuer);
    let verifier = client.id_token_verifier();
    let id_token = tokens.id_token().expect("an ID token");
    let claims = id_token.claims(&verifier, &nonce).expect("every check");
    assert_eq!(claims.subject().as_str(), "ada");
    assert_eq!(claims.issuer().as_str(), server.issuer);
    assert_eq!(claims.audiences()[0].as_str(), "public");
    // OIDC Core §3.1.3.6: whoever gets both tokens can see that they belong together.
    let expected = claims.access_token_hash().expect("at_hash");
    let key = id_token.signing_key(&verifier).expect("a key");
    let found = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().expect("an algorithm"),
        key,
    );
    assert_eq!(&found.expect("a hash"), expected);
    let subject = Some(claims.subject().clone());
    let user: CoreUserInfoClaims = client
        .user_info(tokens.access_token().clone(), subject)
        .expect("there is a UserInfo endpoint")
        .request(&http)
        .expect("the UserInfo answer is about the same person");
    assert_eq!(user.subject().as_str(), "ada");
}

#[test]
fn device_flow_waits_in_the_crates_loop_until_a_person_approves() {
    let server = Server::with_clients();
    let client = oidc_client(&server, "public", None);
    let device: CoreDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scopes(["openid", "profile", "offline_access"].map(scope))
        .request(&http)
        .expect("a device code");
    let address = device
        .verification_uri_complete()
        .expect("one link")
        .secret();
    let polls = std::cell::Cell::new(0);
    let tokens = client
        .exchange_device_access_token(&device)
        .expect("there is a token endpoint")
        .request(
            &http,
            |wait| {
                if polls.replace(polls.get() + 1) == 0 {
                    Person::default().decide(address, device.user_code().secret(), APPROVE);
                }
                std::thread::sleep(wait);
            },
            None,
        )
        .expect("tokens");
    assert_eq!(polls.get(), 1, "the first poll came before the approval");
    // RFC 8628 has no place for a nonce.
    let no_nonce = |nonce: Option<&Nonce>| match nonce {
        None => Ok(()),
        Some(_) => Err("a nonce that nobody sent".to_owned()),
    };
    let claims = tokens
        .id_token()
        .expect("an ID token")
        .claims(&client.id_token_verifier(), no_nonce)
        .expect("every check");
    assert_eq!(claims.subject().as_str(), "ada");
    assert!(tokens.refresh_token().is_some());
}

#[test]
fn device_flow_of_the_plain_oauth2_crate_needs_no_discovery() {
    let server = Server::with_clients();
    let client = oauth2_client(&server, "public", None);
    let device: oauth2::StandardDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scope(scope("profile"))
        .request(&http)
        .expect("a device code");
    let address = device
        .verification_uri_complete()
        .expect("one link")
        .secret();
    Person::default().decide(address, device.user_code().secret(), APPROVE);
    let tokens = client
        .exchange_device_access_token(&device)
        .request(&http, std::thread::sleep, None)
        .expect("tokens");
    assert_eq!(tokens.scopes(), Some(&vec![scope("profile")]));
}

#[test]
fn code_flow_of_the_plain_oauth2_crate() {
    let server = Server::with_clients();
    let client = oauth2_client(&server, "public", None);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scope(scope("profile"))
        .set_pkce_challenge(challenge)
        .url();
    let back = Person::default().authorize(&address, "ada");
    assert_eq!(back.get("state"), Some(state.secret()));
    let tokens = client
        .exchange_code(AuthorizationCode::new(back["code"].clone()))
        .set_pkce_verifier(verifier)
        .request(&http)
        .expect("tokens");
    assert_eq!(tokens.token_type(), &oauth2::basic::BasicTokenType::Bearer);
}

#[test]
fn client_credentials_with_the_secret_in_the_header_and_in_the_body() {
    let server = Server::with_clients();
    for (id, style) in [
        ("robot-basic", AuthType::BasicAuth),
        ("robot-post", AuthType::RequestBody),
    ] {
        let tokens = oauth2_client(&server, id, Some(SECRET))
            .set_auth_type(style)
            .exchange_client_credentials()
            .add_scope(scope("api:read"))
            .request(&http)
            .expect(id);
        assert_eq!(tokens.scopes(), Some(&vec![scope("api:read")]), "{id}");
        assert!(tokens.expires_in().is_some() && tokens.refresh_token().is_none());
    }
}

#[test]
fn a_refresh_rotates_the_token_and_keeps_the_person() {
    let server = Server::with_clients();
    let client = oidc_client(&server, "public", None);
    let (tokens, _) = sign_in(&client, &server.issuer);
    let old = tokens.refresh_token().expect("a refresh token");
    let renewed = client
        .exchange_refresh_token(old)
        .expect("there is a token endpoint")
        .request(&http)
        .expect("new tokens");
    assert_ne!(
        renewed.access_token().secret(),
        tokens.access_token().secret()
    );
    assert_ne!(
        renewed.refresh_token().expect("rotated").secret(),
        old.secret()
    );
    // OIDC Core §12.2: the nonce may be missing, the rest is checked as ever.
    let claims = renewed
        .id_token()
        .expect("an ID token")
        .claims(&client.id_token_verifier(), |_: Option<&Nonce>| Ok(()))
        .expect("every check");
    assert_eq!(claims.subject().as_str(), "ada");
}

#[test]
fn introspection_tells_that_a_revoked_token_is_dead() {
    let server = Server::with_clients();
    let (tokens, _) = sign_in(&oidc_client(&server, "public", None), &server.issuer);
    let asking = oauth2_client(&server, "robot-basic", Some(SECRET));
    let introspect = || {
        let answer = asking.introspect(tokens.access_token()).request(&http);
        answer.expect("an answer")
    };
    let before = introspect();
    assert!(before.active());
    assert_eq!(before.sub(), Some("ada"));
    assert_eq!(before.client_id().map(|id| id.as_str()), Some("public"));
    // The crate revokes at https addresses only, and is told so by its documentation.
    let refresh_token = tokens.refresh_token().expect("a refresh token");
    let plain = oauth2_client(&server, "public", None);
    let refused = plain.revoke_token(refresh_token.into()).err();
    assert!(
        matches!(refused, Some(ConfigurationError::InsecureUrl("revocation"))),
        "{refused:?}"
    );
    let address = plain
        .revocation_url()
        .to_string()
        .replace("http:", "https:");
    let address = RevocationUrl::new(address).expect("a URL");
    oauth2_client(&server, "public", None)
        .set_revocation_url(address)
        .revoke_token(refresh_token.into())
        .expect("it is https")
        .request(&behind_tls)
        .expect("it is revoked");
    // One refresh token stands for the authorization: its access tokens end with it.
    assert!(!introspect().active());
}

/// The server behind a proxy that ends TLS.
fn behind_tls(mut request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let plain = request.uri().to_string().replace("https:", "http:");
    *request.uri_mut() = plain.parse().expect("a URI");
    http(request)
}

#[test]
fn a_changed_id_token_is_refused_with_the_documented_error() {
    let server = Server::with_clients();
    let client = oidc_client(&server, "public", None);
    let (tokens, nonce) = sign_in(&client, &server.issuer);
    let good = tokens.id_token().expect("an ID token").to_string();
    let parts: Vec<&str> = good.split('.').collect();
    let (other, _) = sign_in(&client, &server.issuer);
    let other = other.id_token().expect("an ID token").to_string();
    // The claims of one sign-in under the signature of another.
    let mixed = format!(
        "{}.{}.{}",
        parts[0],
        parts[1],
        other.rsplit('.').next().unwrap()
    );
    let read = |text: &str| {
        text.parse::<CoreIdToken>()
            .expect("it has the form of a JWT")
    };
    let verifier = client.id_token_verifier();
    let refused = read(&mixed).claims(&verifier, &nonce).unwrap_err();
    assert!(
        matches!(
            refused,
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::CryptoError(_)
            )
        ),
        "{refused:?}"
    );
    assert!(read(&good).claims(&verifier, &nonce).is_ok());
    let refused = read(&good)
        .claims(&verifier, &Nonce::new_random())
        .unwrap_err();
    assert!(
        matches!(refused, ClaimsVerificationError::InvalidNonce(_)),
        "{refused:?}"
    );
    let stranger = oidc_client(&server, "robot-basic", Some(SECRET));
    let refused = read(&good)
        .claims(&stranger.id_token_verifier(), &nonce)
        .unwrap_err();
    assert!(
        matches!(refused, ClaimsVerificationError::InvalidAudience(_)),
        "{refused:?}"
    );
    let tomorrow = || chrono::Utc::now() + chrono::Duration::days(1);
    let late = client.id_token_verifier().set_time_fn(tomorrow);
    let refused = read(&good).claims(&late, &nonce).unwrap_err();
    assert!(
        matches!(refused, ClaimsVerificationError::Expired(_)),
        "{refused:?}"
    );
}

#[test]
fn an_issuer_that_is_spelled_otherwise_is_not_discovered() {
    let server = Server::with_clients();
    let issuer = IssuerUrl::new(format!("{}/", server.issuer)).unwrap();
    let refused = hallpass_interop_rust::Metadata::discover(&issuer, &http).unwrap_err();
    assert!(
        matches!(refused, openidconnect::DiscoveryError::Validation(_)),
        "{refused:?}"
    );
}
