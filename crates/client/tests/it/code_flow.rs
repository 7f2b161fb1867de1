//! The code flow from the first request to the stored session.

use hallpass_client::flow::Sign;
use hallpass_client::{BrowserStart, ErrorKind, FileStore, Prompt, SecurityViolation, SignIn};
use hallpass_protocol::form::Form;
use hallpass_protocol::pkce::{CodeChallenge, CodeVerifier};
use serde_json::{Value, json};

use crate::fake::{Answer, Fake};
use crate::person::Person;

#[tokio::test]
async fn a_person_signs_in_with_a_browser_and_stays_signed_in() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let session = client.sign_in(SignIn::auto()).await.unwrap();
    assert_eq!(session.account().name.as_deref(), Some("ada@example.com"));
    assert_eq!(session.claims().unwrap().sub, "ada");
    assert_eq!(session.access_token().await.unwrap().expose(), "at-1");
    assert_eq!(person.pages().last().unwrap().status, 200);
    assert!(person.pages().last().unwrap().body.contains("Signed in"));
    let done = person.prompts().pop().unwrap();
    assert!(
        matches!(done, Prompt::Done { who: Some(who), refreshes: true, .. } if who == "ada@example.com")
    );

    // The second time nobody is asked.
    client.sign_in(SignIn::auto()).await.unwrap();
    client.sign_in(SignIn::silent_only()).await.unwrap();
    assert_eq!((person.opened().len(), fake.seen("/token").len()), (1, 1));
}

#[tokio::test]
async fn c_16_each_attempt_has_its_own_verifier_state_and_nonce() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let person = Person::who_signs_in(&fake);
    let path = folder.path().join("credentials.json");
    let client = fake
        .client(&person)
        .store(FileStore::at(&path))
        .build()
        .unwrap();
    for _ in 0..2 {
        client.sign_in(SignIn::browser().force()).await.unwrap();
    }
    let asked: Vec<Form> = person
        .opened()
        .iter()
        .map(|url| Form::parse(url.query().unwrap()).unwrap())
        .collect();
    let redeemed = fake.seen("/token");
    for (form, seen) in asked.iter().zip(&redeemed) {
        let one = |name| form.one(name).unwrap().unwrap_or_default();
        assert_eq!((one("response_type"), one("client_id")), ("code", "cli"));
        assert_eq!(
            (one("code_challenge_method"), one("scope")),
            ("S256", "openid offline_access")
        );
        assert_eq!(one("state").len(), 43);
        let verifier = CodeVerifier::parse(&seen.field("code_verifier").unwrap()).unwrap();
        assert!(
            CodeChallenge::parse(one("code_challenge"))
                .unwrap()
                .is_met_by(&verifier)
        );
        assert_eq!(verifier.expose().len(), 43);
        assert_eq!(
            seen.field("redirect_uri").as_deref(),
            Some(one("redirect_uri"))
        );
        assert!(
            !std::fs::read_to_string(&path)
                .unwrap()
                .contains(verifier.expose())
        );
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(asked[0].one(name), asked[1].one(name), "{name}");
    }
}

#[tokio::test]
async fn c_17_a_server_without_s256_gets_no_request() {
    let fake = Fake::start().await;
    for methods in [Value::Null, json!(["plain"])] {
        fake.announce("code_challenge_methods_supported", methods);
        let person = Person::who_signs_in(&fake);
        let error = fake
            .client(&person)
            .build()
            .unwrap()
            .sign_in(SignIn::browser())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Config);
        assert!(error.to_string().contains("PKCE") && error.hint().is_some());
        assert!(person.opened().is_empty());
    }
}

