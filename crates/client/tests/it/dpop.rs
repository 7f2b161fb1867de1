//! Tokens that are bound to a key, at the token endpoint (RFC 9449 §5, §8, §10).

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_client::{
    Client, DpopMode, ErrorKind, MemoryStore, Prompt, SecurityViolation, Session, SignIn, TokenType,
};
use hallpass_protocol::Clock as _;
use hallpass_protocol::dpop::{self, CheckedProof, DEFAULT_ALGORITHMS, ProofPolicy};
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::jwt::Leeway;
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};
use url::Url;

use crate::fake::{Answer, Fake, Seen, Signer, TestTimer};
use crate::person::Person;

/// What a server remembers of the proofs that it took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proofs(Arc<Mutex<Vec<CheckedProof>>>);

impl Proofs {
    pub(crate) fn all(&self) -> Vec<CheckedProof> {
        self.0.lock().unwrap().clone()
    }

    /// The one key of all of them.
    pub(crate) fn key(&self) -> String {
        let keys: HashSet<_> = self
            .all()
            .into_iter()
            .map(|proof| proof.thumbprint)
            .collect();
        assert_eq!(keys.len(), 1, "one session has one key");
        keys.into_iter().next().unwrap()
    }

    /// Row C-35.
    pub(crate) fn assert_each_is_new(&self) {
        let all = self.all();
        let ids: HashSet<_> = all.iter().map(|proof| &proof.jti).collect();
        assert_eq!(ids.len(), all.len(), "a jti came twice");
    }

    /// Checks the proof of a request as a server does.
    pub(crate) fn check(
        &self,
        base: &str,
        seen: &Seen,
        ath: Option<&str>,
    ) -> Result<CheckedProof, String> {
        let url = Url::parse(&format!("{base}{}", seen.path)).unwrap();
        let proof = seen.dpop.as_deref().ok_or("no proof")?;
        let policy = ProofPolicy {
            htm: &seen.method,
            htu: &url,
            ath,
            algorithms: &DEFAULT_ALGORITHMS,
            window: Duration::from_mins(1),
            leeway: Leeway::default(),
            now: SystemClock.now(),
        };
        let checked = dpop::check(proof, &policy).map_err(|error| error.to_string())?;
        self.0.lock().unwrap().push(checked.clone());
        Ok(checked)
    }
}

pub(crate) fn refuse(code: &str) -> Answer {
    Answer::Json(400, json!({"error": code}))
}

pub(crate) fn ask_nonce(nonce: &str) -> Answer {
    let body = json!({"error": "use_dpop_nonce"}).to_string();
    Answer::Raw(400, vec![("dpop-nonce", nonce.to_owned())], body)
}

/// A server that issues bound tokens for good proofs, and answers good requests as told.
pub(crate) fn binds(
    fake: &Fake,
    mut then: impl FnMut(&CheckedProof, &Seen, &Signer) -> Answer + Send + 'static,
) -> Proofs {
    let proofs = Proofs::default();
    let (kept, base) = (proofs.clone(), fake.issuer.clone());
    fake.announce(
        "dpop_signing_alg_values_supported",
        json!(["PS256", "ES256"]),
    );
    fake.on("/token", move |seen, signer| {
        match kept.check(&base, seen, None) {
            Ok(proof) => then(&proof, seen, signer),
            Err(_) => refuse("invalid_dpop_proof"),
        }
    });
    proofs
}

pub(crate) fn bound(signer: &Signer, changes: &Value) -> Answer {
    let mut members = json!({"token_type": "DPoP"});
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    signer.tokens(&members)
}

fn client(fake: &Fake, mode: DpopMode) -> (Person, Client) {
    let person = Person::who_signs_in(fake);
    let client = fake.client(&person).dpop(mode).build().unwrap();
    (person, client)
}

async fn signed_in(fake: &Fake) -> Session {
    let (_, client) = client(fake, DpopMode::Auto);
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    fake.expect_nonce(None);
    session
}

