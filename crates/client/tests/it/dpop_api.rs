//! Bound tokens, nonces and step-up challenges at APIs (RFC 9449 §7 and §9, RFC 9470).

use std::time::Duration;

use hallpass_client::{ErrorKind, Session, SignIn};
use hallpass_protocol::dpop::access_token_hash;
use reqwest::header::{COOKIE, HeaderValue};
use serde_json::json;

use crate::dpop::{Proofs, binds, bound};
use crate::fake::{Answer, Fake, Seen};
use crate::person::Person;

use hallpass_client::reqwest;

async fn session(fake: &Fake, api: &Fake) -> (Session, Proofs) {
    let mut count = 0;
    let at_server = binds(fake, move |_, _, signer| {
        count += 1;
        bound(signer, &json!({"access_token": format!("at-{count}")}))
    });
    let person = Person::who_signs_in(fake);
    let client = fake.client(&person).resource(&api.issuer).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    fake.expect_nonce(None);
    (session, at_server)
}

fn challenge(error: &str, nonce: Option<&str>) -> Answer {
    let mut headers = vec![(
        "www-authenticate",
        format!(r#"DPoP error="{error}", algs="ES256""#),
    )];
    headers.extend(nonce.map(|nonce| ("dpop-nonce", nonce.to_owned())));
    Answer::Raw(401, headers, String::new())
}

/// An API that takes bound tokens only, each with its proof, for one nonce.
fn takes(api: &Fake, path: &'static str, wanted: &'static str) -> Proofs {
    let proofs = Proofs::default();
    let (kept, base) = (proofs.clone(), api.issuer.clone());
    api.on(path, move |seen, _| {
        let Some(token) = bound_token(seen) else {
            return challenge("invalid_token", None);
        };
        match kept.check(&base, seen, Some(&access_token_hash(token))) {
            Ok(proof) if proof.nonce.as_deref() == Some(wanted) => {
                Answer::Json(200, json!({"token": token}))
            }
            Ok(_) => challenge("use_dpop_nonce", Some(wanted)),
            Err(_) => challenge("invalid_dpop_proof", None),
        }
    });
    proofs
}

fn bound_token(seen: &Seen) -> Option<&str> {
    seen.authorization.as_deref()?.strip_prefix("DPoP ")
}

#[tokio::test]
async fn c_36_an_api_gets_token_proof_and_nonce_and_the_next_call_knows_the_nonce() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    let (session, at_server) = session(&fake, &api).await;
    let at_api = takes(&api, "/me", "rs-1");
    for _ in 0..2 {
        let answer = session
            .http()
            .get(format!("{}/me?x=1", api.issuer))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(api.seen("/me").len(), 3, "one question for the nonce");
    at_api.assert_each_is_new();
    assert_eq!(at_api.key(), at_server.key());
    // Row S-102: the nonce of the API is not the server's.
    session.refresh().await.unwrap();
    assert_eq!(at_server.all().last().unwrap().nonce, None);
}

#[tokio::test]
async fn c_36_an_api_that_always_wants_another_nonce_is_asked_twice() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    let (session, _) = session(&fake, &api).await;
    let mut count = 0;
    api.on("/me", move |_, _| {
        count += 1;
        challenge("use_dpop_nonce", Some(&format!("n-{count}")))
    });
    let error = session
        .http()
        .get(format!("{}/me", api.issuer))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Protocol);
    assert_eq!(api.seen("/me").len(), 2);
}

#[tokio::test]
async fn c_51_a_refused_bound_token_is_refreshed_and_the_body_sent_again() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    let (session, _) = session(&fake, &api).await;
    api.on("/me", |seen, _| match bound_token(seen) {
        Some("at-2") if seen.dpop.is_some() => Answer::Json(200, json!({})),
        _ => challenge("invalid_token", None),
    });
    let call = session
        .http()
        .post(format!("{}/me", api.issuer))
        .body("hello");
    assert_eq!(call.send().await.unwrap().status(), 200);
    let seen = api.seen("/me");
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|seen| seen.body == "hello" && seen.method == "POST")
    );
    assert_ne!(seen[0].dpop, seen[1].dpop);
}