#[tokio::test]
async fn c_30_to_32_and_a_31_a_wrong_missing_or_unannounced_iss_sends_nothing() {
    let fake = Fake::start().await;
    let issuer = fake.issuer.clone();
    for (announced, iss) in [
        (true, Some("https://evil.test".to_owned())),
        (true, Some(format!("{issuer}/"))),
        (true, Some(issuer.to_uppercase())),
        (true, None),
        (false, Some(issuer.clone())),
    ] {
        fake.announce(
            "authorization_response_iss_parameter_supported",
            json!(announced),
        );
        for answer in ["code=c", "error=access_denied"] {
            let iss = iss.clone();
            let person = Person::who(&fake, move |visit| {
                let iss = iss
                    .as_ref()
                    .map(|iss| format!("&iss={iss}"))
                    .unwrap_or_default();
                visit.come_back_with(&format!("{answer}&state={}{iss}", visit.state));
            });
            let client = fake.client(&person).build().unwrap();
            let error = client.sign_in(SignIn::browser()).await.unwrap_err();
            assert_eq!(
                error.kind(),
                &ErrorKind::Security(SecurityViolation::Issuer)
            );
            assert_eq!(error.exit_code(), 8);
            assert!(client.session().await.unwrap().is_none());
        }
    }
    assert!(fake.seen("/token").is_empty());
}

#[tokio::test]
async fn a_32_an_attackers_issuer_that_borrows_the_honest_page_never_sees_the_code() {
    // The attacker's metadata names the honest authorization endpoint and its own token endpoint;
    // the answer then names the honest issuer.
    let (honest, attacker) = (Fake::start().await, Fake::start().await);
    let page = honest.metadata()["authorization_endpoint"].clone();
    attacker.announce("authorization_endpoint", page);
    let iss = honest.issuer.clone();
    let person = Person::who(&attacker, move |visit| {
        visit.come_back_with(&format!("code=c&state={}&iss={iss}", visit.state));
    });
    let client = attacker.client(&person).build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::Issuer)
    );
    assert!(attacker.seen("/token").is_empty());
}

#[tokio::test]
async fn a_person_who_declines_is_told_so() {
    let fake = Fake::start().await;
    let person = Person::who(&fake, |visit| {
        visit.come_back("error=access_denied&error_description=%3Cscript%3E%1b%5B2J");
    });
    let client = fake.client(&person).build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Denied, 3));
    assert!(!error.to_string().contains('\u{1b}'));
    assert!(fake.seen("/token").is_empty());
    let page = person.pages().pop().unwrap();
    assert!(
        page.body.contains("&lt;script&gt;") && !page.body.contains("<script"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn nobody_at_the_terminal_means_exit_4_at_once_and_no_request() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    for sign in [
        Sign::Ci,
        Sign::NoInput,
        Sign::StdinNotTerminal,
        Sign::StderrNotTerminal,
    ] {
        let environment = person.environment().with(sign);
        let client = fake
            .client(&person)
            .environment(environment)
            .build()
            .unwrap();
        let error = client.sign_in(SignIn::auto()).await.unwrap_err();
        assert_eq!(error.exit_code(), 4, "{sign}");
        assert!(error.to_string().contains(sign.as_str()), "{error}");
    }
    assert!(fake.all_seen().is_empty() && person.opened().is_empty());
}

#[tokio::test]
async fn c_08_over_ssh_the_device_flow_is_chosen_and_without_one_the_address_is_only_shown() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    fake.announce("device_authorization_endpoint", Value::Null);
    let environment = person.environment().with(Sign::SshConnection);
    let client = fake
        .client(&person)
        .environment(environment)
        .build()
        .unwrap();
    let how = SignIn::auto().timeout(std::time::Duration::from_millis(20));
    let error = client.sign_in(how).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::TimedOut, 6));
    let shown = person.prompts();
    assert!(matches!(
        &shown[1],
        Prompt::OpenUrl {
            browser: BrowserStart::NotTried,
            ..
        }
    ));
    assert!(matches!(shown.last(), Some(Prompt::Failed { .. })));
}