#[tokio::test]
async fn c_35_sign_in_and_refresh_prove_one_key_and_no_proof_comes_twice() {
    let fake = Fake::start().await;
    let proofs = binds(&fake, |_, _, signer| bound(signer, &json!({})));
    let session = signed_in(&fake).await;
    assert!(session.is_bound());
    let token = session.access_token().await.unwrap();
    assert_eq!(token.token_type(), &TokenType::Dpop);
    assert_eq!(token.dpop_jkt().unwrap(), Some(proofs.key()));
    assert!(
        token
            .authorization_header()
            .unwrap()
            .expose()
            .starts_with("DPoP ")
    );
    session.refresh().await.unwrap();
    session.refresh().await.unwrap();
    assert_eq!(proofs.all().len(), 3);
    proofs.assert_each_is_new();
    proofs.key();
}

#[tokio::test]
async fn the_authorization_request_binds_the_code_to_the_key() {
    let fake = Fake::start().await;
    let proofs = binds(&fake, |_, _, signer| bound(signer, &json!({})));
    let (person, client) = client(&fake, DpopMode::Required);
    client.sign_in(SignIn::browser()).await.unwrap();
    let opened = person
        .prompts()
        .into_iter()
        .find_map(|prompt| match prompt {
            Prompt::OpenUrl { url, .. } => Some(url),
            _ => None,
        });
    let query = Form::parse(opened.unwrap().query().unwrap()).unwrap();
    assert_eq!(query.one("dpop_jkt").unwrap(), Some(proofs.key().as_str()));
}

#[tokio::test]
async fn c_37_a_bearer_answer_is_refused_when_binding_is_required_and_nothing_is_stored() {
    let fake = Fake::start().await;
    binds(&fake, |_, _, signer| signer.tokens(&json!({})));
    let (_, client) = client(&fake, DpopMode::Required);
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::TokenType)
    );
    assert!(client.session().await.unwrap().is_none());
    // Nobody will use what came.
    let revoked: Vec<_> = fake
        .seen("/revoke")
        .iter()
        .filter_map(|seen| seen.field("token"))
        .collect();
    assert!(revoked.contains(&"rt-1".to_owned()), "{revoked:?}");
}

#[tokio::test]
async fn c_37_a_bearer_answer_is_told_where_binding_is_only_wished() {
    let fake = Fake::start().await;
    let proofs = binds(&fake, |_, _, signer| signer.tokens(&json!({})));
    let (person, client) = client(&fake, DpopMode::Auto);
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    fake.expect_nonce(None);
    assert!(!session.is_bound());
    assert!(
        person.prompts().iter().any(
            |prompt| matches!(prompt, Prompt::Notice { text } if text.contains("did not bind"))
        )
    );
    let token = session.access_token().await.unwrap();
    assert_eq!(
        (token.token_type(), token.dpop_jkt().unwrap()),
        (&TokenType::Bearer, None)
    );
    // The refresh token may be bound all the same (RFC 9449 §5).
    session.refresh().await.unwrap();
    assert_eq!(proofs.all().len(), 2);
}

#[tokio::test]
async fn c_37_what_was_bound_is_not_stepped_down_by_a_refresh() {
    let fake = Fake::start().await;
    binds(&fake, |_, seen, signer| {
        match seen.field("grant_type").as_deref() {
            Some("refresh_token") => signer.tokens(&json!({"access_token": "at-bare"})),
            _ => bound(signer, &json!({})),
        }
    });
    let session = signed_in(&fake).await;
    let error = session.refresh().await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::TokenType)
    );
    let kept = session.reloaded().await.unwrap().unwrap();
    assert!(kept.is_bound());
    assert_eq!(
        kept.kept_access_token(Duration::ZERO)
            .map(|it| it.expose().to_owned()),
        None
    );
}

#[tokio::test]
async fn c_37_a_bound_answer_without_a_proof_is_no_token() {
    let fake = Fake::start().await;
    fake.on("/token", |_, signer| bound(signer, &json!({})));
    let (_, client) = client(&fake, DpopMode::Off);
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Protocol);
    assert!(fake.seen("/token").iter().all(|seen| seen.dpop.is_none()));
}