#[tokio::test]
async fn c_75_a_redirect_on_the_origin_has_its_own_proof_and_another_origin_gets_nothing() {
    let (fake, api, other) = (
        Fake::start().await,
        Fake::start().await,
        Fake::start().await,
    );
    let (session, _) = session(&fake, &api).await;
    let at_api = takes(&api, "/there", "rs-1");
    api.on("/here", |_, _| {
        Answer::Raw(302, vec![("location", "/there".to_owned())], String::new())
    });
    let here = session.http().get(format!("{}/here", api.issuer));
    assert_eq!(here.send().await.unwrap().status(), 200);
    at_api.assert_each_is_new();

    let target = format!("{}/trap", other.issuer);
    api.on("/away", move |_, _| {
        Answer::Raw(307, vec![("location", target.clone())], String::new())
    });
    // What the other host says about tokens is not listened to.
    let home = api.issuer.clone();
    other.on("/trap", move |_, _| {
        let step_up = r#"Bearer error="insufficient_user_authentication", acr_values="evil""#;
        let headers = vec![
            ("www-authenticate", step_up.to_owned()),
            ("dpop-nonce", "evil".to_owned()),
        ];
        Answer::Raw(401, headers, home.clone())
    });
    let before = fake.seen("/token").len();
    let away = session.http().get(format!("{}/away", api.issuer));
    let away = away.header(COOKIE, HeaderValue::from_static("a=b"));
    assert_eq!(away.send().await.unwrap().status(), 401);
    let trap = other.seen("/trap");
    assert_eq!(trap.len(), 1);
    assert_eq!(
        (&trap[0].authorization, &trap[0].dpop, &trap[0].cookie),
        (&None, &None, &None)
    );
    assert_eq!(
        fake.seen("/token").len(),
        before,
        "no refresh for another's 401"
    );

    // A body is never sent to where a redirect points.
    api.on("/post", |_, _| {
        Answer::Raw(307, vec![("location", "/there".to_owned())], String::new())
    });
    let before = api.seen("/there").len();
    let post = session
        .http()
        .post(format!("{}/post", api.issuer))
        .body("x");
    assert_eq!(post.send().await.unwrap().status(), 307);
    assert_eq!(api.seen("/there").len(), before);

    // Back home after a detour: the token stays lost.
    let back = format!("{}/there", api.issuer);
    other.on("/detour", move |_, _| {
        Answer::Raw(302, vec![("location", back.clone())], String::new())
    });
    let detour = format!("{}/detour", other.issuer);
    api.on("/around", move |_, _| {
        Answer::Raw(302, vec![("location", detour.clone())], String::new())
    });
    let around = session.http().get(format!("{}/around", api.issuer));
    assert_eq!(around.send().await.unwrap().status(), 401);
    assert_eq!(api.seen("/there").last().unwrap().authorization, None);
}

#[tokio::test]
async fn c_60_a_step_up_challenge_names_the_sign_in_that_answers_it() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    let (session, _) = session(&fake, &api).await;
    api.on("/pay", |_, _| {
        let text =
            r#"DPoP error="insufficient_user_authentication", acr_values="phr", max_age="5""#;
        Answer::Raw(
            401,
            vec![("www-authenticate", text.to_owned())],
            String::new(),
        )
    });
    let before = fake.seen("/token").len();
    let error = session
        .http()
        .get(format!("{}/pay", api.issuer))
        .send()
        .await
        .unwrap_err();
    let ErrorKind::StepUp(wanted) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(
        (wanted.acr_values.as_slice(), wanted.max_age),
        (["phr".to_owned()].as_slice(), Some(Duration::from_secs(5)))
    );
    assert_eq!(
        (error.exit_code(), error.kind().as_str()),
        (4, "step_up_required")
    );
    assert_eq!(
        (api.seen("/pay").len(), fake.seen("/token").len()),
        (1, before),
        "one try, no refresh"
    );
    // The old token is kept.
    assert!(session.access_token().await.is_ok());
}

#[tokio::test]
async fn c_36_userinfo_is_asked_with_a_proof() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    let (session, at_server) = session(&fake, &api).await;
    let (kept, base) = (Proofs::default(), fake.issuer.clone());
    let proofs = kept.clone();
    fake.on("/userinfo", move |seen, _| {
        let token = bound_token(seen).unwrap();
        match kept.check(&base, seen, Some(&access_token_hash(token))) {
            Ok(proof) if proof.nonce.as_deref() == Some("u-1") => {
                Answer::Json(200, json!({"sub": "ada"}))
            }
            Ok(_) => challenge("use_dpop_nonce", Some("u-1")),
            Err(_) => challenge("invalid_dpop_proof", None),
        }
    });
    assert_eq!(session.user_info().await.unwrap().sub.as_str(), "ada");
    assert_eq!(proofs.key(), at_server.key());
    // One host, two roles: the token endpoint gave no nonce.
    session.refresh().await.unwrap();
    assert_eq!(at_server.all().last().unwrap().nonce, None);
}