#[tokio::test]
async fn what_is_stronger_than_the_session_asks_the_person_again() {
    let fake = Fake::start().await;
    fake.on("/token", |_, signer| {
        let now = hallpass_client::Clock::now(&hallpass_protocol::time::SystemClock).unix_seconds();
        let id_token = signer.id_token(|claims| {
            claims.insert("acr".to_owned(), json!("mfa"));
            claims.insert("auth_time".to_owned(), json!(now));
        });
        signer.tokens(&json!({"id_token": id_token}))
    });
    let person = Person::who_signs_in(&fake);
    let client = fake
        .client(&person)
        .resource("https://api.test")
        .build()
        .unwrap();
    client.sign_in(SignIn::auto()).await.unwrap();
    let how = SignIn::auto()
        .acr("mfa")
        .max_age(std::time::Duration::from_secs(5))
        .login_hint("ada")
        .prompt("login");
    client.sign_in(how).await.unwrap();
    let asked = Form::parse(person.opened()[1].query().unwrap()).unwrap();
    for (name, value) in [
        ("acr_values", "mfa"),
        ("max_age", "5"),
        ("login_hint", "ada"),
        ("prompt", "login"),
        ("resource", "https://api.test"),
    ] {
        assert_eq!(asked.one(name).unwrap(), Some(value));
    }
    assert_eq!(
        fake.seen("/token")[1].field("resource").as_deref(),
        Some("https://api.test")
    );
}

#[tokio::test]
async fn c_49_no_secret_stands_in_an_error_or_a_debug_text() {
    let fake = Fake::start().await;
    fake.on("/token", |seen, signer| {
        if seen.field("grant_type").as_deref() == Some("refresh_token") {
            return Answer::Drop;
        }
        signer.tokens(
            &json!({"access_token": "at-canary", "refresh_token": "rt-canary", "expires_in": 1}),
        )
    });
    let person = Person::who_signs_in(&fake);
    let clock = crate::fake::TestClock::new();
    let timer = crate::fake::TestTimer::default();
    let client = fake.client(&person).clock(clock.clone()).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    clock.advance(60);
    let quick = fake
        .client(&person)
        .clock(clock)
        .timer(timer)
        .store(client.store());
    let error = quick
        .build()
        .unwrap()
        .sign_in(SignIn::silent_only())
        .await
        .unwrap_err();
    for text in [
        format!("{session:?}"),
        format!("{client:?}"),
        format!("{error:?}"),
        error.to_string(),
    ] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_scope_that_was_never_asked_for_asks_the_person_again_and_a_refused_one_does_not() {
    let fake = Fake::start().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"scope": "openid"}))
    });
    let person = Person::who_signs_in(&fake);
    let narrow = fake.client(&person).build().unwrap();
    narrow.sign_in(SignIn::auto()).await.unwrap();
    let wide = fake
        .client(&person)
        .store(narrow.store())
        .scopes(["api:write"])
        .build()
        .unwrap();
    let error = wide.sign_in(SignIn::silent_only()).await.unwrap_err();
    assert!(error.to_string().contains("api:write"), "{error}");
    for _ in 0..2 {
        wide.sign_in(SignIn::auto()).await.unwrap();
    }
    assert_eq!(person.opened().len(), 2);
}

#[tokio::test]
async fn who_gives_up_is_not_signed_in() {
    #[derive(Debug)]
    struct GivesUp;

    impl hallpass_client::Ui for GivesUp {
        fn show<'a>(
            &'a self,
            prompt: &'a Prompt,
        ) -> hallpass_client::BoxFuture<'a, hallpass_client::UiOutcome> {
            let outcome = match prompt {
                Prompt::Waiting { .. } => hallpass_client::UiOutcome::Cancelled,
                _ => hallpass_client::UiOutcome::Shown,
            };
            Box::pin(std::future::ready(outcome))
        }

        fn capabilities(&self) -> hallpass_client::UiCaps {
            hallpass_client::UiCaps { interactive: true }
        }
    }

    let fake = Fake::start().await;
    let client = fake
        .client(&Person::without_browser())
        .ui(GivesUp)
        .build()
        .unwrap();
    for how in [SignIn::browser(), SignIn::device()] {
        let error = client.sign_in(how).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.exit_code()),
            (&ErrorKind::Cancelled, 3)
        );
    }
}

/// Programs spawn these on runtimes of many threads.
#[test]
fn every_future_can_move_between_threads() {
    fn is_send(_: &impl Send) {}
    let client = hallpass_client::Client::builder("https://as.test", "cli")
        .store(hallpass_client::MemoryStore::new())
        .build()
        .unwrap();
    is_send(&client.sign_in(SignIn::auto()));
    is_send(&client.sign_out());
    is_send(&client.client_credentials());
    is_send(&client.session());
}