#[tokio::test]
async fn c_37_required_where_it_is_not_offered_opens_nothing() {
    let fake = Fake::start().await;
    let (person, client) = client(&fake, DpopMode::Required);
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Config, 5));
    assert!(
        !person
            .prompts()
            .iter()
            .any(|it| matches!(it, Prompt::OpenUrl { .. }))
    );
    // A session without a key does not do either.
    let store = MemoryStore::new();
    let start = |mode| {
        fake.client(&person)
            .store(store.clone())
            .dpop(mode)
            .build()
            .unwrap()
    };
    start(DpopMode::Auto)
        .sign_in(SignIn::browser())
        .await
        .unwrap();
    let silent = start(DpopMode::Required)
        .sign_in(SignIn::silent_only())
        .await;
    assert_eq!(silent.unwrap_err().kind(), &ErrorKind::LoginRequired);
}

#[tokio::test]
async fn c_36_a_nonce_is_answered_once_and_kept_for_the_next_proof() {
    let fake = Fake::start().await;
    let proofs = binds(&fake, |proof, _, signer| match proof.nonce.as_deref() {
        Some("n-1") => bound(signer, &json!({})),
        _ => ask_nonce("n-1"),
    });
    let session = signed_in(&fake).await;
    assert_eq!(fake.seen("/token").len(), 2, "asked once");
    session.refresh().await.unwrap();
    assert_eq!(fake.seen("/token").len(), 3, "the nonce was kept");
    proofs.assert_each_is_new();
}

#[tokio::test]
async fn c_36_a_nonce_on_a_good_answer_is_used_next() {
    let fake = Fake::start().await;
    let proofs = binds(&fake, |_, _, signer| {
        let Answer::Json(status, body) = bound(signer, &json!({})) else {
            panic!("no JSON")
        };
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("dpop-nonce", "n-2".to_owned()),
        ];
        Answer::Raw(status, headers, body.to_string())
    });
    signed_in(&fake).await.refresh().await.unwrap();
    let nonces: Vec<_> = proofs.all().into_iter().map(|proof| proof.nonce).collect();
    assert_eq!(nonces, [None, Some("n-2".to_owned())]);
}

#[tokio::test]
async fn c_36_a_server_that_always_wants_another_nonce_is_asked_twice() {
    let fake = Fake::start().await;
    let mut count = 0;
    binds(&fake, move |_, _, _| {
        count += 1;
        ask_nonce(&format!("n-{count}"))
    });
    let (_, client) = client(&fake, DpopMode::Auto);
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Protocol, 1));
    assert_eq!(fake.seen("/token").len(), 2);
}

#[tokio::test]
async fn c_36_a_refresh_that_fails_for_its_nonce_keeps_the_session() {
    let fake = Fake::start().await;
    binds(&fake, |_, seen, signer| {
        match seen.field("grant_type").as_deref() {
            Some("refresh_token") => ask_nonce("never good"),
            _ => bound(signer, &json!({})),
        }
    });
    let session = signed_in(&fake).await;
    let error = session.refresh().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Protocol);
    let kept = session.reloaded().await.unwrap().unwrap();
    assert!(kept.has_refresh_token() && kept.kept_access_token(Duration::ZERO).is_some());
}

#[tokio::test]
async fn c_23_a_lost_answer_is_asked_for_with_the_same_token_and_key_and_a_new_proof() {
    let fake = Fake::start().await;
    let mut lost = 0;
    let proofs = binds(&fake, move |_, seen, signer| {
        if seen.field("grant_type").as_deref() == Some("refresh_token") && lost < 2 {
            lost += 1;
            return Answer::Drop;
        }
        bound(
            signer,
            &json!({"access_token": "at-2", "refresh_token": "rt-2"}),
        )
    });
    let person = Person::without_browser();
    let client = fake
        .client(&person)
        .timer(TestTimer::default())
        .build()
        .unwrap();
    let session = client.sign_in(SignIn::device()).await.unwrap();
    let token = session.refresh().await.unwrap();
    assert_eq!(token.expose(), "at-2");
    let refreshes = fake.seen("/token");
    let refreshes: Vec<_> = refreshes
        .iter()
        .filter_map(|seen| seen.field("refresh_token"))
        .collect();
    assert_eq!(refreshes, ["rt-2", "rt-2", "rt-2"]);
    proofs.assert_each_is_new();
    proofs.key();
}

#[tokio::test]
async fn c_10_every_poll_has_its_own_proof_and_a_nonce_does_not_change_the_pace() {
    let fake = Fake::start().await;
    let mut polls = 0;
    let proofs = binds(&fake, move |proof, _, signer| {
        if proof.nonce.is_none() {
            return ask_nonce("n-1");
        }
        polls += 1;
        if polls < 4 {
            refuse("authorization_pending")
        } else {
            bound(signer, &json!({}))
        }
    });
    let (person, timer) = (Person::without_browser(), TestTimer::default());
    let client = fake.client(&person).timer(timer.clone()).build().unwrap();
    let session = client.sign_in(SignIn::device()).await.unwrap();
    assert!(session.is_bound());
    // Four polls and one that was only about the nonce.
    assert_eq!(proofs.all().len(), 5);
    proofs.assert_each_is_new();
    proofs.key();
    assert_eq!(
        timer.now().as_secs(),
        20,
        "5 s before each poll, none for the nonce"
    );
}

#[tokio::test]
async fn a_proof_by_a_clock_that_is_wrong_is_made_again_by_the_servers() {
    let fake = Fake::start().await;
    let base = fake.issuer.clone();
    let proofs = Proofs::default();
    let kept = proofs.clone();
    fake.announce("dpop_signing_alg_values_supported", json!(["ES256"]));
    // This server lives an hour ahead, and says so.
    fake.on("/token", move |seen, signer| {
        let url = Url::parse(&format!("{base}/token")).unwrap();
        let now = SystemClock.now() + Duration::from_hours(1);
        let date = jiff::Timestamp::from_millisecond(now.unix_millis()).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&date)
            .unwrap();
        let policy = ProofPolicy::new("POST", &url, now);
        let (status, body) = match dpop::check(seen.dpop.as_deref().unwrap(), &policy) {
            Ok(proof) => {
                kept.0.lock().unwrap().push(proof);
                let Answer::Json(status, body) = bound(signer, &json!({"id_token": null})) else {
                    panic!("no JSON")
                };
                (status, body)
            }
            Err(_) => (400, json!({"error": "invalid_dpop_proof"})),
        };
        let headers = vec![
            ("date", date),
            ("content-type", "application/json".to_owned()),
        ];
        Answer::Raw(status, headers, body.to_string())
    });
    let person = Person::who_signs_in(&fake);
    let client = Client::builder(&fake.issuer, "cli")
        .scopes(["api:read"])
        .store(MemoryStore::new())
        .environment(person.environment())
        .browser(person.clone())
        .ui(person.clone())
        .build()
        .unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    assert!(session.is_bound());
    assert_eq!((fake.seen("/token").len(), proofs.all().len()), (2, 1));
    session.refresh().await.unwrap();
    assert_eq!(fake.seen("/token").len(), 3, "the difference was kept");
}

#[tokio::test]
async fn c_72_whoever_comes_after_a_crash_replays_the_same_token_with_the_same_key() {
    let fake = Fake::start().await;
    let mut refreshes = 0;
    let proofs = binds(&fake, move |_, seen, signer| {
        if seen.field("grant_type").as_deref() != Some("refresh_token") {
            return bound(signer, &json!({}));
        }
        refreshes += 1;
        match refreshes {
            // The first process never hears the answer.
            1 => Answer::Never,
            _ => bound(
                signer,
                &json!({"access_token": "at-2", "refresh_token": "rt-2"}),
            ),
        }
    });
    let (person, store) = (Person::who_signs_in(&fake), MemoryStore::new());
    let start = || fake.client(&person).store(store.clone()).build().unwrap();
    let session = start().sign_in(SignIn::browser()).await.unwrap();
    fake.expect_nonce(None);
    let (jkt, asked) = (session.dpop_jkt().unwrap(), || fake.seen("/token").len());
    let dying = tokio::spawn(async move { session.refresh().await });
    while asked() < 2 {
        tokio::task::yield_now().await;
    }
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());

    let next = start().session().await.unwrap().unwrap();
    let token = next.access_token().await.unwrap();
    assert_eq!(token.expose(), "at-2", "also while the old one is good");
    assert_eq!(
        (token.dpop_jkt().unwrap(), Some(proofs.key())),
        (jkt.clone(), jkt)
    );
    let sent: Vec<_> = fake
        .seen("/token")
        .iter()
        .filter_map(|seen| seen.field("refresh_token"))
        .collect();
    assert_eq!(sent, ["rt-1", "rt-1"]);
    proofs.assert_each_is_new();
}
